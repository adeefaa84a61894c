"""The 17 rules of grafana/dashboard-linter (HEAD of 2026-06-18), which cannot be installed, in Python.

One difference: `target-counter-agg-rule` looks at the metric's name; the original looks at the printed selector, so
that a counter with any matcher escapes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import promql_parser as ql

from tests.logs import grammar

Board = dict[str, Any]
Rule = Callable[[Board], Iterator[str]]

_SIX = {"stat", "singlestat", "graph", "table", "timeseries", "gauge"}
_WITH_DATASOURCE = {"singlestat", "graph", "table", "timeseries"}
_WITH_PROMQL = {"singlestat", "gauge", "table", "stat", "state-timeline", "timeseries"}
_UNITS = {"short", "none", "s", "ms", "percent", "percentunit", "bytes", "ops", "cps", "reqps", "dateTimeFromNow"}
_FUNCTIONS = re.compile(r"(?s)(label_names|label_values|metrics|query_result)\((.*)\)")
_WINDOWS = re.compile(r"\$__(rate_interval|interval|range|auto)\b")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_NUMBERS = re.compile(r"\$__(range_s|range_ms|interval_ms)\b")


def _variables(board: Board, kind: str) -> list[dict[str, Any]]:
    return [v for v in board["templating"]["list"] if v["type"] == kind]


def _names(board: Board) -> set[str]:
    return {f"{form}" for v in _variables(board, "datasource") for form in (f"${v['name']}", f"${{{v['name']}}}")}


def _panels(board: Board, kinds: set[str]) -> Iterator[dict[str, Any]]:
    yield from (p for p in board["panels"] if p["type"] in kinds)


def _targets(board: Board, kinds: set[str] | None = None) -> Iterator[tuple[str, str]]:
    """Title and PromQL."""
    for panel in board["panels"]:
        if kinds is None or panel["type"] in kinds:
            yield from ((panel["title"], t["expr"]) for t in panel.get("targets", []) if not _is_loki(panel, t))


def _logql(board: Board) -> Iterator[tuple[str, str]]:
    """Title and LogQL."""
    for panel in board["panels"]:
        yield from ((panel["title"], t["expr"]) for t in panel.get("targets", []) if _is_loki(panel, t))


def _is_loki(panel: dict[str, Any], target: dict[str, Any]) -> bool:
    return "loki" in (one.get("datasource", {}).get("type") for one in (panel, target))


def _concrete(expr: str) -> str:
    """Grafana's variables replaced outside double quotes."""
    parts = re.split(r'("(?:[^"\\]|\\.)*")', expr)
    return "".join(p if i % 2 else _WINDOWS.sub("5m", _NUMBERS.sub("300", p)) for i, p in enumerate(parts))


def _walk(node: object, inside: tuple[str, ...] = ()) -> Iterator[tuple[ql.VectorSelector, tuple[str, ...]]]:
    """Each selector with the names of the functions around it."""
    match node:
        case ql.VectorSelector():
            yield node, inside
        case ql.MatrixSelector():
            yield node.vector_selector, inside
        case ql.Call():
            for argument in node.args:
                yield from _walk(argument, (*inside, node.func.name))
        case ql.BinaryExpr():
            yield from (*_walk(node.lhs, inside), *_walk(node.rhs, inside))
        case ql.SubqueryExpr() | ql.ParenExpr() | ql.UnaryExpr() | ql.AggregateExpr():
            yield from _walk(node.expr, inside)
        case _:
            return


def _selectors(board: Board) -> Iterator[tuple[str, ql.VectorSelector, tuple[str, ...]]]:
    for title, expr in _targets(board):
        yield from ((title, selector, inside) for selector, inside in _walk(ql.parse(_concrete(expr))))


def template_datasource(board: Board) -> Iterator[str]:
    """Each datasource variable is named after its kind and labelled so."""
    found = _variables(board, "datasource")
    if not found:
        yield "no datasource variable"
    for variable in found:
        wanted = {f"{variable['query']}_datasource"} | ({"datasource"} if len(found) == 1 else set())
        if variable["name"] not in wanted:
            yield f"variable {variable['name']} should be named {wanted}"
        if variable["label"] not in ("Data source", f"{variable['query'].capitalize()} data source"):
            yield f"label {variable['label']}"


def _template(name: str) -> Rule:
    def rule(board: Board) -> Iterator[str]:
        found = [v for v in board["templating"]["list"] if v["name"] == name]
        if not found:
            yield f"no variable {name}"
        for variable in found:
            good = variable["type"] == "query" and variable.get("multi") and variable.get("allValue") == ".+"
            if not good or variable["datasource"]["uid"] not in _names(board):
                yield f"variable {name} is not a query with multi and allValue .+"

    return rule


def template_label_promql(board: Board) -> Iterator[str]:
    """Query variables call one of the four functions with something that parses."""
    for variable in _variables(board, "query"):
        call = _FUNCTIONS.fullmatch(variable["query"])
        try:
            ql.parse(_concrete((call[2] if call else "").rpartition(",")[0] or "("))
        except ValueError:
            yield f"{variable['name']}: {variable['query']}"


def template_on_time_change_reload(board: Board) -> Iterator[str]:
    """Query variables are read again when the time range changes."""
    yield from (v["name"] for v in _variables(board, "query") if v["refresh"] != 2)


def panel_datasource(board: Board) -> Iterator[str]:
    """Panels use the datasource variable."""
    for panel in _panels(board, _WITH_DATASOURCE):
        if panel.get("datasource", {}).get("uid") not in _names(board):
            yield panel["title"]


def panel_title_description(board: Board) -> Iterator[str]:
    """Panels have a title and a description."""
    yield from (str(p.get("id")) for p in _panels(board, _SIX) if not (p.get("title") and p.get("description")))


def panel_units(board: Board) -> Iterator[str]:
    """Panels have a unit that Grafana knows."""
    for panel in _panels(board, _SIX):
        config = panel["fieldConfig"]
        reduced = panel["options"].get("reduceOptions", {}).get("fields")
        if "mappings" in config["defaults"] or (panel["type"] == "stat" and reduced):
            continue
        units = [p["value"] for o in config["overrides"] for p in o["properties"] if p["id"] == "unit"]
        if not {config["defaults"].get("unit"), *units} <= _UNITS:
            yield panel["title"]


def panel_no_targets(board: Board) -> Iterator[str]:
    """Panels have queries."""
    yield from (p["title"] for p in _panels(board, _SIX) if "targets" not in p)


def target_logql(board: Board) -> Iterator[str]:
    """Queries of Loki parse, in the grammar of Grafana's own editor; the original asks Loki's parser."""
    for title, expr in _logql(board):
        if found := grammar.faults(_concrete(expr)):
            yield f"{title}: at {found}: {expr}"


def target_logql_auto(board: Board) -> Iterator[str]:
    """Queries of Loki look back $__auto."""
    for title, expr in _logql(board):
        yield from (f"{title}: [{w}]" for w in re.findall(r"\[([^\]]*)\]", _STRING.sub('""', expr)) if w != "$__auto")


def target_promql(board: Board) -> Iterator[str]:
    """Queries parse."""
    for title, expr in _targets(board, _WITH_PROMQL):
        try:
            ql.parse(_concrete(expr))
        except ValueError as error:
            yield f"{title}: {error}"


def target_rate_interval(board: Board) -> Iterator[str]:
    """rate and irate look back $__rate_interval."""
    for title, expr in _targets(board, _WITH_PROMQL):
        for window in re.findall(r"\bi?rate\([^\[]*\[([^\]]*)\]", expr):
            if window != "$__rate_interval":
                yield f"{title}: [{window}]"


def _target(label: str) -> Rule:
    def rule(board: Board) -> Iterator[str]:
        for title, selector, _ in _selectors(board):
            if not any(str(m) == f'{label}=~"${label}"' for m in selector.matchers.matchers):
                yield f"{title}: {selector}"

    return rule


def target_counter_agg(board: Board) -> Iterator[str]:
    """Counters are counted with rate, irate or increase."""
    for title, selector, inside in _selectors(board):
        if (selector.name or "").endswith("_total") and not {"rate", "irate", "increase"} & set(inside):
            yield f"{title}: {selector.name}"


def uneditable(board: Board) -> Iterator[str]:
    """Dashboards cannot be edited."""
    if board["editable"] is not False:
        yield board["title"]


RULES: Mapping[str, Rule] = {
    "template-datasource-rule": template_datasource,
    "template-job-rule": _template("job"),
    "template-instance-rule": _template("instance"),
    "template-label-promql-rule": template_label_promql,
    "template-on-time-change-reload-rule": template_on_time_change_reload,
    "panel-datasource-rule": panel_datasource,
    "panel-title-description-rule": panel_title_description,
    "panel-units-rule": panel_units,
    "panel-no-targets-rule": panel_no_targets,
    "target-logql-rule": target_logql,
    "target-logql-auto-rule": target_logql_auto,
    "target-promql-rule": target_promql,
    "target-rate-interval-rule": target_rate_interval,
    "target-job-rule": _target("job"),
    "target-instance-rule": _target("instance"),
    "target-counter-agg-rule": target_counter_agg,
    "uneditable-dashboard": uneditable,
}
_JOB = "recorded series belong to no scrape job: sources may change without an effect on dashboards"
_INSTANCE = "recorded series add up all replicas of an exporter; a worker is a label, not an instance"
EXCEPTIONS = {
    "template-job-rule": _JOB,
    "template-instance-rule": _INSTANCE,
    "target-job-rule": _JOB,
    "target-instance-rule": _INSTANCE,
}
"""Rules that are wrong for Celery, each with the reason; celery-mixin leaves them out too."""
