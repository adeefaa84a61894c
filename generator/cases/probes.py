"""Looks at recorded series themselves: the right number, the right labels, whatever else is scraped beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil, lcm

from generator.cases.examples import LASTS, examples
from generator.cases.feeding import Phase, feed, merged
from generator.cases.model import Case, Probe
from generator.cases.shapes import Feed, Told
from generator.cases.subjects import Bench
from generator.catalog import drive, promql
from generator.catalog.series import STATES, Series
from generator.catalog.timeline import Counter, Gauge, Input, Segment
from generator.resolve.plan import Chosen, Plan

_CLOSE = "0.0001"
"""Numbers nearer than this are the same: what floating point may lose, and far less than any mistake costs."""
_BORN = Fraction(100)
_LIKE_NONE = {("celery-exporter", "task"): "None", ("rabbitmq", "queue"): "celeryev.1"}
"""Names a source shows although no queue or task is called so."""


def complete(told: Told) -> Told:
    """The same feeds with a text for every label of their series, so that a label that gets lost is noticed."""
    return replace(told, feeds=tuple(map(_complete, told.feeds)), before=tuple(map(_complete, told.before)))


def _complete(one: Feed) -> Feed:
    return replace(one, labels={**{name: f"any {name}" for name in one.series.labels}, **one.labels})


def is_number(query: str, number: Fraction | float) -> str:
    """A query that gives 1 for each series of this number, without its name."""
    return f"abs({query} - {promql.number(Fraction(number))}) < bool {_CLOSE}"


def told(bench: Bench, feeds: Iterable[Feed], at: Fraction) -> Iterator[Probe]:
    """At this moment each series has the number that is fed, under its labels and no others."""
    for one in feeds:
        if not one.aging and not one.rising:
            yield _holds(bench.plan, one, at, one.amount)


def value(bench: Bench, name: str, number: Fraction | float | None, at: Fraction) -> Iterator[Probe]:
    """At this moment the signal's recorded value is this number; None: it has none."""
    signal = bench.judged.signal
    if signal.record:
        labels = bench.labels(name)
        series = promql.select(signal.record, *_matchers(labels))
        query = series if number is None else is_number(series, number)
        yield Probe(at=at, query=query, found=() if number is None else (_labels(labels),))


def _holds(plan: Plan, one: Feed, at: Fraction, amount: Fraction | None) -> Probe:
    """The series of this feed has this number; None: it does not exist."""
    labels = _recorded(plan, one)
    series = promql.select(one.series.name, *_matchers({k: v for k, v in labels.items() if not v.startswith("any ")}))
    if amount is None:
        return Probe(at=at, query=series, found=())
    return Probe(at=at, query=is_number(series, amount), found=(_labels(labels),))


def _recorded(plan: Plan, one: Feed) -> dict[str, str]:
    """The labels of the canonical series: those that the chosen source tells."""
    reading = plan.chosen[one.series.name].reading
    fixed = {name for rule in reading.rules(plan.site) for name in rule.labels}
    fed = feed([Phase((one,), 1)], plan, plan.site.scrape)
    seen = {text for each in fed for text in each.labels.values()}
    return {name: text for name, text in one.labels.items() if name in fixed or text in seen}


def _matchers(labels: Mapping[str, str]) -> list[str]:
    return [f"{name}={promql.text(text)}" for name, text in labels.items()]


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(_matchers(labels)) + "}"


def noisy(inputs: Sequence[Input], plan: Plan) -> tuple[Input, ...]:
    """The inputs, once more from a second replica where a source may have one, and larger from a job of others."""
    return (*inputs, *(one for each in inputs for one in _noise(each, plan)))


def _noise(one: Input, plan: Plan) -> Iterator[Input]:
    scraped = next((s.source for s in plan.scraped if s.source.job == one.labels.get("job")), None)
    if scraped and one.name != "up" and not (scraped.is_worker and isinstance(one, Counter)):
        yield replace(one, labels={**one.labels, "instance": "replica:1"}, segments=tuple(map(_less, one.segments)))
    more = 0 if isinstance(one, Counter) or one.name == "up" else 7
    yield replace(
        one,
        labels={**one.labels, "job": "stranger"},
        segments=tuple(s if s.amount is None else replace(s, amount=3 * s.amount + more) for s in one.segments),
    )


def _less(s: Segment) -> Segment:
    """What a replica that was started later, or looks a little late, would say."""
    return s if s.amount is None else replace(s, amount=s.amount - abs(s.amount) / 2)


def outage(bench: Bench) -> Iterator[Case]:
    """A level outlives missed scrapes for as long as the bridge is, and no longer."""
    signal, site = bench.judged.signal, bench.plan.site
    limits = [limit for limit in bench.limits("outage").values() if limit is not None]
    if not isinstance(signal.drive, drive.Level | drive.Age) or not limits or signal.needs[0].warmup:
        return
    good = bench.tell("outage", min(limits) if bench.sign > 0 else max(limits), -1)
    good = good or bench.tell("outage", min(limits), 0)
    if good is None or signal.drive.series.drive == "flow":
        return
    grid = Fraction(lcm(int(site.scrape), int(site.evaluation)))
    bridge = max(3 * site.scrape, Fraction(90))
    steps, lost = int(2 * grid / site.scrape) + 1, ceil(2 * bridge / site.scrape)
    phases = (Phase(complete(good).feeds, steps), Phase(complete(good).feeds, lost, missed=True))
    last = 2 * grid
    one = complete(good).feeds[0]
    series = promql.select(
        one.series.name, *_matchers({k: v for k, v in one.labels.items() if not v.startswith("any ")})
    )
    query = f"abs({series} - {promql.number(one.amount)}) < {_CLOSE}" if not one.aging else f"{series} < -{_CLOSE}"
    query = f"count({query})"
    yield Case(
        name="outlives two missed scrapes and no more",
        step=site.scrape,
        inputs=merged(feed(phases, bench.plan, site.scrape), bench.plan, phases),
        checks=(),
        texts=(),
        probes=(
            Probe(at=last + _in(bridge, site.scrape), query=query, found=("{}",)),
            Probe(at=last + ceil(bridge * Fraction(4, 3) / grid) * grid, query=query, found=()),
        ),
    )


def worlds(bench: Bench) -> Iterator[Case]:
    """The worked examples of the readings that this signal is the first to need."""
    plan = bench.plan
    at = ceil(Fraction(LASTS) / plan.site.evaluation) * plan.site.evaluation
    for chosen in first_seen(bench):
        for example in examples(chosen.source.id, chosen.series, plan.site):
            name = chosen.series.name
            looks = [
                Probe(at=at, query=is_number(promql.select(name, *_matchers(labels)), number), found=(_labels(labels),))
                for labels, number in example.gives
            ]
            rows = str(len(example.gives)) if example.gives else ""
            looks.append(Probe(at=at, query=f"count({name}) == bool {rows or 0}", found=("{}",) if rows else ()))
            yield Case(
                name=f"{name}: {example.story}",
                step=plan.site.evaluation,
                inputs=example.inputs,
                checks=(),
                texts=(),
                probes=tuple(looks),
            )


def _in(bridge: Fraction, scrape: Fraction) -> Fraction:
    return int(bridge * Fraction(2, 3) / scrape) * scrape


def newborn(bench: Bench) -> Iterator[Case]:
    """Counters that appear count from 0, unless their target is new too or was not scraped before."""
    plan, step = bench.plan, Fraction(60)
    for series in (chosen.series for chosen in first_seen(bench) if _counts_births(chosen)):
        quiet = int(series.window / step) + 2
        birth = quiet * step
        phases = (Phase((), quiet), Phase((), quiet + 6))
        born = [replace(one, labels={**one.labels, **_called(series, "newborn")}) for one in _variants(series)]
        late = [replace(one, labels={**one.labels, **_called(series, "new target")}) for one in _variants(series)]
        odd = [
            replace(one, labels={**one.labels, **labels}) for one in _variants(series) for labels in _odd(plan, series)
        ]
        lives = (Phase(None, quiet), Phase(tuple(born), quiet + 6))
        inputs = noisy(feed(lives, plan, step), plan)
        others = feed((Phase(None, quiet), Phase(tuple(late), quiet + 6)), plan, step)
        moved = [replace(i, labels={**i.labels, "instance": "new:1"}) for i in others]
        ups = [Gauge("up", {"job": i.labels["job"], "instance": "new:1"}, _down_then_up(quiet)) for i in moved[:1]]
        strange = feed((Phase(None, quiet), Phase(tuple(odd), quiet + 6)), plan, step)
        young, old = birth + step, birth + series.window + 3 * step
        yield Case(
            name=f"what is new in {series.name}",
            step=step,
            inputs=merged((*inputs, *moved, *ups, *strange), plan, phases),
            checks=(),
            texts=(),
            probes=(
                *(_holds(plan, one, young, _BORN) for one in born),
                *(_holds(plan, one, old, Fraction(0)) for one in born),
                *(_holds(plan, one, young, Fraction(0)) for one in late),
                *(_holds(plan, one, young, None) for one in odd),
            ),
        )


def _down_then_up(quiet: int) -> tuple[Segment, ...]:
    return (Segment(Fraction(0), quiet), Segment(Fraction(1), quiet + 6))


def _counts_births(chosen: Chosen) -> bool:
    return chosen.series.drive == "flow" and any(metric.born == "first value" for metric in chosen.reading.uses)


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


def _variants(series: Series) -> Iterator[Feed]:
    labels = {name: f"any {name}" for name in series.labels}
    if "le" in labels:
        labels["le"] = "+Inf"
    for state in STATES if "state" in labels else ("",):
        more = {"state": state} if state else {}
        yield Feed(series, {**labels, **more}, _BORN, born=True)


def _called(series: Series, name: str) -> dict[str, str]:
    return {series.labels[0]: name}


def _odd(plan: Plan, series: Series) -> Iterator[dict[str, str]]:
    """Names that this series leaves out."""
    source = plan.chosen[series.name].source.id
    for label, ignored in (("task", plan.site.ignored_tasks), ("queue", plan.site.ignored_queues)):
        if label in series.labels:
            names = [pattern.replace("*", "x") for pattern in ignored]
            names += [name for (who, of), name in _LIKE_NONE.items() if (who, of) == (source, label)]
            yield from ({label: name} for name in names)
