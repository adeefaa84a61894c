"""What to feed so that a signal's value is just on one side of a limit: one function per input shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Literal

from stackgen.catalog import input_shapes
from stackgen.catalog.series import Series
from stackgen.catalog.site import Site

Side = Literal[-1, 0, 1]
"""-1: just on the good side of the limit; 0: exactly at it; 1: just on the bad side."""
Labels = Mapping[str, str]


@dataclass(frozen=True)
class InputSeries:
    """One canonical series at a steady amount: a gauge's value, or a counter's growth per window."""

    series: Series
    labels: Labels
    amount: Fraction
    slope: Fraction = Fraction(0)
    """Growth of a gauge per second."""
    is_new: bool = False
    """True: a counter that was absent appears with this whole amount and stays there."""
    is_age: bool = False
    """True: the gauge is a timestamp `amount` seconds ago."""


@dataclass(frozen=True)
class Situation:
    """What is fed, and the value that the signal then has; `before` was fed first, for signals that look back."""

    inputs: tuple[InputSeries, ...]
    value: Fraction | float
    before: tuple[InputSeries, ...] = ()


@dataclass(frozen=True)
class Target:
    """One side of one limit."""

    limit: Fraction
    side: Side
    sign: int = 1
    """+1 when above the limit is bad, else -1."""
    least: int = 0
    """Traffic that already the first fifth of a window must have, so that no guard has a say."""


def complete(one: InputSeries) -> InputSeries:
    """The same series with a text for every label, so that a label that gets lost is noticed."""
    return replace(one, labels={**{name: f"a-{name}" for name in one.series.labels}, **one.labels})


def situation(shape: input_shapes.InputShape, who: Labels, target: Target, site: Site) -> Situation | None:
    """What to feed for one side of one limit; None when that side does not exist."""
    limit, side = target.limit, target.side
    match shape:
        case input_shapes.Value():
            return _value(shape, who, target)
        case input_shapes.Age(series=series):
            value = limit + side * target.sign
            return Situation((InputSeries(series, who, value, is_age=True),), value)
        case input_shapes.Growth(series=series):
            if side == 0 and not _is_binary(limit * 30):
                return None  # floating point rounds what it grows by in half a minute
            value = limit + side * target.sign * max(limit / 100, Fraction(1, 100))
            return Situation((InputSeries(series, who, Fraction(100_000), slope=value),), value)
        case input_shapes.Share():
            return _share(shape, who, target)
        case input_shapes.Quantile():
            # The limit is a bucket bound: 950 of 1000 at most that long is exactly the 95th percentile.
            times = 5 * ceil(Fraction(max(target.least, 1000), 1000))
            return quantile(shape, who, limit, (Fraction((950 - side) * times), Fraction(1000 * times)), site)
        case input_shapes.Drain():
            return _drain(shape, who, target)
        case input_shapes.Stuck(length=length, started=started):
            inputs = (InputSeries(length, who, limit + side), InputSeries(started, who, Fraction(0)))
            return Situation(inputs, limit + side) if limit + side >= 0 else None
        case input_shapes.Fleet():
            return _fleet(shape, who, limit, side)
        case input_shapes.Failures(series=series):
            return Situation((InputSeries(series, who, limit + side),), limit + side) if limit + side >= 0 else None
        case input_shapes.Overdue() | input_shapes.Tally() | input_shapes.Testimony():
            return None
        case input_shapes.Always() | input_shapes.Lines():
            return None


def _is_binary(number: Fraction) -> bool:
    """Whether floating point has this number exactly."""
    return number.denominator & (number.denominator - 1) == 0


def _value(shape: input_shapes.Value, who: Labels, target: Target) -> Situation | None:
    if target.side == 0 and shape.series.warmup and not _is_binary(target.limit * 60):
        return None  # floating point rounds what the counter grows by in a minute
    value = target.limit + target.side * target.sign * shape.resolution
    beside = tuple(complete(InputSeries(series, who, amount)) for series, amount in shape.beside)
    return (
        Situation((InputSeries(shape.series, {**who, **shape.labels}, value), *beside), value) if value >= 0 else None
    )


def share(shape: input_shapes.Share, who: Labels, part: Fraction, total: Fraction) -> Situation:
    """`part` of `total` per window."""
    rest = total - part if shape.disjoint else total
    inputs = (
        InputSeries(shape.part, {**who, **shape.part_labels}, part),
        InputSeries(shape.rest, {**who, **shape.rest_labels}, rest),
    )
    return Situation(inputs, (total - part if shape.inverted else part) / total)


def _share(shape: input_shapes.Share, who: Labels, target: Target) -> Situation | None:
    """Large enough that ten events more are a small step, and whole at five samples a window, each in two halves."""
    limit = target.limit
    bad = 1 - limit if shape.inverted else limit
    enough = max(Fraction(2000), target.least / bad if bad else Fraction(0))
    total = Fraction(10 * limit.denominator * ceil(enough / (2 * limit.denominator)))
    part = bad * total + target.side * 10
    return share(shape, who, part, total) if 0 <= part <= total else None


def quantile(
    shape: input_shapes.Quantile, who: Labels, limit: Fraction, counts: tuple[Fraction, Fraction], site: Site
) -> Situation | None:
    """`counts` is (within, total): so many took at most `limit`, the rest the bound after; others are not fed."""
    within, total = counts
    bounds = site.wait_buckets if "task" not in shape.series.labels else site.duration_buckets
    after = next((b for b in bounds if b > limit), None)
    if limit not in bounds or after is None:
        return None
    inputs = tuple(
        InputSeries(shape.series, {**who, "le": le}, amount)
        for le, amount in ((repr(float(limit)), within), (repr(float(after)), total), ("+Inf", total))
    )
    rank = 0.95 * float(total)
    low, high = float(limit), float(after)
    if rank > within:
        value = low + (high - low) * ((rank - float(within)) / float(total - within))
    else:
        value = low * (rank / float(within))  # no lower bucket is fed
    return Situation(inputs, value)


def _drain(shape: input_shapes.Drain, who: Labels, target: Target) -> Situation | None:
    """`pace` tasks start per second, so the queue's length is the limit times the pace."""
    limit = target.limit
    if limit <= 0:
        return None
    pace = Fraction(limit.denominator * max(1, ceil(max(10_000, 2 * target.least) / limit)))
    length = limit * pace + target.side
    inputs = (InputSeries(shape.length, who, length), InputSeries(shape.started, who, pace * shape.started.window))
    return Situation(inputs, length / pace)


def _fleet(shape: input_shapes.Fleet, who: Labels, limit: Fraction, side: Side) -> Situation | None:
    # One worker less is less than a tenth of the limit less.
    most = Fraction(limit.denominator * ceil(11 / max(limit, Fraction(1, 10)) / limit.denominator))
    left = limit * most - side
    if most > 100:  # no small fleet has exactly this share
        most = Fraction(100)
        left = Fraction({1: ceil(limit * most) - 1, -1: int(limit * most) + 1, 0: -1}[side])
    if not 0 <= left <= most:
        return None
    return Situation(
        (InputSeries(shape.series, who, left),), left / most, before=(InputSeries(shape.series, who, most),)
    )
