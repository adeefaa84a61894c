"""prometheus/tests/: one promtool test file per signal, made from the same signal as the rules."""

from __future__ import annotations

from collections.abc import Mapping

from generator.artefact import Artefact
from generator.cases.build import cases
from generator.cases.model import Case, Check, Subject
from generator.catalog import promql
from generator.catalog.signal import Severity
from generator.catalog.sources.stack import GROUP_PREFIX
from generator.resolve.plan import Judged, Plan
from generator.rules import owners
from generator.rules.wording import Fill, texts


def plan(stack: Plan) -> list[Artefact]:
    """One file for every signal that is on."""
    return [_file(judged, stack) for judged in stack.judged]


def _file(judged: Judged, stack: Plan) -> Artefact:
    return Artefact(
        path=f"prometheus/tests/{judged.signal.id}.yml",
        template="prometheus/tests.yml.j2",
        syntax="yaml",
        context={
            "rule_file": f"../rules/{GROUP_PREFIX}{judged.signal.family}.yml",
            "evaluation_interval": promql.seconds(stack.site.evaluation),
            "cases": [_case(one, judged, stack) for one in cases(judged, stack)],
        },
        checks=("rule-tests",),
    )


def _case(one: Case, judged: Judged, stack: Plan) -> dict[str, object]:
    alert = judged.signal.alert
    return {
        "name": f"{judged.signal.id}: {one.name}",
        "interval": promql.seconds(one.step),
        "inputs": [{"series": i.selector, "samples": i.values} for i in one.inputs],
        "counts": [
            {
                "query": _query(check, judged),
                "at": promql.seconds(check.at),
                "firing": [_series(subject, severity, judged, stack) for subject, severity in check.firing] or None,
            }
            for check in one.checks
        ]
        + [
            {"query": probe.query, "at": promql.seconds(probe.at), "firing": list(probe.found) or None}
            for probe in one.probes
        ],
        "texts": [
            {"at": promql.seconds(c.at), "alert": alert, "expected": _expected(c, judged, stack)} for c in one.texts
        ]
        or None,
    }


def _query(check: Check, judged: Judged) -> str:
    who = check.subject.labels if check.subject else {}
    return promql.select(
        "ALERTS",
        f"alertname={promql.text(judged.signal.alert)}",
        f"signal={promql.text(judged.signal.id)}",
        'alertstate="firing"',
        f"severity={promql.text(check.severity)}" if check.severity else "",
        *(f"{name}={promql.text(value)}" for name, value in who.items()),
    )


def _labels(subject: Subject, severity: Severity, judged: Judged, stack: Plan) -> dict[str, str]:
    signal = judged.signal
    own = owners.own(signal, stack)
    who = next(iter(subject.labels.values()), "")
    return {
        **subject.labels,
        "severity": severity,
        "owner": own.get(who, stack.spec.stack.owner),
        "signal": signal.id,
        **stack.spec.stack.labels,
    }


def _series(subject: Subject, severity: Severity, judged: Judged, stack: Plan) -> str:
    labels: Mapping[str, str] = {
        "alertname": judged.signal.alert,
        "alertstate": "firing",
        **_labels(subject, severity, judged, stack),
    }
    return promql.select("ALERTS", *(f"{name}={promql.text(value)}" for name, value in labels.items()))


def _expected(check: Check, judged: Judged, stack: Plan) -> list[dict[str, object]]:
    alerts: list[dict[str, object]] = []
    for subject, severity in check.firing:
        fill = Fill(subject.labels, subject.value, subject.limits[severity])
        alerts.append(
            {
                "labels": list(_labels(subject, severity, judged, stack).items()),
                "annotations": list(texts(judged, severity, stack, fill).items()),
            }
        )
    return alerts
