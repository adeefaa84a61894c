"""Cases about how much traffic there is: too little to be judged, just enough, and counters that appear with it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from stackgen.cases import probes, shapes
from stackgen.cases.feeding import Phase, feed
from stackgen.cases.model import Scene
from stackgen.cases.shapes import Feed, Told
from stackgen.cases.subjects import Bench
from stackgen.catalog import input_shapes
from stackgen.catalog.signal import Setting, Severity

_HALF = Fraction(1, 2)


def guards(bench: Bench) -> Iterator[Scene]:
    """For each guard of each severity: half an event short of it stays silent, enough fires."""
    told: set[Setting] = set()
    for severity in reversed(tuple(bench.judged.bounds)):
        for guard, least in bench.judged.guards(severity):
            if guard.setting in told:
                continue  # what is bad enough for a worse severity is so for all
            told.add(guard.setting)
            for short, words in ((True, "too few"), (False, "just enough")):
                name = f"{guard.setting}: {words} for {severity}"
                yield from _guarded(bench, name, (severity, guard.setting, least), short=short)


def _guarded(bench: Bench, name: str, guard: tuple[Severity, Setting, int], *, short: bool) -> Iterator[Scene]:
    severity, setting, least = guard
    limit, who = bench.judged.bounds[severity].threshold, name
    if limit is None:
        who, limit = next(iter(bench.listed[severity].items()))
    amount = Fraction(least) - _HALF if short else _divisible(Fraction(least))
    told = _told(bench, setting, amount, limit, who)
    if told is None:
        return
    if not short:
        told = probes.spread(bench, told)
    phases = (Phase(told.feeds, bench.steps),)
    # While the window fills the guard may not be met yet.
    window = max(s.window for s in bench.judged.signal.needs)
    start, _ = bench.first_true
    one = bench.subject(who, told, phases, on=(start, window + bench.step))
    if short:
        beside = feed((Phase(probes.outside(bench, told), phases[0].steps),), bench.plan, bench.step)
        one = one._replace(inputs=(*one.inputs, *beside), spells={})
    yield Scene(name=name, subject=one, phases=phases, step=bench.step, alone=who != name)


def _divisible(amount: Fraction) -> Fraction:
    """At least the amount, and in sixteenths at five samples a window, so that floating point does not round it."""
    grain = Fraction(5, 16)
    return ceil(amount / grain) * grain


def _told(bench: Bench, setting: Setting, amount: Fraction, limit: Fraction, who: str) -> Told | None:
    labels = bench.labels(who)
    match bench.judged.signal.shape:
        case input_shapes.Share() as shape:
            return _share(bench, shape, (setting, amount), limit, labels)
        case input_shapes.Quantile() as shape:
            return shapes.quantile(shape, labels, limit, (amount * _HALF, amount), bench.plan.site)
        case input_shapes.Drain() as shape:
            slow = limit * 2 + _HALF  # no whole number of seconds, which rounding could make one less
            pace = amount / slow
            feeds = (Feed(shape.length, labels, amount), Feed(shape.started, labels, pace * shape.started.window))
            return Told(feeds, slow)
        case _:
            return None


def _share(
    bench: Bench, shape: input_shapes.Share, guard: tuple[Setting, Fraction], limit: Fraction, labels: dict[str, str]
) -> Told | None:
    """Bad enough for this severity, and so much of what the guard counts."""
    setting, amount = guard
    bad = 1 - limit if shape.inverted else limit
    if setting == "min_tasks":
        enough = _divisible(Fraction(max(bench.judged.settings.get("min_failures", 0), ceil(bad * amount) + 1)))
        return shapes.share(shape, labels, enough, amount) if enough <= amount else None
    fewest = Fraction(bench.judged.settings.get("min_tasks", 0))
    most = amount / bad if bad else 2 * fewest
    # Between what the other guard asks for and what makes the share too small, away from both for the sake of rounding.
    if amount < fewest and most <= fewest:
        return None  # so many failures are never this share of so many tasks
    total = (fewest + min(most, 2 * fewest)) / 2 if amount < fewest else Fraction(ceil(amount))
    return shapes.share(shape, labels, amount, total)
