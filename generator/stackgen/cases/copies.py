"""Other copies of the stack beside the one that a case is about: all is well there, and nothing is told of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from stackgen.cases.model import Case, Subject
from stackgen.cases.stages import Stage, filled_in, input_series
from stackgen.cases.stimuli import InputSeries, Situation, Target, situation
from stackgen.cases.under_test import SignalUnderTest
from stackgen.catalog import facts, input_shapes
from stackgen.catalog.timeline import Input, Segment

_FLOW = Fraction(100)
"""Events in a window of what works."""


def beside(case: Case, test: SignalUnderTest) -> Case:
    """The case with every other copy that there should be; each has the same queues, tasks and workers."""
    site = test.plan.site
    if test.signal.always or _is_central(case.inputs, test):
        return case
    longest = max((sum(s.steps for s in one.segments) for one in case.inputs), default=1)
    subjects = {tuple(one.labels.items()): one for one in case.subjects}.values()
    well = [one for subject in subjects for one in _well(subject, test, case.step, longest)]
    scraped = [one for one in test.scraped(well, [Stage((), longest)]) if one.labels.get("job") not in site.central]
    others = (one._replace(labels={**one.labels, **copy}) for copy in site.copies.tested[1:] for one in scraped)
    return replace(case, inputs=(*(case.inputs or scraped), *others))


def of(subject: Subject, test: SignalUnderTest) -> dict[str, str]:
    """The labels of the copy that the subject belongs to; none where all copies have it together."""
    if test.signal.always or _is_central(subject.inputs, test):
        return {}
    return next(iter(test.plan.site.copies.tested), {})


def _is_central(inputs: tuple[Input, ...], test: SignalUnderTest) -> bool:
    return bool(inputs) and all(one.labels.get("job") in test.plan.site.central for one in inputs)


def _well(subject: Subject, test: SignalUnderTest, step: int, longest: int) -> Iterator[Input]:
    """What is fed of the same subject where it is well."""
    shape, site = test.signal.shape, test.plan.site
    if isinstance(shape, input_shapes.Testimony):
        fact, segments = facts.FACTS[shape.fact], (Segment(1, longest),)
        labels = filled_in({name: text for name, text in subject.labels.items() if name != "witness"}, site)
        for witness in facts.heard(fact, site):
            yield from witness.feed(site, labels, segments, step)
        return
    now = _situation(subject, test)
    if now:
        yield from input_series([*test.stages(now)[:-1], Stage(now.inputs, longest)], test.plan, step)


def _situation(subject: Subject, test: SignalUnderTest) -> Situation | None:
    shape, who = test.signal.shape, subject.labels
    match shape:
        case input_shapes.Stuck() | input_shapes.Drain():
            least = Fraction(max(test.least_traffic, default=0) or 1)
            moves = InputSeries(shape.length, who, least), InputSeries(shape.started, who, 100 * least * _FLOW)
            return Situation(moves, Fraction(0))
        case input_shapes.Failures(series=series):
            return Situation((InputSeries(series, who, Fraction(0)),), Fraction(0))
        case input_shapes.Overdue(series=series, labels=labels):
            return Situation((InputSeries(series, {**who, **labels}, _FLOW),), Fraction(0))
        case input_shapes.Tally(series=series):
            good = {"state": "SUCCESS"} if "state" in shape.labels else {}
            amount = Fraction(0) if shape.per_period or not good else _FLOW
            return Situation((InputSeries(series, {**who, **good}, amount),), Fraction(0))
        case _:
            return _within(subject, test)


def _within(subject: Subject, test: SignalUnderTest) -> Situation | None:
    """Just inside the easiest limit; at half of it, or at it, where the step to the inside is larger than itself."""
    limits = [limit for limit in subject.limits.values() if limit is not None]
    if not limits:
        return None
    easiest, least = (min(limits) if test.sign > 0 else max(limits)), max(test.least_traffic, default=0)
    for limit, side in ((easiest, -1), (easiest / 2, 0), (easiest, 0)):
        target = Target(limit, -1 if side else 0, test.sign, least)
        if found := situation(test.signal.shape, subject.labels, target, test.plan.site):
            return found
    return None
