"""Counters that appear: what they bring along counts, unless their target is new too or was not scraped before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from stackgen.cases import probes
from stackgen.cases.feeding import Phase, feed
from stackgen.cases.lives import seen_and_gone
from stackgen.cases.model import Case, Probe
from stackgen.cases.shapes import Feed
from stackgen.cases.subjects import Bench
from stackgen.catalog import promql
from stackgen.catalog.series import STATES, Series
from stackgen.catalog.sources import celery_exporter
from stackgen.catalog.timeline import Gauge, Input, Segment
from stackgen.resolve.plan import Plan

_BORN = Fraction(100)
_GROWN = Fraction(60)
"""What it grows by in a window, when the birth is long past."""
_NOBODY = {"name": "None"}
"""The task that celery-exporter shows for events of a task it never met."""
_OTHER = "IGNORED"
"""A state that is not ours to count."""
_NEW = "new:1"
_STEP = 60
_GOOD = 2
"""Scrapes between the birth and a gap in which all scrapes fail."""


class _Times(NamedTuple):
    """The moments of the story: quiet, a birth, a gap longer than the bridge, and growth."""

    quiet: int
    """Steps that any window fits into."""
    lost: int
    seen: int
    gone: int

    @property
    def young(self) -> int:
        """One step after the birth."""
        return (self.quiet + 1) * _STEP

    @property
    def old(self) -> int:
        """The end, when the birth and the gap have left every window."""
        return (2 * self.quiet + _GOOD + self.lost) * _STEP

    def phases(self, feeds: Sequence[Feed]) -> tuple[Phase, ...]:
        """What is fed from the birth on."""
        still = tuple(one._replace(amount=Fraction(0), born=False) for one in feeds)
        grows = tuple(one._replace(amount=_GROWN, born=False) for one in feeds)
        return (
            Phase(None, self.quiet),
            Phase(tuple(feeds), _GOOD),
            Phase(still, self.lost, missed=True),
            Phase(grows, self.quiet),
        )


def _times(bench: Bench) -> _Times:
    quiet = max(series.window for series in bench.newborn) // _STEP + 2
    last = (quiet + _GOOD - 1) * _STEP
    seen, gone = seen_and_gone(bench, last)
    return _Times(quiet, (gone - last) // _STEP + 1, seen, gone)


def newborn(bench: Bench) -> Iterator[Case]:
    """The births of all counters of a family, told once."""
    if bench.newborn:
        times = _times(bench)
        yield Case(
            name="counters that are new",
            step=_STEP,
            inputs=bench.scraped(_inputs(bench, times), times.phases(())),
            probes=tuple(probe for series in bench.newborn for probe in _looks(bench, times, series)),
        )


def _inputs(bench: Bench, times: _Times) -> Iterator[Input]:
    plan = bench.plan
    ours = [one for series in bench.newborn for one in _variants(series, "newborn")]
    late = [one for series in bench.newborn for one in _variants(series, "new target")]
    odd = [
        one._replace(labels={**one.labels, **name})
        for series in bench.newborn
        for one in _variants(series, "odd")
        for name in _odd(plan, series)
    ]
    fed = feed(times.phases(ours), plan, _STEP)
    yield from probes.noisy(fed, plan)
    # Counters have labels of their own, such as a worker's host, that are added up.
    yield from (one._replace(labels={**one.labels, "detail": "more"}) for one in fed)
    moved = [one._replace(labels={**one.labels, "instance": _NEW}) for one in feed(times.phases(late), plan, _STEP)]
    yield from moved
    yield from _ups(moved, times.quiet)
    yield from feed(times.phases(odd), plan, _STEP)
    for one in fed:
        if one.labels["job"] == celery_exporter.JOB:
            yield one._replace(labels={**one.labels, **_NOBODY})
        if "state" in one.labels:
            yield one._replace(labels={**one.labels, "state": _OTHER})


def _looks(bench: Bench, times: _Times, series: Series) -> Iterator[Probe]:
    """A birth counts while it is young and outlives a gap as long as the bridge; the past of a new target does not."""
    plan, born = bench.plan, _variants(series, "newborn")
    for one in born:
        yield probes.holds(bench, one, times.young, 2 * _BORN)
    for at, amount in ((times.seen, 2 * _BORN), (times.old, 2 * _GROWN)):
        yield _all(born, at, amount)
    selector = promql.select(series.name, *probes.matchers({series.labels[0]: "newborn"}))
    yield Probe(at=times.gone, query=f"{selector} > {promql.number(_BORN)}", found=())
    yield _all(_variants(series, "new target"), times.young, Fraction(0))
    strangers = [*_odd(plan, series)]
    exporter = plan.chosen[series.name].source.job == celery_exporter.JOB
    if exporter and "task" in series.labels:
        strangers.append({"task": _NOBODY["name"]})
    if not exporter and "state" in series.labels:
        strangers.append({"state": _OTHER})
    for labels in strangers:
        selector = promql.select(series.name, *probes.matchers(labels))
        yield from (Probe(at=at, query=selector, found=()) for at in (times.young, times.old))


def _all(feeds: Sequence[Feed], at: int, amount: Fraction) -> Probe:
    """The series of these feeds, which differ in their state only, all have this number."""
    series, who = feeds[0].series, feeds[0].series.labels[0]
    selector = promql.select(series.name, *probes.matchers({who: feeds[0].labels[who]}))
    query = f"count(abs({selector} - {promql.number(amount)}) < {probes.CLOSE}) == bool {len(feeds)}"
    return Probe(at=at, query=query, found=("{}",))


def _ups(moved: Iterable[Input], quiet: int) -> Iterator[Input]:
    """The new target was down before, though another job's target at its address was up."""
    for one in {one.labels["job"]: one for one in moved}.values():
        labels = {"job": one.labels["job"], "instance": _NEW}
        later = sum(s.steps for s in one.segments) - quiet
        yield Gauge("up", labels, (Segment(Fraction(0), quiet), Segment(Fraction(1), later)))
        yield Gauge("up", {**labels, "job": "stranger"}, (Segment(Fraction(1), quiet + later),))


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
