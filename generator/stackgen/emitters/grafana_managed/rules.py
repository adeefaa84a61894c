"""The same rules as Grafana's own, in a file that it provisions; Grafana Cloud has no others now.

Facts: Grafana's conversion of Prometheus rules asks three questions (query, prometheus_math, threshold), so that any
result alerts, also 0. What its export escapes says where a provisioned file expands `$`: everywhere but in annotations
and models (pkg/services/ngalert/api/api_provisioning.go). `$value` is a text there, `$values.query.Value` the number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from stackgen.artefact import Artefact
from stackgen.catalog.dashboard import MOST_OF_UID
from stackgen.resolve.plan import Plan
from stackgen.rules.build import groups
from stackgen.rules.plain import plain

_QUERY, _MATH, _THRESHOLD = "query", "prometheus_math", "threshold"
_WINDOW = 600
"""Seconds that Grafana says it looks back; an instant query does not."""
_ACTION = re.compile(r'\{\{(?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`}]|\}(?!\}))*\}\}')
_VALUE = re.compile(r'("(?:[^"\\]|\\.)*"|`[^`]*`)|\$value\b')

Data = dict[str, Any]


def artefacts(plan: Plan) -> list[Artefact]:
    """One file, for provisioning/alerting of Grafana 12 or newer."""
    source = plan.spec.grafana_managed.datasource or plan.site.named("prometheus", MOST_OF_UID)
    found = [_group(plain(group), source, plan) for group in groups(plan)]
    notes = [
        "For provisioning/alerting of Grafana 12 or newer. Recorded series go back into the same data source.",
        "Where Grafana converts Prometheus rules itself, mimir/rules.yml serves as well: mimirtool with /api/convert.",
        "A rule may read what another recorded one evaluation before: these groups are not evaluated in order.",
    ]
    if any(alert.overrides for alert in plan.alerts):
        notes.append("Texts lack the limit of a single queue or task, for Grafana's templates cannot ask for it.")
    context = {"notes": notes, "data": {"apiVersion": 1, "groups": found}}
    return [Artefact("grafana_managed/rules.yml", "_shared/data.yml.j2", syntax="yaml", context=context)]


def _group(group: Mapping[str, Any], source: str, plan: Plan) -> Data:
    return {
        "orgId": 1,
        "name": group["name"],
        "folder": literal(plan.site.titled("Celery")),
        "interval": group["interval"],
        "rules": [*_rules(group, source)],
    }


def _rules(group: Mapping[str, Any], source: str) -> Iterator[Data]:
    seen: Counter[str] = Counter()
    for rule in group["rules"]:
        name = rule.get("alert") or rule["record"]
        identity = repr((group["name"], name, rule.get("labels")))
        seen[identity] += 1
        uid = f"celery-{sha256(f'{identity}{seen[identity]}'.encode()).hexdigest()[:24]}"
        yield {"uid": uid, "title": name, **(_alert(rule, source) if "alert" in rule else _recording(rule, source))}


def _recording(rule: Mapping[str, Any], source: str) -> Data:
    return {
        "data": [_asked(rule["expr"], source)],
        "record": {"metric": rule["record"], "from": _QUERY, "target_datasource_uid": source},
        **_labels(rule),
    }


def _alert(rule: Mapping[str, Any], source: str) -> Data:
    waits = {"for": rule.get("for", "0s"), "keepFiringFor": rule.get("keep_firing_for")}
    return {
        "condition": _THRESHOLD,
        "data": [_asked(rule["expr"], source), *_any_result()],
        # No result is well, as in Prometheus; what cannot be asked is told by Grafana's own DatasourceError.
        "noDataState": "OK",
        "execErrState": "Error",
        "missing_series_evals_to_resolve": 1,
        **{key: value for key, value in waits.items() if value},
        "annotations": {name: _ACTION.sub(_numbered, text) for name, text in rule["annotations"].items()},
        **_labels(rule),
        "isPaused": False,
    }


def _labels(rule: Mapping[str, Any]) -> Data:
    return {"labels": {name: literal(text) for name, text in rule.get("labels", {}).items()}}


def _asked(expr: str, source: str) -> Data:
    model = {"refId": _QUERY, "expr": expr, "instant": True, "range": False}
    model |= {"datasource": {"type": "prometheus", "uid": source}, "intervalMs": 1000, "maxDataPoints": 43200}
    return {
        "refId": _QUERY,
        "relativeTimeRange": {"from": _WINDOW, "to": 0},
        "datasourceUid": source,
        "model": model,
    }


def _any_result() -> Iterator[Data]:
    """Whatever the query gives is an alert."""
    expression = f"is_number(${_QUERY}) || is_nan(${_QUERY}) || is_inf(${_QUERY})"
    above_0 = [{"evaluator": {"type": "gt", "params": [0]}}]
    for name, model in (
        (_MATH, {"type": "math", "expression": expression}),
        (_THRESHOLD, {"type": "threshold", "expression": _MATH, "conditions": above_0}),
    ):
        yield {
            "refId": name,
            "relativeTimeRange": {"from": 0, "to": 0},
            "datasourceUid": "__expr__",
            "model": {"refId": name, **model},
        }


def _numbered(action: re.Match[str]) -> str:
    return _VALUE.sub(lambda found: found[1] or "$values.query.Value", action[0])


def literal(text: str) -> str:
    """A text where the file's `$` would be expanded."""
    return text.replace("$", "$$")
