"""prometheus/tests/: one promtool test file per signal, made from the same signal as the rules."""

from __future__ import annotations

from collections import Counter

from stackgen.artefact import Artefact
from stackgen.cases.build import cases
from stackgen.cases.model import Case, Check, Subject
from stackgen.cases.subjects import Bench
from stackgen.catalog import promql
from stackgen.catalog.signal import Severity
from stackgen.catalog.sources.prometheus import GROUP_PREFIX
from stackgen.resolve.alerts import own
from stackgen.resolve.plan import Judged, Plan
from stackgen.rules.wording import Fill, texts


def artefacts(stack: Plan) -> list[Artefact]:
    """One file for every signal that is on."""
    return [_file(judged, stack) for judged in stack.judged]


def _file(judged: Judged, stack: Plan) -> Artefact:
    bench = Bench(judged, stack)
    return Artefact(
        path=f"prometheus/tests/{judged.signal.id}.yml",
        template="prometheus/tests.yml.j2",
        syntax="yaml",
        context={
            "rule_file": f"../rules/{GROUP_PREFIX}{judged.signal.family}.yml",
            "evaluation_interval": promql.seconds(bench.tick),
            "cases": [_case(one, judged, stack) for one in cases(bench)],
        },
    )


def _case(one: Case, judged: Judged, stack: Plan) -> dict[str, object]:
    worded = [check for check in one.checks if check.how == "worded"]
    return {
        "name": f"{judged.signal.id}: {one.name}",
        "interval": promql.seconds(one.step),
        "inputs": [{"series": i.selector, "samples": i.values} for i in one.inputs],
        "looks": [
            *(_counted(check, judged, stack) for check in one.checks if check.how != "worded"),
            *(
                {
                    "query": look.query,
                    "at": promql.seconds(look.at),
                    "found": [(found, 1) for found in look.found] or None,
                }
                for look in one.probes
            ),
        ],
        "texts": [
            {
                "at": promql.seconds(check.at),
                "alert": judged.signal.alert,
                "expected": _expected(check, judged, stack),
            }
            for check in worded
        ]
        or None,
    }


def _counted(check: Check, judged: Judged, stack: Plan) -> dict[str, object]:
    """The firing alerts, counted by severity or listed one by one, each with the labels that tell it from others."""
    by = (*judged.signal.by, "owner", "severity") if check.how == "listed" else ("severity",)
    found = Counter(
        tuple((name, labels[name]) for name in by)
        for labels in (_labels(subject, severity, judged, stack) for subject, severity in check.firing)
    )
    return {
        "query": f"count by ({', '.join(by)}) ({_alerts(check, judged)})",
        "at": promql.seconds(check.at),
        "found": [
            (promql.select("", *(f"{name}={promql.text(value)}" for name, value in labels)), count)
            for labels, count in found.items()
        ]
        or None,
    }


def _alerts(check: Check, judged: Judged) -> str:
    label = next(iter(judged.signal.by), "")
    who = check.subject.labels.items() if check.subject else ()
    return promql.select(
        "ALERTS",
        f"signal={promql.text(judged.signal.id)}",
        'alertstate="firing"',
        f"severity={promql.text(check.severity)}" if check.severity else "",
        *(f"{name}={promql.text(value)}" for name, value in who),
        promql.one_of(label, [one.labels[label] for one in check.without], negate=True) if check.without else "",
    )


def _labels(subject: Subject, severity: Severity, judged: Judged, stack: Plan) -> dict[str, str]:
    signal = judged.signal
    who = next(iter(subject.labels.values()), "")
    return {
        **subject.labels,
        "severity": severity,
        "owner": own(signal, stack.spec).get(who, stack.spec.stack.owner),
        "signal": signal.id,
        **stack.spec.stack.labels,
    }


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
