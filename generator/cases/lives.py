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
from generator.catalog.timeline import Input
from generator.resolve.plan import Chosen


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


def seen_and_gone(bench: Bench, last: Fraction, step: Fraction) -> tuple[Fraction, Fraction]:
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
    seen, gone = seen_and_gone(bench, (steps - 1) * step, step)
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
    seen, gone = seen_and_gone(bench, (steps - 1) * step, step)
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
