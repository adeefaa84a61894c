"""Asks the running Prometheus what Grafana would ask, and looks at every series that the rules record."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from stackgen.catalog.signals.stack import WATCHDOG
from stackgen.catalog.signals.workers import WORKER_UPTIME
from stackgen.rules.build import OVERRIDE, THRESHOLD, groups
from tests.grafana.queries import concrete, recorded_labels
from tests.live.cluster import Cluster

_VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)")
_VALUES = re.compile(r"label_values\((.+), (\w+)\)")

ELSEWHERE: Mapping[str, str] = {
    ":contradicted": "chapter evidence: a witness speaks against the others",
    "celery:tasks_unknown:": "tests/sources: a task that no worker knows",
    "celery:chord_polls:": "tests/scenarios: chords that poll for their end",
    "celery:task_limit:": "chapter stalls: a task near its time limit",
    "celery:task_visibility:": "chapter stalls: a task near the visibility timeout",
    "celery:task_running:": "chapter stalls: a task that runs on",
    "celery:worker_delayed:": "chapter stalls: a worker hoards messages",
    "celery:worker_tasks:needed": "chapter evidence: one worker's consumer is cancelled",
    "celery:worker_idle:needed": "chapter evidence: one worker's consumer is cancelled",
}
"""Parts of the names of series that nothing in the run that is asked may give, and where each is shown."""


def ask(cluster: Cluster, path: str, **parameters: str) -> Any:
    """Prometheus' answer; its own words when it refuses."""
    url = f"{cluster.prometheus}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        return {"result": [], "error": json.load(error).get("error", "")}


def problems(cluster: Cluster, began: float, *, lenient: bool) -> list[str]:
    """Panels and variables that were empty since then, missing series, series with other labels than declared.

    A lenient run has not done everything that fills a panel: only what Prometheus refuses is a finding.
    """
    return [*_panels(cluster, began, lenient=lenient), *_labels(cluster, began, lenient=lenient)]


def unsettled(cluster: Cluster) -> list[str]:
    """Alerts that are muted and still fire; and workers that have just started, as the rules see it.

    A worker that is killed and started a second time before it has grown old is a restart loop, and told as one.
    """
    young = f'ALERTS{{alertname="{WORKER_UPTIME.alert}",alertstate="pending"}}'
    query = f'ALERTS{{alertname!="{WATCHDOG.alert}",alertstate="firing"}} or {young}'
    return [f"not settled: {one['metric']}" for one in ask(cluster, "query", query=query)["result"]]


def failures(cluster: Cluster) -> list[str]:
    """Rule evaluations that failed, and rules that Prometheus did not load."""
    found = [
        f"rule evaluations failed: {one['metric']['rule_group']}: {one['value'][1]}"
        for one in ask(cluster, "query", query="prometheus_rule_evaluation_failures_total > 0")["result"]
    ]
    for group in ask(cluster, "rules")["groups"]:
        found += [f"{group['name']}: {r['name']}: {r['lastError']}" for r in group["rules"] if r.get("lastError")]
    return found


def _panels(cluster: Cluster, began: float, *, lenient: bool) -> Iterator[str]:
    for board in boards(cluster.stage.files):
        for variable in board["templating"]["list"]:
            if variable["type"] == "query" and not lenient:
                yield from _variable(cluster, board["uid"], variable["query"])
        for name, expr in queries(board):
            yield from _query(cluster, name, expr, began, lenient=lenient)


def boards(files: Mapping[str, str]) -> Iterator[Any]:
    """The dashboards among generated files."""
    return (json.loads(text) for path, text in files.items() if path.startswith("grafana/dashboards/"))


def queries(board: Any) -> Iterator[tuple[str, str]]:
    """Dashboard/panel/query and what Grafana would ask Prometheus, with `All` chosen in every variable.

    What it would ask Loki is held against LogQL's grammar in tests/logs.
    """
    values = {v["name"]: v.get("allValue", "") for v in board["templating"]["list"]}
    for panel in board["panels"]:
        for target in panel.get("targets", ()) if panel["type"] != "logs" else ():
            yield f"{board['uid']}/{panel['title']}/{target['refId']}", filled(target["expr"], values)


def filled(expr: str, values: Mapping[str, str]) -> str:
    """The query with `All` chosen in every variable."""
    return _VARIABLE.sub(lambda m: values.get(m[1] or m[2], m[0]), concrete(expr))


def _variable(cluster: Cluster, board: str, query: str) -> Iterator[str]:
    match = _VALUES.fullmatch(query)
    assert match, query
    if not ask(cluster, f"label/{match[2]}/values", **{"match[]": match[1]}):
        yield f"variable without values: {board}: {query}"


def _query(cluster: Cluster, name: str, expr: str, began: float, *, lenient: bool) -> Iterator[str]:
    window = {"start": str(began), "end": str(time.time()), "step": "15"}
    answer = ask(cluster, "query_range", query=expr, **window)
    if error := answer.get("error"):
        yield f"query refused: {name}: {error}\n    {expr}"
    elif not _says_something(answer["result"]) and not lenient and not _elsewhere(expr):
        yield f"panel without data: {name}: {expr}"


def _elsewhere(text: str) -> bool:
    return any(part in text for part in ELSEWHERE)


def _says_something(result: Any) -> bool:
    """A panel that would show only NaN is empty."""
    return any(value != "NaN" for series in result for _, value in series["values"])


def _labels(cluster: Cluster, began: float, *, lenient: bool) -> Iterator[str]:
    plan = cluster.stage.prepared.plan
    for name, declared in recorded_labels(groups(plan), plan).items():
        series = ask(cluster, "series", **{"match[]": f'{{__name__="{name}"}}', "start": str(began)})
        if not series and not lenient and not _elsewhere(name):
            yield f"recorded series is nowhere: {name}"
        for one in series:
            labels, wanted = set(one) - {"__name__"}, set(declared)
            if name in (THRESHOLD, OVERRIDE):  # declared for all signals together; each is by its own dimension
                of_signal = (str(signal.overrides) for signal in plan.named([one["signal"]]))
                wanted = {"signal", "severity", *of_signal, *plan.site.identity, *(labels & {"hold"})}
            if labels != wanted:
                yield f"{name} has {sorted(labels)}, declared {sorted(wanted)}"
