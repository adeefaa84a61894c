"""Looks at recorded series themselves: the right number, the right labels, whatever else is scraped beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from stackgen.cases.model import Probe
from stackgen.cases.shapes import Feed, Told
from stackgen.cases.subjects import Bench
from stackgen.catalog import input_shapes, promql
from stackgen.catalog.series import STATES
from stackgen.catalog.timeline import Counter, Gauge, Input, Segment
from stackgen.resolve.plan import Plan
from stackgen.rules.build import OVERRIDE, THRESHOLD

CLOSE = "0.0001"
"""Numbers nearer than this are the same: what floating point may lose, and far less than any mistake costs."""


def complete(one: Feed) -> Feed:
    """The same feed with a text for every label of its series, so that a label that gets lost is noticed."""
    return one._replace(labels={**{name: f"any {name}" for name in one.series.labels}, **one.labels})


def spread(bench: Bench, told: Told) -> Told:
    """The same flows, each in two queues or tasks where the signal adds these up; the slow ones in one of them."""
    shape, made = bench.judged.signal.shape, []
    least = min((one.amount for one in told.feeds if one.amount), default=Fraction(0))
    for one in map(complete, told.feeds):
        free = [name for name in bench.recorded(one) if name not in ("le", "state", *bench.judged.signal.by)]
        if one.series.kind != "counter" or not free:
            made.append(one)
            continue
        first = min(one.amount, least) if isinstance(shape, input_shapes.Quantile) else one.amount / 2
        other = {**one.labels, free[0]: f"another {free[0]}"}
        made += [one._replace(amount=first), one._replace(labels=other, amount=one.amount - first)]
    return told._replace(feeds=tuple(made), before=tuple(map(complete, told.before)))


def outside(bench: Bench, told: Told) -> tuple[Feed, ...]:
    """Many events in the states that have no part in this share."""
    shape = bench.judged.signal.shape
    if not isinstance(shape, input_shapes.Share):
        return ()
    labels = complete(Feed(shape.rest, {**told.feeds[-1].labels, **shape.rest_labels}, Fraction(0))).labels
    return tuple(Feed(shape.rest, {**labels, "state": s}, Fraction(50_000)) for s in STATES if s in shape.outside)


def is_number(query: str, number: Fraction | float) -> str:
    """A query that gives 1 for each series of this number, without its name."""
    return f"abs({query} - {promql.number(Fraction(number))}) < bool {CLOSE}"


def of(bench: Bench, feeds: Iterable[Feed], at: int) -> Iterator[Probe]:
    """At this moment each series has the number that is fed, under its labels and no others."""
    for one in feeds:
        if not one.aging and not one.rising:
            yield holds(bench, one, at, one.amount)


def value(bench: Bench, name: str, number: Fraction | float | None, at: int) -> Iterator[Probe]:
    """At this moment the signal's recorded value is this number; None: it has none."""
    signal = bench.judged.signal
    if signal.record:
        labels = bench.labels(name)
        series = promql.select(signal.record, *matchers(labels))
        query = series if number is None else is_number(series, number)
        yield Probe(at=at, query=query, found=() if number is None else (written(labels),))


def holds(bench: Bench, one: Feed, at: int, amount: Fraction | None) -> Probe:
    """The series of this feed has this number; None: it does not exist."""
    labels = bench.recorded(one)
    series = promql.select(one.series.name, *matchers(labels))
    if amount is None:
        return Probe(at=at, query=series, found=())
    return Probe(at=at, query=is_number(series, amount), found=(written(labels),))


def matchers(labels: Mapping[str, str]) -> list[str]:
    """A matcher for each label."""
    return [f"{name}={promql.text(text)}" for name, text in labels.items()]


def written(labels: Mapping[str, str]) -> str:
    """Labels as promtool writes them in what it expects."""
    return "{" + ",".join(matchers(labels)) + "}"


def noisy(inputs: Sequence[Input], plan: Plan) -> tuple[Input, ...]:
    """The inputs, once more from a second replica where a source may have one, and larger from a job of others."""
    return (*inputs, *(one for each in inputs for one in _noise(each, plan)))


def strays(bench: Bench, who: str, steps: int) -> Iterator[Input]:
    """Limits of another signal, and of another severity, for the same queue or task."""
    dimension, mine = bench.judged.signal.overrides, bench.judged.signal.id
    for severity in bench.judged.bounds:
        if dimension and who in bench.listed[severity]:
            for labels in ({"signal": mine, "severity": "other"}, {"signal": "other", "severity": severity}):
                for name in (OVERRIDE, THRESHOLD):
                    yield Gauge(name, {**labels, dimension: who}, (Segment(Fraction(10**9), steps),))


def _noise(one: Input, plan: Plan) -> Iterator[Input]:
    source = next((s.source for s in plan.scraped if s.source.job == one.labels.get("job")), None)
    if source and one.name != "up" and not (source.is_worker and isinstance(one, Counter)):
        # A replica that was started later, or looks a little late, says less.
        less = tuple(_changed(s, Fraction(-1, 2), 0) for s in one.segments)
        yield one._replace(labels={**one.labels, "instance": "replica:1"}, segments=less)
    more = tuple(
        _changed(s, Fraction(2), 7 if isinstance(one, Gauge) and one.name != "up" else 0) for s in one.segments
    )
    yield one._replace(labels={**one.labels, "job": "stranger"}, segments=more)


def _changed(s: Segment, share: Fraction, more: int) -> Segment:
    return (
        s
        if s.amount is None
        else s._replace(amount=s.amount + (-s.amount if s.amount < 0 else s.amount) * share + more)
    )


def other_alerts(bench: Bench, steps: int) -> Iterator[Input]:
    """The alert that would silence this one is only pending; another one fires."""
    for alert in re.findall('alertname="([^"]+)"', bench.judged.signal.unless):
        for name, state in ((alert, "pending"), (f"Not{alert}", "firing")):
            yield Gauge("ALERTS", {"alertname": name, "alertstate": state}, (Segment(Fraction(1), steps),))
