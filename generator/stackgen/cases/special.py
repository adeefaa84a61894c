"""Cases of the few signals that no common shape fits: the watchdog, failed scrapes, overdue tasks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from stackgen.cases.assertions import case
from stackgen.cases.limits import other_limits, table_of_limits
from stackgen.cases.model import Case, FiringInterval, Subject
from stackgen.cases.stages import Stage, input_series
from stackgen.cases.stimuli import InputSeries, Side, Situation
from stackgen.cases.under_test import SignalUnderTest
from stackgen.catalog import input_shapes, promql
from stackgen.catalog.entries import is_pattern
from stackgen.catalog.series import limit as shown
from stackgen.catalog.timeline import Gauge, Segment

AGO = 900
"""Seconds from the test's start until the overdue task's period ends."""
LAST_SUCCESS = "celery:task_last_success:timestamp"


def always(test: SignalUnderTest) -> Iterator[Case]:
    """The watchdog fires at once and goes on, whatever else happens."""
    firing = dict.fromkeys(test.alerts, FiringInterval(0, 0))
    yield case(test, "always fires", [Subject({}, (), firing, dict.fromkeys(test.alerts), 1)])


def failed_scrapes(test: SignalUnderTest) -> Iterator[Case]:
    """As many failed scrapes as the limit are silent, one more is not, and good scrapes end it."""
    shape = test.signal.shape
    if not isinstance(shape, input_shapes.Failures):
        return
    sides: tuple[Side, ...] = (0, 1)
    for severity, limit in test.defaults.items():
        for side in sides:
            now = test.situation(severity, limit, side) if limit is not None else None
            if now is None or limit is None:
                continue
            scrapes = shape.scrapes(int(now.inputs[0].amount))
            last = scrapes * test.step  # the first answers
            stages = (Stage(now.inputs, scrapes + 1 + 1200 // test.step),)
            subject = test.subject(severity, now, stages, on=(last, last), off=(900, last + 900 + test.step))
            word = f"{severity} above" if side else f"no {severity} at"
            yield case(test, f"{word} {shown(limit, test.signal.unit)}", [subject])


def overdue(test: SignalUnderTest) -> Iterator[Case]:
    """A task is overdue from the moment its period ends, and not while it succeeds."""
    shape = test.signal.shape
    if not isinstance(shape, input_shapes.Overdue):
        return
    for severity, own in test.own_limits.items():
        (who, period), *others = own.items()
        # The clock of every other task starts after the test's end.
        starts = {who: AGO - period, **{other: Fraction(4 * AGO) for other, _ in others}}
        clocks = [Gauge(LAST_SUCCESS, {"task": task}, (Segment(start, 1),)) for task, start in starts.items()]
        # A task behind a pattern is watched because it is counted.
        known = [task for task in own if is_pattern(test.entries.found(task) or "")]
        counted = tuple(InputSeries(shape.series, {"task": task, **shape.labels}, Fraction(0)) for task in known)
        there = input_series([Stage(counted, 60)], test.plan, test.step)
        late = (AGO + test.tick,) * 2
        quiet = test.subject(who, Situation((), period + test.tick), (), on=late)
        flow = Situation((InputSeries(shape.series, {"task": who, **shape.labels}, Fraction(100)),), Fraction(0))
        busy = test.subject(who, flow, (Stage(flow.inputs, 60),))
        span = promql.seconds(period)
        for name, one in (
            (f"{severity} when {who} has not succeeded for longer than {span}", quiet),
            (f"silent while {who} succeeds", busy),
        ):
            yield case(
                test,
                name,
                [replace(one, inputs=(*one.inputs, *clocks, *there, *other_limits(test, who)))],
                stages=[Stage((), 60)],
            )
    yield from table_of_limits(test)
