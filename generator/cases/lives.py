"""How canonical series live: they outlast a missed scrape, count what is born, and follow their source's own rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import ceil

from generator.cases import probes
from generator.cases.examples import examples
from generator.cases.feeding import Phase, feed, merged
from generator.cases.model import Case, Probe
from generator.cases.shapes import Feed, Told
from generator.cases.subjects import Bench
from generator.catalog import drive, promql
from generator.catalog.series import STATES, Series
from generator.catalog.sources import celery_exporter
from generator.catalog.timeline import Gauge, Input, Segment
from generator.resolve.plan import Chosen, Plan

_BORN = Fraction(100)
_NOBODY = {"name": "None"}
"""The task that celery-exporter shows for events of a task it never met."""
_NEW = "new:1"


def first_seen(bench: Bench) -> Iterator[Chosen]:
    """What this signal needs and none before it; the first of a family also takes what none needs."""
    judged = bench.plan.judged
    before = judged[: next(i for i, j in enumerate(judged) if j.signal.id == bench.judged.signal.id)]
    needed = {s.name for j in judged for s in j.signal.needs}
    mine = {s.name for s in bench.judged.signal.needs}
    taken = {s.name for j in before for s in j.signal.needs}
    first = all(j.signal.family != bench.judged.signal.family for j in before)
    for name, chosen in bench.plan.chosen.items():
        orphan = first and name not in needed and chosen.series.family == bench.judged.signal.family
        if orphan or name in mine - taken:
            yield chosen


def _case(name: str, step: Fraction, inputs: tuple[Input, ...], looks: tuple[Probe, ...]) -> Case:
    return Case(name=name, step=step, inputs=inputs, checks=(), texts=(), probes=looks)


def _bridge(bench: Bench) -> Fraction:
    return max(3 * bench.plan.site.scrape, Fraction(90))


def _seen_and_gone(bench: Bench, last: Fraction, step: Fraction) -> tuple[Fraction, Fraction]:
    """Two moments after the last good scrape: within the bridge and past its middle; surely after its end."""
    bridge = _bridge(bench)
    within = int(bridge * Fraction(2, 3) / step) * step
    beyond = ceil((bridge + bench.plan.site.evaluation) / step) * step
    return last + within, last + beyond


def outage(bench: Bench) -> Iterator[Case]:
    """A level outlives missed scrapes for as long as the bridge is, and no longer."""
    signal, site = bench.judged.signal, bench.plan.site
    good = _good(bench)
    if good is None or not isinstance(signal.drive, drive.Level | drive.Age) or signal.drive.series.drive == "flow":
        return
    series, step = signal.drive.series, site.scrape
    feeds = tuple(map(probes.complete, good.feeds))
    steps = ceil(Fraction(series.warmup + 60) / step) + 1
    lost = ceil((2 * _bridge(bench) + site.evaluation) / step)
    phases = (Phase(feeds, steps), Phase(feeds, lost, missed=True))
    one = feeds[0]
    selector = promql.select(series.name, *probes.matchers(probes.recorded(bench.plan, one)))
    same = f"abs({selector} - {promql.number(one.amount)}) < {probes.CLOSE}"
    query = f"count({selector if one.aging or series.warmup else same})"
    seen, gone = _seen_and_gone(bench, (steps - 1) * step, step)
    inputs = merged(feed(phases, bench.plan, step), bench.plan, phases)
    looks = (Probe(at=seen, query=query, found=("{}",)), Probe(at=gone, query=query, found=()))
    yield _case("outlives a missed scrape and not much more", step, inputs, looks)


def _good(bench: Bench) -> Told | None:
    limits = [limit for limit in bench.limits("outage").values() if limit is not None]
    if not limits:
        return None
    mild = min(limits) if bench.sign > 0 else max(limits)
    return bench.tell("outage", mild, -1) or bench.tell("outage", mild, 0)


def idle(bench: Bench) -> Iterator[Case]:
    """A bridged value stays at its height for as long as the bridge is after the worker became idle."""
    signal, plan = bench.judged.signal, bench.plan
    good = _good(bench)
    if good is None or not signal.needs or not signal.needs[0].warmup:
        return
    step = plan.site.scrape
    steps = ceil(Fraction(signal.needs[0].warmup + 60) / step) + 1
    feeds = tuple(map(probes.complete, good.feeds))
    done = tuple(replace(one, amount=Fraction(0)) for one in feeds)
    phases = (Phase(feeds, steps), Phase(done, ceil((2 * _bridge(bench) + 60) / step)))
    seen, gone = _seen_and_gone(bench, (steps - 1) * step, step)
    selector = promql.select(signal.record, *probes.matchers(bench.labels("outage")))
    query = f"count({selector} > {promql.number(good.feeds[0].amount * Fraction(99, 100))})"
    looks = (Probe(at=seen, query=query, found=("{}",)), Probe(at=gone, query=query, found=()))
    yield _case("falls when the bridge ends", step, merged(feed(phases, plan, step), plan, phases), looks)


def bends(bench: Bench) -> Iterator[Case]:
    """A growth rate is that of the whole window: not yet after half of it, exactly after all of it."""
    shape, plan = bench.judged.signal.drive, bench.plan
    if not isinstance(shape, drive.Growth):
        return
    step, slope = bench.step, Fraction(10)
    flat = int(2 * shape.series.window / step)
    labels = bench.labels("bends")
    still = Feed(shape.series, labels, Fraction(1000))
    phases = (Phase((still,), flat), Phase((replace(still, rising=slope),), flat))
    start = (flat - 1) * step + step  # the last flat sample and the first rising one are the same number
    record = promql.select(bench.judged.signal.record, *probes.matchers(labels))
    half = Probe(
        at=start + shape.series.window // 2, query=f"{record} < bool {slope * 9 / 10}", found=(probes.written(labels),)
    )
    looks = (half, *probes.value(bench, "bends", slope, start + shape.series.window + step))
    yield _case("the whole window counts", step, merged(feed(phases, plan, step), plan, phases), looks)


def worlds(bench: Bench) -> Iterator[Case]:
    """The worked examples of the readings that this signal is the first to need."""
    plan, tick = bench.plan, bench.plan.site.evaluation
    for chosen in first_seen(bench):
        name = chosen.series.name
        for example in examples(chosen.source.id, chosen.series, plan.site):
            looks, at = [], max(ceil(example.seconds / tick), 1) * tick
            for labels, number in example.gives:
                query = probes.is_number(promql.select(name, *probes.matchers(labels)), number)
                looks.append(Probe(at=at, query=query, found=(probes.written(labels),)))
            rows = len(example.gives)
            looks.append(Probe(at=at, query=f"count({name}) == bool {rows}", found=("{}",) if rows else ()))
            yield _case(f"{name}: {example.story}", tick, example.inputs, tuple(looks))


def newborn(bench: Bench) -> Iterator[Case]:
    """Counters that appear count from 0, unless their target is new too or was not scraped before."""
    plan, step, good = bench.plan, Fraction(60), 2
    family = [j for j in plan.judged if j.signal.family == bench.judged.signal.family]
    counters = [
        c.series for c in plan.chosen.values() if c.series.family == family[0].signal.family and _counts_births(c)
    ]
    if family[0].signal.id != bench.judged.signal.id or not counters:
        return
    quiet = int(max(series.window for series in counters) / step) + 2
    birth = quiet * step
    last = birth + (good - 1) * step
    seen, gone = _seen_and_gone(bench, last, step)
    lost = int((gone - last) / step) + 1
    old = (2 * quiet + good + lost) * step
    born = [one for series in counters for one in _variants(series, "newborn")]
    late = [one for series in counters for one in _variants(series, "new target")]
    steady = [replace(one, born=False) for series in counters for one in _variants(series, "steady")]
    odd = [
        replace(one, labels={**one.labels, **name})
        for series in counters
        for one in _variants(series, "odd")
        for name in _odd(plan, series)
    ]
    fed = feed((Phase(tuple(steady), quiet), *_with_gap((*steady, *born), good, lost, quiet)), plan, step)
    # Counters have labels of their own, such as a worker's host, that are added up.
    more = tuple(replace(one, labels={**one.labels, "detail": "more"}) for one in fed)
    moved = [
        replace(i, labels={**i.labels, "instance": _NEW})
        for i in feed((Phase(None, quiet), *_with_gap(late, good, lost, quiet)), plan, step)
    ]
    strange = [
        *feed((Phase(None, quiet), Phase(tuple(odd), quiet)), plan, step),
        *(replace(one, labels={**one.labels, **_NOBODY}) for one in fed if one.labels["job"] == celery_exporter.JOB),
    ]
    phases = (Phase((), quiet), *_with_gap((), good, lost, quiet))
    inputs = merged((*probes.noisy((*fed, *more), bench), *moved, *_ups(moved, quiet), *strange), plan, phases)
    young = birth + step
    looks = (
        *(probes.holds(plan, one, at, 2 * _BORN) for one in born for at in (young, seen)),
        *(probes.holds(plan, one, at, Fraction(0)) for one in born for at in (gone, old)),
        *(probes.holds(plan, one, old, 2 * _BORN) for one in steady),
        *(probes.holds(plan, one, young, Fraction(0)) for one in late),
        *(probes.holds(plan, one, young, None) for one in odd),
        *(_nobody(plan, one, at) for one in (*born, *steady) for at in (young, old) if "task" in one.labels),
    )
    yield _case("counters that are new", step, inputs, looks)


def _nobody(plan: Plan, one: Feed, at: Fraction) -> Probe:
    return probes.holds(plan, replace(one, labels={**one.labels, "task": _NOBODY["name"]}), at, None)


def _with_gap(feeds: tuple[Feed, ...] | list[Feed], good: int, lost: int, after: int) -> tuple[Phase, ...]:
    """Some good scrapes, some that fail, and good ones again; what is born was there before the gap."""
    again = tuple(replace(one, amount=Fraction(0), born=False) if one.born else one for one in feeds)
    return (Phase(tuple(feeds), good), Phase(again, lost, missed=True), Phase(again, after))


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
