"""What to feed so that a signal says a value just on one side of a limit: one function per input shape."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, lcm
from typing import Literal, NamedTuple

from stackgen.catalog import input_shapes
from stackgen.catalog.series import Series
from stackgen.catalog.site import Site

Side = Literal[-1, 0, 1]
"""-1: just on the good side of the limit; 0: exactly at it; 1: just on the bad side."""


class Feed(NamedTuple):
    """One canonical series at a steady amount: a level's value, or a flow's events per window."""

    series: Series
    labels: Mapping[str, str]
    amount: Fraction
    rising: Fraction = Fraction(0)
    """Growth of a level per second."""
    born: bool = False
    """True: a counter that was absent appears with this whole amount and stays there."""
    aging: bool = False
    """True: the level is a timestamp `amount` seconds ago."""


class Told(NamedTuple):
    """Feeds that make the signal say `value`, and what was fed before that (for signals that look back)."""

    feeds: tuple[Feed, ...]
    value: Fraction | float
    before: tuple[Feed, ...] = ()


class Aim(NamedTuple):
    """One side of one limit."""

    limit: Fraction
    side: Side
    sign: int = 1
    """+1 when above the limit is bad, else -1."""
    least: int = 0
    """Every amount is at least this already in the first fifth of a window, so that no guard has a say."""


def tell(shape: input_shapes.InputShape, who: Mapping[str, str], aim: Aim, site: Site) -> Told | None:
    """What to feed for one side of one limit; None when that side does not exist."""
    limit, side = aim.limit, aim.side
    match shape:
        case input_shapes.Value():
            if side == 0 and shape.series.warmup and not _dyadic(limit * 60):
                return None  # floating point rounds what the counter grows by in a minute
            return _level(shape, who, limit + side * aim.sign * shape.resolution)
        case input_shapes.Age():
            value = limit + side * aim.sign
            return Told((Feed(shape.series, who, value, aging=True),), value)
        case input_shapes.Growth():
            if side == 0 and not _dyadic(limit * 30):
                return None  # floating point rounds what it grows by in half a minute
            value = limit + side * aim.sign * max(limit / 100, Fraction(1, 100))
            return Told((Feed(shape.series, who, Fraction(100_000), rising=value),), value)
        case input_shapes.Share():
            return _share(shape, who, aim)
        case input_shapes.Quantile():
            return _quantile(shape, who, aim, site)
        case input_shapes.Drain():
            return _drain(shape, who, aim)
        case input_shapes.Stuck():
            feeds = (Feed(shape.length, who, limit + side), Feed(shape.started, who, Fraction(0)))
            return Told(feeds, limit + side) if limit + side >= 0 else None
        case input_shapes.Fleet():
            return _fleet(shape, who, limit, side)
        case input_shapes.Failures():
            return Told((Feed(shape.series, who, limit + side),), limit + side) if limit + side >= 0 else None
        case input_shapes.Overdue() | input_shapes.Always() | input_shapes.Lines():
            return None


def _dyadic(number: Fraction) -> bool:
    """Whether floating point has this number exactly."""
    return number.denominator & (number.denominator - 1) == 0


def _level(shape: input_shapes.Value, who: Mapping[str, str], value: Fraction) -> Told | None:
    if value < 0:
        return None
    beside = tuple(Feed(series, who, amount) for series, amount in shape.beside)
    return Told((Feed(shape.series, who, value), *beside), value)


def share(shape: input_shapes.Share, who: Mapping[str, str], part: Fraction, total: Fraction) -> Told:
    """`part` of `total` per window."""
    rest = total - part if shape.disjoint else total
    feeds = (
        Feed(shape.part, {**who, **shape.part_labels}, part),
        Feed(shape.rest, {**who, **shape.rest_labels}, rest),
    )
    return Told(feeds, (total - part if shape.inverted else part) / total)


def _share(shape: input_shapes.Share, who: Mapping[str, str], aim: Aim) -> Told | None:
    """Large enough that one event more is a small step, and whole at five samples a window."""
    limit = aim.limit
    bad = 1 - limit if shape.inverted else limit
    enough = max(Fraction(2000), aim.least / bad if bad else Fraction(0))
    total = Fraction(5 * limit.denominator * ceil(enough / limit.denominator))
    part = bad * total + aim.side * 5
    return share(shape, who, part, total) if 0 <= part <= total else None


def _quantile(shape: input_shapes.Quantile, who: Mapping[str, str], aim: Aim, site: Site) -> Told | None:
    """The limit is a bucket bound: 950 of 1000 at most that long is exactly the 95th percentile."""
    within, times = 950 - aim.side, 5 * ceil(Fraction(max(aim.least, 1000), 1000))
    return quantile(shape, who, aim.limit, (Fraction(within * times), Fraction(1000 * times)), site)


def quantile(
    shape: input_shapes.Quantile, who: Mapping[str, str], limit: Fraction, counts: tuple[Fraction, Fraction], site: Site
) -> Told | None:
    """`counts` is (within, total): so many took at most `limit`, the rest the bound after; others are not fed."""
    within, total = counts
    bounds = site.wait_buckets if "task" not in shape.series.labels else site.duration_buckets
    after = next((b for b in bounds if b > limit), None)
    if limit not in bounds or after is None:
        return None
    feeds = tuple(
        Feed(shape.series, {**who, "le": le}, amount)
        for le, amount in ((repr(float(limit)), within), (repr(float(after)), total), ("+Inf", total))
    )
    rank = 0.95 * float(total)
    low, high = float(limit), float(after)
    if rank > within:
        value = low + (high - low) * ((rank - float(within)) / float(total - within))
    else:
        value = low * (rank / float(within))  # no lower bucket is fed
    return Told(feeds, value)


def _drain(shape: input_shapes.Drain, who: Mapping[str, str], aim: Aim) -> Told | None:
    """`pace` tasks start per second, so the queue's length is the limit times the pace."""
    limit = aim.limit
    if limit <= 0:
        return None
    pace = Fraction(lcm(limit.denominator, 1) * max(1, ceil(max(10_000, 2 * aim.least) / limit)))
    length = limit * pace + aim.side
    feeds = (Feed(shape.length, who, length), Feed(shape.started, who, pace * shape.started.window))
    return Told(feeds, length / pace)


def _fleet(shape: input_shapes.Fleet, who: Mapping[str, str], limit: Fraction, side: Side) -> Told | None:
    # One worker less is less than a tenth of the limit less.
    most = Fraction(limit.denominator * ceil(11 / max(limit, Fraction(1, 10)) / limit.denominator))
    left = limit * most - side
    if most > 100:  # no small fleet has exactly this share
        most = Fraction(100)
        left = Fraction({1: ceil(limit * most) - 1, -1: int(limit * most) + 1, 0: -1}[side])
    if not 0 <= left <= most:
        return None
    return Told((Feed(shape.series, who, left),), left / most, before=(Feed(shape.series, who, most),))
