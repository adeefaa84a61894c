"""Log lines on a dashboard, and the links that lead to them; both only where the stack has a Loki."""

from __future__ import annotations

from collections.abc import Iterable

from stackgen.catalog.dashboard import Dashboard, Panel, board_path
from stackgen.catalog.logs import logql
from stackgen.emitters.grafana.layout import COLUMNS
from stackgen.resolve.plan import Plan
from stackgen.rules import logs

Json = dict[str, object]


DATASOURCE: Json = {"type": "loki", "uid": "${loki_datasource}"}
NUMBER = 1000
"""Number of the panel with the lines: behind all others, so that links to it stay right when panels come and go."""
MOST = 200
"""Lines that are read at once; scrolling reads more."""
_HEIGHT = 12


def row(dashboard: Dashboard, chosen: Iterable[str], top: int, plan: Plan) -> list[Json]:
    """A heading and the panel below it; `chosen` are the variables that narrow the lines."""
    query = logql.lines(dashboard.lines.filter, logs.selector(plan)) + logql.chosen(chosen)
    at = {"h": 1, "w": COLUMNS, "x": 0, "y": top}
    heading: Json = {"id": NUMBER - 1, "type": "row", "title": "Logs", "collapsed": False, "gridPos": at, "panels": []}
    panel: Json = {
        "id": NUMBER,
        "type": "logs",
        "title": dashboard.lines.title,
        "description": dashboard.lines.description,
        "datasource": DATASOURCE,
        "gridPos": {"h": _HEIGHT, "w": COLUMNS, "x": 0, "y": top + 1},
        "targets": [
            {
                "refId": "A",
                "datasource": DATASOURCE,
                "expr": query,
                "queryType": "range",
                "maxLines": MOST,
                "editorMode": "code",
            }
        ],
        "fieldConfig": {"defaults": {}, "overrides": []},
        "options": {
            "showTime": True,
            "showLabels": False,
            "showCommonLabels": False,
            "wrapLogMessage": True,
            "prettifyLogMessage": False,
            "enableLogDetails": True,
            "dedupStrategy": "none",
            "sortOrder": "Descending",
        },
    }
    return [heading, panel]


def leading(made: Json, panel: Panel, dashboard: Dashboard, plan: Plan) -> Json:
    """The panel's JSON with links from what it draws to the log's lines about the same queue, task or worker."""
    config, targets = made["fieldConfig"], made["targets"]
    assert isinstance(config, dict)
    assert isinstance(targets, list)
    defaults, overrides = config["defaults"], config["overrides"]
    if panel.kind == "timeseries":
        drawn = {query.legend for query in panel.queries}
        names = [name for name in dashboard.variables if any(f"{{{{{name}}}}}" in legend for legend in drawn)]
        found = [_link(dashboard, plan, name, f"__field.labels.{name}") for name in names]
        defaults = {**defaults, "links": found} if found else defaults
    elif panel.kind == "table":
        asked = " ".join(target["expr"] for target in targets)
        names = [name for name in dashboard.variables if f"by ({name})" in asked]
        overrides = [*overrides, *(_column(dashboard, plan, name) for name in names)]
    return {**made, "fieldConfig": {"defaults": defaults, "overrides": overrides}}


def _column(dashboard: Dashboard, plan: Plan, name: str) -> Json:
    links = [_link(dashboard, plan, name, f"__data.fields.{name}")]
    return {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "links", "value": links}]}


def _link(dashboard: Dashboard, plan: Plan, name: str, value: str) -> Json:
    """Grafana encodes what it fills in."""
    asked = (f"var-{name}=${{{value}}}", f"viewPanel={NUMBER}", "${__url_time_range}")
    return {
        "title": f"Log lines of this {name}",
        "url": board_path(dashboard.id, plan.site, *asked),
        "targetBlank": False,
    }
