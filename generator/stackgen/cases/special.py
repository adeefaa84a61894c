"""Cases of the few signals that no common shape fits: the watchdog, failed scrapes, overdue tasks."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from stackgen.cases import probes
from stackgen.cases.feeding import Phase, feed
from stackgen.cases.model import Case, Probe, Scene, Spell, Subject
from stackgen.cases.shapes import Aim, Feed, Told, tell
from stackgen.cases.subjects import Bench
from stackgen.catalog import input_shapes, promql
from stackgen.catalog.timeline import Gauge, Segment
from stackgen.rules.build import OVERRIDE

AGO = 900
"""Seconds from the test's start until the overdue task's period ends."""


def always(bench: Bench) -> Iterator[Scene]:
    """The watchdog fires at once and goes on, whatever else happens."""
    spell = Spell(0, 0)
    limits = dict.fromkeys(bench.judged.bounds)
    one = Subject(
        name="", labels={}, inputs=(), spells=dict.fromkeys(bench.judged.bounds, spell), value=1, limits=limits
    )
    yield Scene(name="always fires", subject=one, phases=(), step=bench.step)


def failures(bench: Bench) -> Iterator[Scene]:
    """As many failed scrapes as the limit are silent, one more is not, and good scrapes end it."""
    for severity, bound in bench.judged.bounds.items():
        for side, words in ((0, "exactly at"), (1, "just beyond")):
            shape = bench.judged.signal.shape
            if bound.threshold is None:
                continue
            labels = bench.labels(severity)
            told = tell(shape, labels, Aim(bound.threshold, 1 if side else 0), bench.plan.site)
            if told is None:
                continue
            down = int(told.feeds[0].amount)
            last = (down - 1) * bench.step
            phases = (Phase(told.feeds, down + 1200 // bench.step),)
            one = bench.subject(severity, told, phases, on=(last, last), off=(900, last + 900 + bench.step))
            yield Scene(name=f"{words} {severity}", subject=one, phases=phases, step=bench.step)


def overdue(bench: Bench) -> Iterator[Scene]:
    """A task is overdue from the moment its period ends, and not while it succeeds."""
    shape = bench.judged.signal.shape
    if not isinstance(shape, input_shapes.Overdue):
        return
    for severity in bench.judged.bounds:
        (who, period), *others = bench.listed[severity].items()
        tick = bench.tick
        last = (
            Gauge("celery:task_last_success:timestamp", {"task": who}, (Segment(AGO - period, 1),)),
            # The clock of every other task starts after the test's end.
            *(
                Gauge("celery:task_last_success:timestamp", {"task": other}, (Segment(Fraction(AGO * 4), 1),))
                for other, _ in others
            ),
        )
        late = AGO + tick
        told = Told((), period + tick)
        phases = (Phase((), 60),)
        one = bench.subject(who, told, phases, on=(late, late))._replace(inputs=(*last, *probes.strays(bench, who, 60)))
        yield Scene(name="the period ends without a success", subject=one, phases=phases, step=bench.step, alone=True)
        flow = Told((Feed(shape.series, {"task": who, **shape.labels}, Fraction(100)),), Fraction(0))
        steady = (Phase(flow.feeds, 60),)
        fed = bench.subject(who, flow, steady)
        fine = fed._replace(inputs=(*fed.inputs, *last, *probes.strays(bench, who, 60)))
        yield Scene(name="it succeeds in time", subject=fine, phases=steady, step=bench.step, alone=True)


def clocks(bench: Bench) -> Iterator[Case]:
    """The clock of a watched task starts with the first evaluation and is set by every success, of any queue."""
    shape, plan, step = bench.judged.signal.shape, bench.plan, 60
    if not isinstance(shape, input_shapes.Overdue):
        return
    moved, still, end = 12, 10, 1800
    watched = dict.fromkeys(who for s in bench.judged.bounds for who in bench.listed[s])
    who, *others = watched
    feeds = [
        probes.complete(Feed(shape.series, {"task": task, "state": state}, amount))
        # Half a success in ten minutes is one; failures and other tasks do not count.
        for task, state, amount in (
            (who, shape.labels["state"], Fraction(1, 2)),
            (who, "FAILURE", Fraction(100)),
            ("a stranger", shape.labels["state"], Fraction(100)),
        )
    ]
    idle = (feeds[0]._replace(amount=Fraction(0)), *feeds[1:])
    phases = (Phase(tuple(feeds), moved), Phase(idle, end // step - moved + still))
    stray = {"signal": "other", "severity": "warning", "task": "a stranger"}
    inputs = (
        *feed(phases, plan, step),
        Gauge(OVERRIDE, stray, (Segment(Fraction(60), end // step),)),
    )
    clock = "celery:task_last_success:timestamp"

    def age(task: str, least: int, most: int) -> Probe:
        series = f"time() - {clock}{{task={promql.text(task)}}}"
        query = f"({series} > bool {least}) * ({series} < bool {most})"
        return Probe(at=end, query=query, found=(probes.written({"task": task}),))

    last = (moved - 1) * 60 + shape.series.window  # the last growth has left the window
    around = (end - last - 70, end - last + 130)
    rows = Probe(at=end, query=f"count({clock}) == bool {len(watched)}", found=("{}",))
    never = [age(other, end - 31 - bench.tick, end + 1) for other in others[:1]]
    yield Case(
        name="what moves the clock",
        step=step,
        inputs=bench.scraped(inputs, phases),
        probes=(age(who, *around), rows, *never),
    )
