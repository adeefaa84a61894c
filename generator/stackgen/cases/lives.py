"""How canonical series live: they outlast a missed scrape, count what is born, and follow their source's own rules."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from stackgen.cases import probes
from stackgen.cases.examples import examples
from stackgen.cases.feeding import Phase, feed
from stackgen.cases.model import Case, Probe
from stackgen.cases.shapes import Feed, Told
from stackgen.cases.subjects import Bench
from stackgen.cases.worlds import TICK, Results
from stackgen.catalog import input_shapes, promql
from stackgen.catalog.timeline import Input


def _case(name: str, step: int, inputs: tuple[Input, ...], looks: tuple[Probe, ...]) -> Case:
    return Case(name=name, step=step, inputs=inputs, probes=looks)


def seen_and_gone(bench: Bench, last: int) -> tuple[int, int]:
    """The last evaluation within the bridge after the last good scrape, and the first one after its end."""
    end, tick = last + bench.bridge, bench.tick
    return (end - 1) // tick * tick, (end // tick + 1) * tick


def outage(bench: Bench) -> Iterator[Case]:
    """A level outlives missed scrapes for as long as the bridge is, and no longer."""
    signal = bench.judged.signal
    good = _good(bench)
    if (
        good is None
        or not isinstance(signal.shape, input_shapes.Value | input_shapes.Age)
        or signal.shape.series.kind == "counter"
    ):
        return
    series, step = signal.shape.series, bench.tick
    feeds = tuple(map(probes.complete, good.feeds))
    steps = ceil((series.warmup + 60) / step) + 1
    seen, gone = seen_and_gone(bench, (steps - 1) * step)
    lost = gone // step - steps + 2
    phases = (Phase(feeds, steps), Phase(feeds, lost, missed=True))
    one = feeds[0]
    selector = promql.select(series.name, *probes.matchers(bench.recorded(one)))
    same = f"abs({selector} - {promql.number(one.amount)}) < {probes.CLOSE}"
    query = f"count({selector if one.aging or series.warmup else same})"
    inputs = bench.scraped(feed(phases, bench.plan, step), phases)
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
    step = bench.tick
    steps = ceil((signal.needs[0].warmup + 60) / step) + 1
    feeds = tuple(map(probes.complete, good.feeds))
    done = tuple(one._replace(amount=Fraction(0)) for one in feeds)
    seen, gone = seen_and_gone(bench, (steps - 1) * step)
    phases = (Phase(feeds, steps), Phase(done, gone // step - steps + 2))
    selector = promql.select(signal.record, *probes.matchers(bench.labels("outage")))
    query = f"count({selector} > {promql.number(good.feeds[0].amount * Fraction(99, 100))})"
    looks = (Probe(at=seen, query=query, found=("{}",)), Probe(at=gone, query=query, found=()))
    yield _case("falls when the bridge ends", step, bench.scraped(feed(phases, plan, step), phases), looks)


def bends(bench: Bench) -> Iterator[Case]:
    """A growth rate is that of the whole window: not yet after half of it, exactly after all of it."""
    shape, plan = bench.judged.signal.shape, bench.plan
    if not isinstance(shape, input_shapes.Growth):
        return
    step, slope = bench.step, Fraction(10)
    flat = 2 * shape.series.window // step
    labels = bench.labels("bends")
    still = Feed(shape.series, labels, Fraction(1000))
    phases = (Phase((still,), flat), Phase((still._replace(rising=slope),), flat))
    start = (flat - 1) * step + step  # the last flat sample and the first rising one are the same number
    record = promql.select(bench.judged.signal.record, *probes.matchers(labels))
    middle = start + shape.series.window // 2 // bench.tick * bench.tick
    half = Probe(at=middle, query=f"{record} < bool {slope * 9 / 10}", found=(probes.written(labels),))
    looks = (half, *probes.value(bench, "bends", slope, start + shape.series.window + step))
    yield _case("the whole window counts", step, bench.scraped(feed(phases, plan, step), phases), looks)


def worlds(bench: Bench) -> Iterator[Case]:
    """The worked examples of the readings that this signal is the first to need."""
    plan = bench.plan
    for chosen in bench.news:
        name = chosen.series.name
        for example in examples(chosen.source.id, chosen.series, plan.site):
            looks = (look for at, gives in example.looks for look in _says(name, at, gives))
            yield _case(f"{name}: {example.story}", TICK, example.inputs, tuple(looks))


def _says(name: str, at: int, gives: Results) -> Iterator[Probe]:
    """The series says this and nothing else."""
    numbers = {number for _, number in gives}
    if not gives:
        yield Probe(at=at, query=name, found=())
    elif len(numbers) == 1:
        found = tuple(probes.written(labels) for labels, _ in gives)
        yield Probe(at=at, query=probes.is_number(name, numbers.pop()), found=found)
    else:
        yield Probe(at=at, query=f"count({name}) == bool {len(gives)}", found=("{}",))
        for labels, number in gives:
            query = probes.is_number(promql.select(name, *probes.matchers(labels)), number)
            yield Probe(at=at, query=query, found=(probes.written(labels),))
