"""Cases of limits: just below, at and just above each, own limits, the end of an alert, a missed scrape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from stackgen.cases import owned, traffic
from stackgen.cases.assertions import Story, case, recorded_value
from stackgen.cases.model import Case, QueryAssertion
from stackgen.cases.stages import Stage, input_series
from stackgen.cases.stimuli import InputSeries, Side, Situation
from stackgen.cases.under_test import SignalUnderTest
from stackgen.catalog import input_shapes, promql
from stackgen.catalog.entries import is_pattern
from stackgen.catalog.series import limit as shown
from stackgen.catalog.signal import Severity
from stackgen.catalog.timeline import Gauge, Input, Segment
from stackgen.rules.build import OVERRIDE, THRESHOLD

SIDES: tuple[Side, ...] = (-1, 0, 1)


def default_limits(test: SignalUnderTest) -> Iterator[Story]:
    """The limit of each severity from both sides."""
    for severity, limit in test.defaults.items():
        if limit is not None and test.limits("")[severity] == limit:
            yield from filter(None, (_side(test, severity, limit, side) for side in SIDES))


def _side(test: SignalUnderTest, severity: Severity, limit: Fraction, side: Side, who: str = "") -> Story | None:
    """`no warning at 1000` or `warning above 1000 after 10m`, of a subject that is called so where it may."""
    word, text = ("below", "at", "above")[side * test.sign + 1], shown(limit, test.signal.unit)
    name = who or f"{word}-{text}"
    now = test.situation(name, limit, side)
    if now is None or test.limits(name)[severity] != limit:
        return None
    if side != 1:
        return Story(f"no {severity} {word} {text}", test.subject(name, now))
    now = now if who else traffic.spread(test, now)
    subject = test.subject(name, now).beside(*_other_alerts(test))
    hold, _ = owned.wait(test.alerts[severity], test.entries.found(test.called(name)))
    held = f" after {promql.seconds(hold)}" if hold else ""
    return Story(f"{severity} {word} {text}{held}", subject, tuple(recorded_value(test, name, now.value)))


def own_limits(test: SignalUnderTest) -> Iterator[Story | Case]:
    """For each severity one queue or task at its own limit and one just beyond, and then all of them in a table."""
    told = 0
    for severity, own in test.own_limits.items():
        for side in SIDES[1:]:
            # Another one for each story, as long as there are others: they can then share a case.
            who = list(own)[told % len(own)] if own else ""
            story = _side(test, severity, own[who], side, who) if own else None
            if story:
                subject = story.subject.beside(*other_limits(test, who))
                told += 1
                yield replace(story, words=f"own limits: {who}: {story.words}", subject=subject)
    for severity, alert in test.alerts.items():
        for who in filter(None, map(test.entries.example, alert.never[:1])):
            default = test.defaults[severity]
            now = test.situation(who, default, 1) if default is not None else None
            if now:
                subject = test.subject(who, now).beside(*other_limits(test, who))
                yield Story(f"own limits: {who}: never {severity}", subject)
    yield from table_of_limits(test)


def other_limits(test: SignalUnderTest, who: str) -> Iterator[Input]:
    """Limits of another signal and of another severity for the same queue or task, which are not this one's."""
    dimension, segments = str(test.signal.overrides), (Segment(Fraction(10**9), test.steps),)
    for severity, own in test.own_limits.items():
        for labels in (
            {"signal": test.signal.id, "severity": "another"},
            {"signal": "another_signal", "severity": severity},
        ):
            if who in own:
                yield from (Gauge(name, {**labels, dimension: who}, segments) for name in (OVERRIDE, THRESHOLD))


def table_of_limits(test: SignalUnderTest) -> Iterator[Case]:
    """What each queue or task with a limit of its own is compared with; those behind patterns are there when seen."""
    dimension, queries = str(test.signal.overrides), []
    for severity, alert in test.alerts.items():
        own = {name: limit for name, limit in alert.overrides.items() if not is_pattern(name)}
        which = f"{{signal={promql.text(test.signal.id)},severity={promql.text(severity)}}}"
        query = f"max by ({dimension}) ({THRESHOLD}{which} and on ({dimension}) {OVERRIDE}{which})"
        if own:
            queries.append(QueryAssertion(0, query, tuple(({dimension: who}, limit) for who, limit in own.items())))
    if queries:
        yield Case(f"the limit of each {dimension} that has its own", test.step, (), queries=tuple(queries))
    yield from _limits_of_patterns(test)


def _limits_of_patterns(test: SignalUnderTest) -> Iterator[Case]:
    """One queue or task of each pattern, and one that no entry means, side by side: what each is compared with."""
    behind = dict.fromkeys(
        name
        for alert in test.alerts.values()
        for key in alert.overrides
        if is_pattern(key) and (name := test.entries.example(key)) is not None
    )
    dimension, names, queries = str(test.signal.overrides), [*behind, test.called("no-entry")], []
    for severity, alert in test.alerts.items():
        which = f"{{signal={promql.text(test.signal.id)},severity={promql.text(severity)}}}"
        limits: dict[str, Fraction | None] = {key: own for key, own in alert.overrides.items() if not is_pattern(key)}
        limits |= {name: test.limits(name)[severity] for name in names}
        samples = tuple(({dimension: name}, limit) for name, limit in limits.items() if limit is not None)
        if any(is_pattern(key) for key in alert.overrides):
            queries.append(QueryAssertion(test.duration, f"max by ({dimension}) ({THRESHOLD}{which})", samples))
    if queries:
        fed = test.scraped((one for name in names for one in _seen(test, name)), [Stage((), test.steps)])
        yield Case(f"the limit of a {dimension} behind each pattern", test.step, fed, queries=tuple(queries))


def _seen(test: SignalUnderTest, name: str) -> Iterator[Input]:
    """What makes the signal have a value for a queue or task."""
    limit = next((limit for limit in test.limits(name).values() if limit is not None), Fraction(1))
    now, shape = test.situation(name, limit, 1), test.signal.shape
    if now is not None:
        yield from input_series(test.stages(now), test.plan, test.step)
    elif isinstance(shape, input_shapes.Overdue):
        counted = InputSeries(shape.series, {**test.labels(name), **shape.labels}, Fraction(0))
        yield from input_series([Stage((counted,), test.steps)], test.plan, test.step)


def ends(test: SignalUnderTest) -> Iterator[Story]:
    """The alert ends when the value is good again, and when the series is gone."""
    if isinstance(test.signal.shape, input_shapes.Fleet):
        return
    gone = ["disappears"] if test.signal.family != "stack" and test.signal.by else []
    for name in ["recovers", *gone]:
        found = test.beyond(name)
        good = _recovered(test, found[0]) if found and name == "recovers" else None
        if found and (good or name in gone):
            who, bad = found
            lasting = test.duration // test.step + 1
            around = tuple(one for one in bad.inputs if not set(test.signal.by) & set(one.series.labels))
            stages = (Stage(bad.inputs, lasting), Stage(good.inputs if good else around, test.steps - lasting))
            off = (lasting * test.step, lasting * test.step + test.blur)
            yield Story(f"ends when it {name}", test.subject(who, bad, stages, off=off))


def _recovered(test: SignalUnderTest, who: str) -> Situation | None:
    limits = [limit for limit in test.limits(who).values() if limit is not None]
    easiest = min(limits) if test.sign > 0 else max(limits)
    # Just inside where that exists; at half the limit where the step to the inside is larger than the limit itself.
    return test.situation(who, easiest, -1) or test.situation(who, easiest / 2, 0) or test.situation(who, easiest, 0)


def missed_scrape(test: SignalUnderTest) -> Iterator[Case]:
    """A failed scrape in the middle of the hold writes stale markers; the alert must still fire on time."""
    step, found = min(test.tick, 60), test.beyond("missed-scrape")
    # A count that is hardly above its limit is below it with one scrape less.
    plain = isinstance(test.signal.shape, input_shapes.Value) and not test.is_filling
    if not plain or found is None or test.signal.family == "stack" or test.hold < 4 * step:
        return
    who, bad = found
    middle = test.hold // 2 // test.tick * test.tick // step
    first = Stage(bad.inputs, middle)
    stages = (first, replace(first, steps=1, missed=True), replace(first, steps=test.duration // step - middle))
    subject = replace(test.subject(who, bad, stages), inputs=input_series(stages, test.plan, step))
    made = case(test, "one missed scrape does not reset the hold", [subject], stages=stages)
    yield replace(made, step=step)


def _other_alerts(test: SignalUnderTest) -> Iterator[Input]:
    """The alert that would silence this one is only pending; another one fires."""
    for alert in test.silenced_by:
        for name, state in ((alert, "pending"), ("AnotherAlert", "firing")):
            yield Gauge("ALERTS", {"alertname": name, "alertstate": state}, (Segment(Fraction(1), test.steps),))
