"""Cases that must stay silent: what explains a bad value, and queues that are another signal's."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from stackgen.cases.assertions import Story, recorded_value
from stackgen.cases.model import Case, QueryAssertion, Subject
from stackgen.cases.stages import Stage, input_series
from stackgen.cases.stimuli import InputSeries, Labels, Situation, Target, complete, situation
from stackgen.cases.under_test import SignalUnderTest
from stackgen.catalog import input_shapes, promql


def explained(test: SignalUnderTest) -> Iterator[Story]:
    """A value that looks bad and must stay silent because of something else."""
    signal, found = test.signal, test.beyond("explained")
    if found is None:
        return
    who, bad = found
    labels = test.labels(who)
    match signal.shape:
        case input_shapes.Value(silenced_by=silenced) if silenced:
            inputs = (bad.inputs[0], *(complete(InputSeries(series, labels, amount)) for series, amount in silenced))
            name = " and ".join(f"{series.name} is {promql.number(amount)}" for series, amount in silenced)
        case input_shapes.Stuck(started=started):
            inputs = (bad.inputs[0], InputSeries(started, labels, Fraction(1, 2)))
            name = "any task starts"
        case input_shapes.Drain(started=started):
            inputs = (bad.inputs[0], InputSeries(started, labels, Fraction(0)))
            name = "no task starts, which is another alert's"
        case _ if signal.silent_under and not _is_told_first(test):
            hidden = situation(signal.silent_under, {"task": "fails"}, Target(Fraction(1, 2), 1), test.plan.site)
            inputs = hidden.inputs if hidden else ()
            name = f"{' or '.join(test.silenced_by)} fires"
        case _:
            return
    subject = test.subject(who, bad, (Stage(inputs, test.steps),)).silent()
    queries = () if signal.unless else tuple(recorded_value(test, who, None))
    yield Story(f"silent while {name}", subject, queries)


def _is_told_first(test: SignalUnderTest) -> bool:
    """Whether an alert fires before the one that silences it may, and then keeps firing."""
    others = [other.hold for other in test.plan.alerts if other.signal.alert in test.silenced_by]
    return any(alert.keep_firing_for and alert.hold < max(others, default=0) for alert in test.alerts.values())


def other_queues(test: SignalUnderTest) -> Iterator[Story | Case]:
    """Queues that workers empty and dead letter queues are each judged by signals of their own."""
    signal, site = test.signal, test.plan.site
    text = signal.expr(site)
    dead = (*site.dead_letter, *site.dead_examples)
    if site.working() and site.working() in text:
        who, name = dead[0], "a dead letter queue is not judged"
    elif site.dead() and site.dead() in text:
        listed = [queue for queue in site.queues if queue not in dead] if site.listed_only else []
        who, name = (*listed, "a-working-queue")[0], "a queue that is no dead letter queue is not judged"
    else:
        return
    limits = [limit for limit in test.defaults.values() if limit is not None]
    labels = {**test.labels("any"), "queue": who}
    bad = situation(signal.shape, labels, Target(limits[-1], 1, test.sign, 1000), site) if limits else None
    if bad:
        yield from _unjudged(test, name, labels, bad)


def _unjudged(test: SignalUnderTest, name: str, labels: Labels, bad: Situation) -> Iterator[Story | Case]:
    """Nothing is recorded or told: side by side with others if all is this subject's own, else a case that is short."""
    signal, is_own = test.signal, all(set(test.signal.by) & set(one.series.labels) for one in bad.inputs)
    subject = {label: labels[label] for label in signal.by}
    named = promql.exactly(subject) if is_own else ()
    alerts = promql.select("ALERTS", f"alertname={promql.text(signal.alert)}", *named)
    recorded = [promql.select(signal.record, *named)] if signal.record else []
    at = -(-3 * test.step // test.tick) * test.tick
    queries = tuple(QueryAssertion(at, query) for query in (alerts, *recorded))
    stages = [Stage(bad.inputs, test.steps if is_own else at // test.step + 1)]
    inputs = input_series(stages, test.plan, test.step)
    if is_own:
        yield Story(name, Subject(subject, inputs, {}, test.limits("")), queries)
    else:
        yield Case(name, test.step, test.scraped(inputs, stages), queries=queries)
