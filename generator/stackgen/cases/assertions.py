"""When to look at what: alerts just before and after each edge, and the recorded value itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from stackgen.cases.model import AlertAssertion, Case, QueryAssertion, Subject
from stackgen.cases.stages import Stage
from stackgen.cases.under_test import SignalUnderTest
from stackgen.catalog import input_shapes, promql
from stackgen.catalog.signal import Severity

_CLOSE = "0.0001"
"""Numbers nearer than this are the same: what floating point may lose, and far less than any mistake costs."""


def case(
    test: SignalUnderTest,
    name: str,
    subjects: Sequence[Subject],
    queries: Iterable[QueryAssertion] = (),
    stages: Sequence[Stage] = (),
) -> Case:
    """One case with these subjects side by side; `stages` says when scrapes are missed, by default never."""
    longest = max((sum(s.steps for s in i.segments) for one in subjects for i in one.inputs), default=test.steps)
    moments = {test.duration, *(at for one in subjects for at in _moments(test, one) if at >= 0)}
    return Case(
        name=name,
        step=test.step,
        inputs=test.scraped((i for one in subjects for i in one.inputs), stages or [Stage((), longest)]),
        alerts=tuple(assertion for at in sorted(moments) for assertion in _alerts(test, subjects, at)),
        queries=tuple(queries),
        subjects=tuple(subjects),
    )


@dataclass(frozen=True)
class Story:
    """One subject, and what its case says of it."""

    words: str
    subject: Subject
    queries: tuple[QueryAssertion, ...] = ()

    @property
    def around(self) -> dict[str, str]:
        """What is fed that is not of this subject alone, by its selector."""
        names = self.subject.labels.values()
        return {
            one.selector: one.values
            for one in self.subject.inputs
            if not any(name in label for name in names for label in one.labels.values())
        }


def told_together(test: SignalUnderTest, stories: Iterable[Story]) -> Iterator[Case]:
    """As few cases as stories can share: promtool loads and evaluates every rule for every case."""
    groups: list[list[Story]] = []
    for story in stories:
        group = next((group for group in groups if all(_side_by_side(story, other) for other in group)), None)
        if group is None:
            groups.append([story])
        else:
            group.append(story)
    for group in groups:
        words = ", ".join(story.words for story in group)
        queries = [query for story in group for query in story.queries]
        yield case(test, words, [story.subject for story in group], queries)


def _side_by_side(one: Story, other: Story) -> bool:
    """Whether neither hears of the other: they are called otherwise, and what is fed of both alike is the same."""
    return one.subject.labels != other.subject.labels and one.around == other.around


def _moments(test: SignalUnderTest, subject: Subject) -> Iterator[int]:
    """Just before and just after each moment at which something changes."""
    for interval in subject.firing.values():
        yield interval.earliest - test.tick
        yield interval.surely
        if interval.ending is not None and interval.gone is not None:
            yield interval.ending - test.tick
            yield interval.gone


def _alerts(test: SignalUnderTest, subjects: Sequence[Subject], at: int) -> Iterator[AlertAssertion]:
    """All that fires at this moment; severity by severity where windows leave some of it open."""
    by_severity: dict[Severity, list[tuple[Subject, bool | None]]] = {
        severity: [
            (one, one.firing[severity].fires(at) if severity in one.firing else test.silent(at)) for one in subjects
        ]
        for severity in test.alerts
    }
    if all(yes is not None for states in by_severity.values() for _, yes in states):
        yield AlertAssertion(at, tuple((one, s) for s, states in by_severity.items() for one, yes in states if yes))
        return
    for severity, states in by_severity.items():
        unsure = tuple(one for one, yes in states if yes is None)
        if len(unsure) < len(subjects):
            firing = tuple((one, severity) for one, yes in states if yes)
            yield AlertAssertion(at, firing, severity, unsure)


def with_texts(test: SignalUnderTest, cases: Sequence[Case]) -> Iterator[Case]:
    """Texts are compared once for each severity, where the fewest alerts fire: they are long.

    Only at moments at which all of them are known.
    """
    whole = [one for case in cases for one in case.alerts if one.severity is None and _is_known(test, one.at)]
    chosen: dict[Severity, AlertAssertion] = {}
    for one in sorted(whole, key=lambda one: len(one.firing)):
        for _, severity in one.firing:
            chosen.setdefault(severity, one)
    for each in cases:
        marked = (replace(a, worded=any(a is one for one in chosen.values())) for a in each.alerts)
        yield replace(each, alerts=tuple(marked))


def _is_known(test: SignalUnderTest, at: int) -> bool:
    """Whether it is known who else fires under this alert's name, and every number that texts say is that of the end.

    promtool compares all alerts of one name: who is kept at an age starts again and again, which may be told too.
    A pace is less while its window fills.
    """
    match test.signal.shape:
        case input_shapes.Age():
            others = (one for one in test.plan.metric_signals if one is not test.signal)
            return at == 0 or all(one.alert != test.signal.alert for one in others)
        case input_shapes.Drain():
            return at >= test.window + test.step
        case _:
            return True


def recorded_value(test: SignalUnderTest, name: str, number: Fraction | float | None) -> Iterator[QueryAssertion]:
    """In the end the signal's recorded value is this number; None: it has none."""
    if test.signal.record:
        labels = test.labels(name)
        series = promql.select(test.signal.record, *promql.exactly(labels))
        if number is None:
            yield QueryAssertion(test.duration, series)
        else:
            close = f"abs({series} - {promql.number(Fraction(number))}) < bool {_CLOSE}"
            yield QueryAssertion(test.duration, close, (({**labels, **test.plan.site.identity}, Fraction(1)),))
