"""Canonical feeds over time to the input series of the chosen source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from stackgen.cases.shapes import Feed
from stackgen.catalog.site import Site
from stackgen.catalog.source import base_labels
from stackgen.catalog.timeline import Gauge, Input, Segment
from stackgen.resolve.plan import Plan


class Phase(NamedTuple):
    """A stretch of a test: what is fed and for how many steps."""

    feeds: tuple[Feed, ...] | None
    """None: every series is gone, though scrapes succeed."""
    steps: int
    missed: bool = False
    """True: the scrapes themselves fail."""


Key = tuple[str, tuple[tuple[str, str], ...]]


def feed(phases: Sequence[Phase], plan: Plan, step: int) -> tuple[Input, ...]:
    """The input series for these phases, one after the other."""
    by_key: dict[Key, dict[int, Feed]] = {}
    for index, phase in enumerate(phases):
        for one in phase.feeds or ():
            by_key.setdefault((one.series.name, tuple(one.labels.items())), {})[index] = one
    made: list[Input] = []
    for (name, labels), feeds in by_key.items():
        segments, start = [], 0
        for index, phase in enumerate(phases):
            segments.append(_segment(phase, feeds.get(index), start, step))
            start += phase.steps
        stimulus = plan.chosen[name].reading.stimulus
        made += stimulus(plan.site, dict(labels), tuple(segments), step)
    return tuple(made)


def _segment(phase: Phase, one: Feed | None, start: int, step: int) -> Segment:
    if one is None:
        return Segment(None, phase.steps)
    if one.aging:
        return Segment(_plain(start * step - one.amount), phase.steps, missed=phase.missed, slope=step)
    if one.series.kind == "counter":
        amount = one.amount if one.born else one.amount * step / one.series.window
        return Segment(_plain(amount), phase.steps, missed=phase.missed, born=one.born)
    return Segment(_plain(one.amount), phase.steps, missed=phase.missed, slope=_plain(one.rising * step))


def _plain(amount: Fraction) -> Fraction | int:
    """The same number as an `int` where it is whole: the arithmetic of long tests is ten times faster."""
    return amount.numerator if amount.denominator == 1 else amount


def merged(inputs: Iterable[Input], jobs: Iterable[str], site: Site, phases: Sequence[Phase]) -> tuple[Input, ...]:
    """Without repeats, and with `up` for each of these jobs that is not fed itself: 0 where a scrape is missed."""
    ones = tuple(Segment(0 if p.missed else 1, p.steps) for p in phases)
    unique: dict[str, Input] = {}
    for one in inputs:
        unique.setdefault(one.selector, one)
    for job in jobs:
        instances = {i.labels.get("instance", "") for i in unique.values() if i.labels.get("job") == job}
        for instance in sorted(instances) or [base_labels(job, site)["instance"]]:
            up = Gauge("up", base_labels(job, site, instance), ones)
            unique.setdefault(up.selector, up)
    return tuple(map(_answered, unique.values()))


def _answered(one: Input) -> Input:
    """`up` says 0 where a scrape fails; every other series is gone."""
    if one.name != "up":
        return one
    zero = Segment(0, 0)
    return one._replace(segments=tuple(zero._replace(steps=s.steps) if s.missed else s for s in one.segments))
