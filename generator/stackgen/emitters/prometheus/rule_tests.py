"""prometheus/tests/: one promtool test file per signal, made from the same signal as the rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction

from stackgen.artefact import Artefact
from stackgen.cases import copies, pace
from stackgen.cases.build import cases
from stackgen.cases.model import AlertAssertion, Case, QueryAssertion, Subject
from stackgen.cases.under_test import SignalUnderTest
from stackgen.catalog import belonging, promql
from stackgen.catalog.signal import Severity, Signal
from stackgen.catalog.timeline import Input
from stackgen.resolve.alerts import own
from stackgen.resolve.plan import Plan
from stackgen.rules import classes
from stackgen.rules.build import rule_file
from stackgen.rules.wording import Fill, texts


def artefacts(plan: Plan) -> list[Artefact]:
    """One file for every signal that is on."""
    return [_file(signal, plan) for signal in plan.metric_signals]


def _file(signal: Signal, plan: Plan) -> Artefact:
    test = SignalUnderTest(signal, plan)
    groups = pace.loaded(signal, plan)
    paths = [rule_file(group, plan) for group in groups]
    return Artefact(
        path=f"prometheus/tests/{signal.id}.yml",
        template="prometheus/tests.yml.j2",
        syntax="yaml",
        context={
            "rule_files": [f"../{path.removeprefix('prometheus/')}" for path in paths],
            # Without it promtool evaluates groups in an order of its own, another one each time.
            "order": list(map(plan.site.named, groups)) if len(groups) > 1 else None,
            "evaluation_interval": promql.seconds(test.tick),
            "cases": [_case(one, test) for one in cases(test)],
        },
    )


def _case(one: Case, test: SignalUnderTest) -> dict[str, object]:
    signal, plan = test.signal, test.plan
    queries = [_alerts(a, test) for a in one.alerts if not a.worded] + [_of_copy(q, plan) for q in one.queries]
    return {
        "name": f"{signal.id}: {one.name}",
        "interval": promql.seconds(one.step),
        "inputs": [{"series": _fed(i, plan), "samples": i.values} for i in one.inputs],
        "queries": [
            {
                "expr": query.query,
                "at": promql.seconds(query.at),
                "samples": [(_selector(labels), _number(value)) for labels, value in query.samples] or None,
            }
            for query in queries
        ]
        or None,
        "texts": [
            {"at": promql.seconds(a.at), "alert": signal.alert, "expected": _expected(a, test)}
            for a in one.alerts
            if a.worded
        ]
        or None,
    }


def _of_copy(one: QueryAssertion, plan: Plan) -> QueryAssertion:
    """The same question about the copy that the case is about."""
    copy = next(iter(plan.site.copies.tested), {})
    query = belonging.narrowed(one.query, plan.site, chosen=promql.exactly(copy))
    return replace(one, query=query, samples=tuple(({**labels, **copy}, value) for labels, value in one.samples))


def _alerts(one: AlertAssertion, test: SignalUnderTest) -> QueryAssertion:
    """The firing alerts of all copies, each by the labels that tell it from the others."""
    signal, plan = test.signal, test.plan
    by = (*signal.by, *(["owner"] if own(signal, plan.spec) else []), "severity")
    label = next(iter(signal.by), "")
    is_shared = any(other.alert == signal.alert and other is not signal for other in plan.active)
    selector = promql.select(
        "ALERTS",
        f"alertname={promql.text(signal.alert)}",
        'alertstate="firing"',
        f"signal={promql.text(signal.id)}" if is_shared else "",
        f"severity={promql.text(one.severity)}" if one.severity else "",
        promql.one_of(label, [each.labels[label] for each in one.without], negate=True) if one.without else "",
    )
    found = [(_labels(subject, severity, test), copies.of(subject, test)) for subject, severity in one.firing]
    samples = tuple(({**{name: labels[name] for name in by}, **copy}, Fraction(1)) for labels, copy in found)
    query = belonging.narrowed(f"count by ({', '.join(by)}) ({selector})", plan.site)
    return QueryAssertion(one.at, query, samples)


def _fed(one: Input, plan: Plan) -> str:
    return one._replace(labels=belonging.labels(one.name, one.labels, plan.site)).selector


def _number(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def _selector(labels: Mapping[str, str]) -> str:
    return promql.select("", *promql.exactly(labels)) or "{}"


def _labels(subject: Subject, severity: Severity, test: SignalUnderTest) -> dict[str, str]:
    signal, plan = test.signal, test.plan
    who = next(iter(subject.labels.values()), "")
    return {
        **subject.labels,
        **copies.of(subject, test),
        "severity": severity,
        "owner": own(signal, plan.spec).get(plan.entries(signal).found(who) or "", plan.spec.stack.owner),
        "signal": signal.id,
        **plan.site.identity,
        **plan.spec.stack.labels,
    }


def _expected(one: AlertAssertion, test: SignalUnderTest) -> Iterable[dict[str, object]]:
    signal, plan = test.signal, test.plan
    alerts: list[dict[str, object]] = []
    records = {alert.severity: alert for alert in plan.of(signal)}
    for subject, severity in one.firing:
        fill = Fill({**subject.labels, **copies.of(subject, test)}, subject.value, subject.limits[severity])
        entry = plan.entries(signal).found(next(iter(subject.labels.values()), "")) or ""
        judging = classes.part_of(records[severity], entry)
        alerts.append(
            {
                "labels": list(_labels(subject, severity, test).items()),
                "annotations": list(texts(judging.alert, plan, fill).items()),
            }
        )
    return alerts
