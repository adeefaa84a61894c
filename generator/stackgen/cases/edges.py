"""Where a value begins to exist and where it is nobody's business: no part, no whole, a queue of the other kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain

from stackgen.cases import probes
from stackgen.cases.feeding import Phase, feed
from stackgen.cases.model import Case, Probe
from stackgen.cases.shapes import Aim, Feed, tell
from stackgen.cases.subjects import Bench
from stackgen.catalog import input_shapes, promql
from stackgen.rules.build import OVERRIDE, THRESHOLD

_SOON = 3
"""Steps after which a rule has said what it says; enough where nothing has to hold or to fill up."""


def shares(bench: Bench) -> Iterator[Case]:
    """A single event is a whole; a part that was never seen is none of it; no event at all is no share."""
    shape = bench.judged.signal.shape
    if not isinstance(shape, input_shapes.Share):
        return
    feeds: dict[str, tuple[Feed, ...]] = {}
    looks: dict[str, list[Probe]] = {}
    for name, amount, number in (("no part of it", 1, Fraction(0)), ("nothing at all", 0, None)):
        labels = bench.labels(name)
        part = Feed(shape.part, {**labels, **shape.part_labels}, Fraction(amount))
        rest = Feed(shape.rest, {**labels, **shape.rest_labels}, Fraction(amount))
        whole = part if shape.inverted else rest  # only what the share divides by
        feeds[name] = (whole,) if number is not None else (part, rest)
        looks[name] = [*probes.value(bench, name, number, _SOON * bench.step)]
    if bench.single:
        yield from (_soon(bench, name, feeds[name], looks[name]) for name in feeds)
    else:
        yield _soon(bench, ", ".join(feeds), chain(*feeds.values()), chain(*looks.values()))


def fleets(bench: Bench) -> Iterator[Case]:
    """One worker that was always alone is the whole fleet; no worker in an hour is no fleet."""
    shape = bench.judged.signal.shape
    if not isinstance(shape, input_shapes.Fleet):
        return
    for name, amount, number in (("one worker, always", 1, Fraction(1)), ("never a worker", 0, None)):
        feeds = (Feed(shape.series, {}, Fraction(amount)),)
        yield _soon(bench, name, feeds, probes.value(bench, name, number, _SOON * bench.step))
    yield _an_hour(bench, shape)
    yield from _doubled(bench, shape)


def _an_hour(bench: Bench, shape: input_shapes.Fleet) -> Case:
    """The largest number is remembered for an hour."""
    step = 60
    most, left = (Feed(shape.series, {}, Fraction(amount)) for amount in (2, 1))
    phases = (Phase((most,), 5), Phase((left,), 70))
    looks = [*probes.value(bench, "", Fraction(1, 2), 45 * step), *probes.value(bench, "", Fraction(1), 68 * step)]
    inputs = bench.scraped(feed(phases, bench.plan, step), phases)
    return Case(name="an hour is remembered", step=step, inputs=inputs, probes=tuple(looks))


def _doubled(bench: Bench, shape: input_shapes.Fleet) -> Iterator[Case]:
    """A deployment that starts new workers before it stops the old ones: only what lasts is the fleet."""
    step, settles = 60, int(bench.plan.site.fleet_settles)
    for name, lasting, left in (
        ("twice as many for a while", settles - 2 * bench.tick, Fraction(1)),
        ("twice as many for long", settles + 2 * bench.tick, Fraction(1, 2)),
    ):
        few, many = (Feed(shape.series, {}, Fraction(amount)) for amount in (2, 4))
        phases = (Phase((few,), 5), Phase((many,), lasting // step), Phase((few,), 10))
        at = sum(phase.steps for phase in phases) * step
        inputs = bench.scraped(feed(phases, bench.plan, step), phases)
        if lasting >= step:
            yield Case(name=name, step=step, inputs=inputs, probes=tuple(probes.value(bench, "", left, at)))


def other_kind(bench: Bench) -> Iterator[Case]:
    """Queues that workers empty and dead letter queues are each judged by signals of their own."""
    signal, plan = bench.judged.signal, bench.plan
    text = signal.expr(plan.site)
    if plan.site.working() and plan.site.working() in text:
        who = plan.site.dead_letter[0]
    elif plan.site.dead() and plan.site.dead() in text:
        who = "a working queue"
    else:
        return
    limits = [bound.threshold for bound in bench.judged.bounds.values() if bound.threshold is not None]
    told = tell(signal.shape, {"queue": who}, Aim(limits[-1], 1, bench.sign, 1000), plan.site) if limits else None
    if told is None:
        return
    alerts = promql.select("ALERTS", f"alertname={promql.text(signal.alert)}", f"signal={promql.text(signal.id)}")
    silent = [Probe(at=_SOON * bench.step, query=query, found=()) for query in (alerts, signal.record) if query]
    yield _soon(bench, "a queue of the other kind", told.feeds, silent)


def own_limits(bench: Bench) -> Iterator[Case]:
    """Every limit of one queue or task is there: the sum of all tells if a single one is wrong."""
    judged, looks = bench.judged, []
    for severity in judged.bounds:
        listed = bench.listed[severity]
        if listed:
            which = f"{{signal={promql.text(judged.signal.id)},severity={promql.text(severity)}}}"
            series = f"{THRESHOLD}{which} and on ({judged.signal.overrides}) {OVERRIDE}{which}"
            for query, number in ((f"sum({series})", sum(listed.values())), (f"count({series})", len(listed))):
                looks.append(Probe(at=_SOON * bench.step, query=probes.is_number(query, number), found=("{}",)))
    if looks:
        yield _soon(bench, "every limit of its own", (), looks)


def _soon(bench: Bench, name: str, feeds: Iterable[Feed], looks: Iterable[Probe]) -> Case:
    phases = (Phase(tuple(map(probes.complete, feeds)), _SOON + 1),)
    inputs = bench.scraped(feed(phases, bench.plan, bench.step), phases)
    return Case(name=name, step=bench.step, inputs=inputs, probes=tuple(looks))
