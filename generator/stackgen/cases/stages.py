"""Canonical series over time to the input series of the source that this stack reads them from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from stackgen.cases.stimuli import InputSeries
from stackgen.catalog.series import Series
from stackgen.catalog.site import Site
from stackgen.catalog.source import FILLED_IN, base_labels
from stackgen.catalog.timeline import Gauge, Input, Segment
from stackgen.resolve.plan import Plan


@dataclass(frozen=True)
class Stage:
    """A stretch of a test: what is fed, and for how many samples."""

    inputs: tuple[InputSeries, ...]
    """Series of other stages that are not among these are gone, though scrapes succeed."""
    steps: int
    missed: bool = False
    """True: the scrapes themselves fail."""


def input_series(stages: Sequence[Stage], plan: Plan, step: int) -> tuple[Input, ...]:
    """The input series for these stages, one after the other."""
    by_key: dict[tuple[str, tuple[tuple[str, str], ...]], dict[int, InputSeries]] = {}
    for index, stage in enumerate(stages):
        for one in stage.inputs:
            by_key.setdefault((one.series.name, tuple(one.labels.items())), {})[index] = one
    made: list[Input] = []
    for (name, labels), by_stage in by_key.items():
        segments, start = list[Segment](), 0
        for index, stage in enumerate(stages):
            _append(segments, _segment(stage, by_stage.get(index), start, step))
            start += stage.steps
        chosen = plan.chosen[name]
        made += chosen.reading.stimulus(
            plan.site, _named(chosen.series, dict(labels), plan.site), tuple(segments), step
        )
    return tuple(made)


def _named(series: Series, labels: Mapping[str, str], site: Site) -> dict[str, str]:
    return filled_in(labels, site) if series.kind == "counter" else _spared(labels, site)


def filled_in(labels: Mapping[str, str], site: Site) -> dict[str, str]:
    """Without names that stack.yaml ignores, nor those that a source fills in where there is none."""
    changed = {label: text for label, text in FILLED_IN.items() if site.spared(label, text) != text}
    return _spared({**changed, **labels}, site)


def _spared(labels: Mapping[str, str], site: Site) -> dict[str, str]:
    return {label: site.spared(label, text) for label, text in labels.items()}


def _append(segments: list[Segment], one: Segment) -> None:
    """Adds a segment, as part of the one before where that goes on as it is."""
    last = segments[-1] if segments else None
    if last and not (one.slope or one.born) and one == last._replace(steps=one.steps):
        segments[-1] = last._replace(steps=last.steps + one.steps)
    else:
        segments.append(one)


def _segment(stage: Stage, one: InputSeries | None, start: int, step: int) -> Segment:
    if one is None:
        return Segment(None, stage.steps)
    if one.is_age:
        return Segment(_plain(start * step - one.amount), stage.steps, missed=stage.missed, slope=step)
    if one.series.kind == "counter":
        amount = one.amount if one.is_new else one.amount * step / one.series.window
        return Segment(_plain(amount), stage.steps, missed=stage.missed, born=one.is_new)
    return Segment(_plain(one.amount), stage.steps, missed=stage.missed, slope=_plain(one.slope * step))


def _plain(amount: Fraction) -> Fraction | int:
    """The same number as an `int` where it is whole: the arithmetic of long tests is ten times faster."""
    return amount.numerator if amount.denominator == 1 else amount


def scraped(inputs: Iterable[Input], jobs: Iterable[str], site: Site, stages: Sequence[Stage]) -> tuple[Input, ...]:
    """Without repeats, and with `up` for each of these jobs that is not fed itself: 0 where a scrape is missed."""
    ones = tuple(Segment(0 if s.missed else 1, s.steps) for s in stages)
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
    return one._replace(segments=tuple(Segment(0, s.steps) if s.missed else s for s in one.segments))
