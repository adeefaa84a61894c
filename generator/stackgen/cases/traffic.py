"""Cases about traffic: too little to be judged, just enough, and counters that are new."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import ceil

from stackgen.cases import owned
from stackgen.cases.assertions import Story, case
from stackgen.cases.model import Case
from stackgen.cases.stages import Stage, input_series
from stackgen.cases.stimuli import InputSeries, Labels, Situation, complete, quantile, share
from stackgen.cases.under_test import SignalUnderTest
from stackgen.catalog import input_shapes
from stackgen.catalog.series import STATES
from stackgen.catalog.signal import Setting, Severity

_HALF = Fraction(1, 2)
_NEW = Fraction(100)
"""What a new counter starts with, at least."""
_STEP = 60
"""Seconds between its samples: what is new is seen through no longer gap than a missed scrape."""
_NOUNS = {"min_tasks": "tasks", "min_failures": "failures"}


def spread(test: SignalUnderTest, now: Situation) -> Situation:
    """The same counts, each in two queues or tasks where the signal adds these up; the slow ones in one of them."""
    made: list[InputSeries] = []
    shape = test.signal.shape
    fixed = {"le", "state", *test.signal.by, *(shape.labels if isinstance(shape, input_shapes.Value) else ())}
    least = min((one.amount for one in now.inputs if one.amount), default=Fraction(0))
    for one in map(complete, now.inputs):
        free = [name for name in test.recorded(one) if name not in fixed]
        if one.series.kind != "counter" or not free:
            made.append(one)
            continue
        slow = isinstance(shape, input_shapes.Quantile)
        first = min(one.amount, least) if slow else one.amount / 2
        other = {**one.labels, free[0]: f"another-{free[0]}"}
        made += [replace(one, amount=first), replace(one, labels=other, amount=one.amount - first)]
    return replace(now, inputs=tuple(made), before=tuple(map(complete, now.before)))


def too_little(test: SignalUnderTest) -> Iterator[Story]:
    """For each guard of each severity: just short of it stays silent, just enough fires."""
    seen: set[Setting] = set()
    for severity in reversed(tuple(test.alerts)):
        for guard in test.alerts[severity].guards:
            if guard.setting not in seen:  # what is bad enough for a worse severity is so for all
                seen.add(guard.setting)
                if guard.amount:
                    yield from _guarded(test, severity, guard.setting, guard.amount)
                for key, amount in [one for one in guard.own.items() if one[1]][:1]:
                    yield from _guarded(test, severity, guard.setting, amount, test.entries.example(key) or "")


def _guarded(test: SignalUnderTest, severity: Severity, setting: Setting, least: int, own: str = "") -> Iterator[Story]:
    noun = _NOUNS[setting]
    for name, short in ((f"fewer-than-{least}", True), (f"just-{least}", False)):
        who, limit = own or name, test.limits(own or name)[severity]
        if limit is None:
            who, limit = next(iter(test.own_limits[severity].items()))
        amount = max(Fraction(least - 1), Fraction(least * 9, 10)) if short else _divisible(Fraction(least))
        now = _with_traffic(test, setting, amount, limit, who)
        if now is None:
            continue
        # While the window fills the guard may not be met yet.
        start, _ = test.first_true
        on = (start, max(s.window for s in test.signal.needs) + test.step)
        if short:
            subject = test.subject(who, now, on=on).silent()
            beside = input_series((Stage(_outside(test, now), test.steps),), test.plan, test.step)
            yield Story(f"{setting}: fewer than {least} {noun} stay silent", subject.beside(*beside))
        else:
            yield Story(f"{setting}: {least} are judged", test.subject(who, spread(test, now), on=on))


def _divisible(amount: Fraction) -> Fraction:
    """At least the amount, and in sixteenths at five samples a window, so that floating point does not round it."""
    grain = Fraction(5, 16)
    return ceil(amount / grain) * grain


def _with_traffic(
    test: SignalUnderTest, setting: Setting, amount: Fraction, limit: Fraction, who: str
) -> Situation | None:
    """A bad value with so much of what the guard counts."""
    labels = test.labels(who)
    match test.signal.shape:
        case input_shapes.Share() as shape:
            return _share(test, shape, (setting, amount), limit, labels)
        case input_shapes.Quantile() as shape:
            return quantile(shape, labels, limit, (amount * _HALF, amount), test.plan.site)
        case input_shapes.Drain() as shape:
            slow = limit * 2 + _HALF  # no whole number of seconds, which rounding could make one less
            started = InputSeries(shape.started, labels, amount / slow * shape.started.window)
            return Situation((InputSeries(shape.length, labels, amount), started), slow)
        case _:
            return None


def _share(
    test: SignalUnderTest, shape: input_shapes.Share, guard: tuple[Setting, Fraction], limit: Fraction, labels: Labels
) -> Situation | None:
    setting, amount = guard
    who = test.entries.found(next(iter(labels.values()), ""))
    bad = 1 - limit if shape.inverted else limit
    if setting == "min_tasks":
        enough = _divisible(
            Fraction(max(owned.least(test.alerts[test.worst], "min_failures", who), ceil(bad * amount) + 1))
        )
        return share(shape, labels, enough, amount) if enough <= amount else None
    fewest = Fraction(owned.least(test.alerts[test.worst], "min_tasks", who))
    most = amount / bad if bad else 2 * fewest
    # Between what the other guard asks for and what makes the share too small, away from both for the sake of rounding.
    if amount < fewest and most <= fewest:
        return None  # so many failures are never this share of so many tasks
    total = (fewest + min(most, 2 * fewest)) / 2 if amount < fewest else Fraction(ceil(amount))
    return share(shape, labels, amount, total)


def _outside(test: SignalUnderTest, now: Situation) -> tuple[InputSeries, ...]:
    """Many events in the states that have no part in this share."""
    shape = test.signal.shape
    if not isinstance(shape, input_shapes.Share):
        return ()
    labels = complete(InputSeries(shape.rest, {**now.inputs[-1].labels, **shape.rest_labels}, Fraction(0))).labels
    states = (state for state in STATES if state in shape.outside)
    return tuple(InputSeries(shape.rest, {**labels, "state": state}, Fraction(5000)) for state in states)


def new_series(test: SignalUnderTest) -> Iterator[Case]:
    """Everything that a task never seen before does is bad, and its counters appear with it: that is no growth."""
    shape, name = test.signal.shape, "new"
    limits = [limit for limit in test.limits(name).values() if limit is not None]
    if not isinstance(shape, input_shapes.Share) or not limits:
        return
    now = share(shape, test.labels(name), *[max(_NEW, *map(Fraction, test.least_traffic))] * 2)
    born = replace(now, inputs=tuple(replace(one, is_new=True) for one in now.inputs if one.amount))
    quiet = shape.part.window // _STEP + 1
    stages = (Stage((), quiet), Stage(born.inputs, test.steps * test.step // _STEP))
    start, end = quiet * _STEP, quiet * _STEP + shape.part.window
    subject = test.subject(name, born, (), on=(start, start), off=(end, end + _STEP))
    if subject.firing:
        subject = replace(subject, inputs=input_series(stages, test.plan, _STEP))
        made = case(test, f"counters that appear at {int(now.inputs[0].amount)} count whole", [subject])
        yield replace(made, step=_STEP)
