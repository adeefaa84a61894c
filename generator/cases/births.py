"""Counters that appear: what they bring along counts, unless their target is new too or was not scraped before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from generator.cases import probes
from generator.cases.feeding import Phase, feed, merged
from generator.cases.lives import seen_and_gone
from generator.cases.model import Case, Probe
from generator.cases.shapes import Feed
from generator.cases.subjects import Bench
from generator.catalog.series import STATES, Series
from generator.catalog.sources import celery_exporter
from generator.catalog.timeline import Gauge, Input, Segment
from generator.resolve.plan import Chosen, Plan

_BORN = Fraction(100)
_NOBODY = {"name": "None"}
"""The task that celery-exporter shows for events of a task it never met."""
_OTHER = "IGNORED"
"""A state that is not ours to count."""
_NEW = "new:1"
_STEP = Fraction(60)
_GOOD = 2
"""Scrapes between the birth and a gap in which all scrapes fail."""


@dataclass(frozen=True)
class _Times:
    """The moments of the story: quiet, a birth, a gap longer than the bridge, and quiet again."""

    quiet: int
    """Steps that any window fits into."""
    lost: int
    seen: Fraction
    gone: Fraction

    @property
    def young(self) -> Fraction:
        """One step after the birth."""
        return (self.quiet + 1) * _STEP

    @property
    def old(self) -> Fraction:
        """The end, when the birth and the gap have left every window."""
        return (2 * self.quiet + _GOOD + self.lost) * _STEP

    def phases(self, before: Sequence[Feed] | None, after: Sequence[Feed]) -> tuple[Phase, ...]:
        """What is fed until the birth and from it on; what is born was there before the gap and grows no more."""
        again = tuple(replace(one, amount=Fraction(0), born=False) if one.born else one for one in after)
        return (
            Phase(None if before is None else tuple(before), self.quiet),
            Phase(tuple(after), _GOOD),
            Phase(again, self.lost, missed=True),
            Phase(again, self.quiet),
        )


def _times(bench: Bench, counters: Sequence[Series]) -> _Times:
    quiet = int(max(series.window for series in counters) / _STEP) + 2
    last = (quiet + _GOOD - 1) * _STEP
    seen, gone = seen_and_gone(bench, last, _STEP)
    return _Times(quiet, int((gone - last) / _STEP) + 1, seen, gone)


def newborn(bench: Bench) -> Iterator[Case]:
    """The births of all counters of a family, told once, in the tests of its first signal."""
    plan, mine = bench.plan, bench.judged.signal
    first = next(j.signal.id for j in plan.judged if j.signal.family == mine.family)
    counters = [c.series for c in plan.chosen.values() if c.series.family == mine.family and _counts_births(c)]
    if first != mine.id or not counters:
        return
    times = _times(bench, counters)
    born = [one for series in counters for one in _variants(series, "newborn")]
    steady = [replace(one, born=False) for series in counters for one in _variants(series, "steady")]
    late = [one for series in counters for one in _variants(series, "new target")]
    odd = [
        replace(one, labels={**one.labels, **name})
        for series in counters
        for one in _variants(series, "odd")
        for name in _odd(plan, series)
    ]
    fed = feed(times.phases(steady, (*steady, *born)), plan, _STEP)
    # Counters have labels of their own, such as a worker's host, that are added up.
    more = tuple(replace(one, labels={**one.labels, "detail": "more"}) for one in fed)
    moved = [
        replace(one, labels={**one.labels, "instance": _NEW}) for one in feed(times.phases(None, late), plan, _STEP)
    ]
    strange = [
        *feed(times.phases(None, odd), plan, _STEP),
        *(replace(one, labels={**one.labels, **_NOBODY}) for one in fed if one.labels["job"] == celery_exporter.JOB),
        *(replace(one, labels={**one.labels, "state": _OTHER}) for one in fed if "state" in one.labels),
    ]
    inputs = (*probes.noisy((*fed, *more), bench), *moved, *_ups(moved, times.quiet), *strange)
    yield Case(
        name="counters that are new",
        step=_STEP,
        inputs=merged(inputs, plan, times.phases((), ())),
        checks=(),
        texts=(),
        probes=(*_grown(plan, times, born, steady), *_ignored(plan, times, (*born, *steady), (*late, *odd))),
    )


def _grown(plan: Plan, times: _Times, born: Sequence[Feed], steady: Sequence[Feed]) -> Iterator[Probe]:
    """What is born counts while it is young, and outlives a gap as long as the bridge; what grows, grows."""
    for one in born:
        for at, amount in ((times.young, 2), (times.seen, 2), (times.gone, 0), (times.old, 0)):
            yield probes.holds(plan, one, at, amount * _BORN)
    for one in steady:
        yield probes.holds(plan, one, times.old, 2 * _BORN)


def _ignored(plan: Plan, times: _Times, ours: Sequence[Feed], others: Sequence[Feed]) -> Iterator[Probe]:
    """A new target's past counts 0; names that are left out, nobody's task and foreign states do not exist."""
    for one in others:
        late = one.labels[one.series.labels[0]] == "new target"
        yield probes.holds(plan, one, times.young, Fraction(0) if late else None)
    for one in ours:
        for at in (times.young, times.old):
            if one.labels.get("state") == STATES[0]:
                yield Probe(at=at, query=f'{one.series.name}{{state="{_OTHER}"}}', found=())
            if "task" in one.labels:
                yield probes.holds(plan, replace(one, labels={**one.labels, "task": _NOBODY["name"]}), at, None)


def _ups(moved: list[Input], quiet: int) -> Iterator[Input]:
    """The new target was down before, though another job's target at its address was up."""
    for one in {one.labels["job"]: one for one in moved}.values():
        labels = {"job": one.labels["job"], "instance": _NEW}
        later = sum(s.steps for s in one.segments) - quiet
        yield Gauge("up", labels, (Segment(Fraction(0), quiet), Segment(Fraction(1), later)))
        yield Gauge("up", {**labels, "job": "stranger"}, (Segment(Fraction(1), quiet + later),))


def _counts_births(chosen: Chosen) -> bool:
    return chosen.series.drive == "flow" and any(metric.born == "first value" for metric in chosen.reading.uses)


def _variants(series: Series, name: str) -> list[Feed]:
    """One feed for each state, in a queue or task of this name."""
    labels = {**{label: f"any {label}" for label in series.labels}, series.labels[0]: name}
    if "le" in labels:
        labels["le"] = "+Inf"
    states = [{"state": state} for state in STATES] if "state" in labels else [{}]
    return [Feed(series, {**labels, **state}, _BORN, born=True) for state in states]


def _odd(plan: Plan, series: Series) -> Iterator[dict[str, str]]:
    """Names that stack.yaml leaves out."""
    for label, ignored in (("task", plan.site.ignored_tasks), ("queue", plan.site.ignored_queues)):
        if label in series.labels:
            yield from ({label: pattern.replace("*", "x")} for pattern in ignored)
