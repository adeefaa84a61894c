"""Cases of the few signals that no common shape fits: the watchdog, failed scrapes, overdue tasks, counted events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from stackgen.cases.assertions import case
from stackgen.cases.limits import other_limits, table_of_limits
from stackgen.cases.model import Case, FiringInterval, QueryAssertion, Subject
from stackgen.cases.stages import Stage, filled_in, input_series
from stackgen.cases.stimuli import InputSeries, Side, Situation
from stackgen.cases.under_test import SignalUnderTest
from stackgen.catalog import input_shapes, promql, week
from stackgen.catalog.entries import is_pattern
from stackgen.catalog.series import limit as shown
from stackgen.catalog.signal import Severity
from stackgen.catalog.timeline import Gauge, Input, Segment
from stackgen.spec.alerting import Weekday

AGO = 900
"""Seconds from the test's start until the overdue task's period ends, at the least."""
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
        (who, period), *others = sorted(own.items(), key=lambda item: bool(_days(test, item[0])))
        # The clock of every other task starts after the test's end.
        ends = -(-AGO // test.tick) * test.tick
        starts = {who: ends - period, **{other: Fraction(4 * ends) for other, _ in others}}
        clocks = [Gauge(LAST_SUCCESS, {"task": task}, (Segment(start, 1),)) for task, start in starts.items()]
        # A task behind a pattern is watched because it is counted.
        known = [task for task in own if is_pattern(test.entries.found(task) or "")]
        counted = tuple(InputSeries(shape.series, {"task": task, **shape.labels}, Fraction(0)) for task in known)
        there = input_series([Stage(counted, 60)], test.plan, test.step)
        late = (ends + test.tick,) * 2
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
    yield from _on_some_days(test)
    yield from table_of_limits(test)


def _days(test: SignalUnderTest, task: str) -> list[Weekday] | None:
    entry = test.entries.found(task)
    return test.plan.spec.tasks[entry].weekdays if entry else None


def _on_some_days(test: SignalUnderTest) -> Iterator[Case]:
    """Of a task that runs on some days only, time since a success some days ago; test time begins on a Thursday."""
    for task in dict.fromkeys(task for own in test.own_limits.values() for task in own):
        days = _days(test, task)
        if not days:
            continue
        for ago in (1, 3, 5, 10):
            start = Fraction(-ago * 86_400 + 40_000)
            fed = Gauge(LAST_SUCCESS, {"task": task}, (Segment(start, 1),))
            query = f"max by (task) ({test.signal.record}{{task={promql.text(task)}}})"
            asked = QueryAssertion(0, query, (({"task": task}, week.between(days, start, Fraction(0))),))
            name = f"{task}: of {ago} days only {', '.join(days)} count"
            yield Case(name, test.step, (fed, *_counted(test, task)), queries=(asked,))


def _counted(test: SignalUnderTest, task: str) -> tuple[Input, ...]:
    """What makes a task that a pattern means be watched."""
    shape = test.signal.shape
    if not is_pattern(test.entries.found(task) or "") or not isinstance(shape, input_shapes.Overdue):
        return ()
    counted = InputSeries(shape.series, {"task": task, **shape.labels}, Fraction(0))
    return tuple(input_series([Stage((counted,), 1)], test.plan, test.step))


def tally(test: SignalUnderTest) -> Iterator[Case]:
    """As many events as the limit are silent, one more is not; it ends when the window is over or a task succeeds."""
    for severity, limits in test.own_limits.items():
        default = test.defaults[severity]
        names = [test.called(severity)] if default is not None else []
        for who in dict.fromkeys([*names, *list(limits)[:1]]):
            limit = limits.get(who, default)
            assert limit is not None
            yield from _tally_sides(test, severity, who, limit)
    if any(test.own_limits.values()):
        yield from table_of_limits(test)


def _tally_sides(test: SignalUnderTest, severity: Severity, who: str, limit: Fraction) -> Iterator[Case]:
    shape = test.signal.shape
    assert isinstance(shape, input_shapes.Tally)
    factor = _factor(test, shape, who)
    exact = limit / factor
    most = int(exact)
    short = max((guard.amount - 1 for guard in test.alerts[severity].guards), default=0)
    numbers = {most + 1: "above", most: "below" if most < exact else "at"}
    if short > exact:
        numbers = {short + 1: "just enough to be judged, above", short: f"fewer than {short + 1} stay silent above"}
    for number, word in numbers.items():
        fires = number > exact and number > short
        span = shown(limit, test.signal.unit)
        name = f"{'' if fires else 'no '}{severity} {word} {span}, {number} events" + (f" of {who}" if who else "")
        yield _tallied(test, shape, (name, who), number, number * factor if fires else None)


def _factor(test: SignalUnderTest, shape: input_shapes.Tally, who: str) -> Fraction:
    """What one event adds to the value."""
    entry = test.entries.found(who) if shape.per_period else None
    period = test.plan.spec.tasks[entry].period if entry else None
    return period.seconds / (shape.window or 1) if period else Fraction(1)


def _tallied(
    test: SignalUnderTest, shape: input_shapes.Tally, called: tuple[str, str], number: int, value: Fraction | None
) -> Case:
    """So many events within twenty minutes, and then none until the window is over."""
    name, who = called
    each = -(-number // 20)
    counts = [each] * (number // each) + [number % each] * (number % each > 0)
    quiet = (shape.window or test.hold + 10 * test.step) // test.step + 25
    labels = {**test.labels(who), **shape.labels}
    fed = _events(test, shape, labels, counts, quiet)
    last = (1 + len(counts)) * test.step
    inputs = fed
    off = None
    if shape.window:
        off = (shape.window + test.step, last + shape.window + 2 * test.step)
    elif value is not None:
        off = (last + test.hold + 10 * test.step,) * 2
        inputs = (*fed, *_success(test, shape, labels, off[0], len(counts) + quiet))
    firing = {}
    for severity, limit in test.limits(who).items():
        interval = test.interval(severity, (last, last), off, who)
        if value is not None and limit is not None and value > limit and interval:
            firing[severity] = interval
    subject = Subject(test.labels(who), tuple(inputs), firing, test.limits(who), float(value or 0))
    return case(test, name, [subject.beside(*other_limits(test, who))], stages=[Stage((), 2 + len(counts) + quiet)])


def _events(
    test: SignalUnderTest, shape: input_shapes.Tally, labels: Mapping[str, str], counts: Sequence[int], quiet: int
) -> tuple[Input, ...]:
    reading = test.plan.chosen[shape.series.name].reading
    if shape.series.kind == "counter":
        segments = (Segment(0, 2), *(Segment(count, 1) for count in counts), Segment(0, quiet))
    else:  # each start has a time of its own, long before the test
        moments = [1000 * start - 10**6 for start in range(sum(counts) + 1)]
        segments = (Segment(moments[0], 2), *(Segment(m, 1) for m in moments[1:]), Segment(moments[-1], quiet))
    return tuple(reading.stimulus(test.plan.site, filled_in(labels, test.plan.site), segments, test.step))


def _success(
    test: SignalUnderTest, shape: input_shapes.Tally, labels: Mapping[str, str], at: int, steps: int
) -> tuple[Input, ...]:
    before = at // test.step
    segments = (Segment(0, before), Segment(1, 1), Segment(0, 2 + steps - before))
    reading = test.plan.chosen[shape.series.name].reading
    return tuple(
        reading.stimulus(test.plan.site, filled_in({**labels, "state": "SUCCESS"}, test.plan.site), segments, test.step)
    )
