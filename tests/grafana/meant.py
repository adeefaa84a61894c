"""Whether dashboards agree with the plan: thresholds, units, words, links, and what is chosen at the top.

What their queries show is judged by shown.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from stackgen.catalog import registry
from stackgen.catalog.dashboard import Panel
from stackgen.catalog.logs import logql
from stackgen.catalog.signal import SEVERITIES
from stackgen.resolve.plan import Alert, Plan
from stackgen.rules import logs

Json = Mapping[str, Any]

COLOURS = {"critical": "red", "warning": "orange", "info": "blue"}
UNITS = {
    "tasks": "short",
    "workers": "short",
    "count": "short",
    "ratio": "percentunit",
    "seconds": "s",
    "per_second": "ops",
    "moment": "dateTimeFromNow",
}
"""Grafana's name of each unit; it refuses none, and shows what it does not know as a word."""
_ALERT = re.compile(r"Alert (\w+): (.*?)\.(?=\n|$)")
_VALUES = re.compile(r"label_values\(([\w:]+)\{(.*)\}, (\w+)\)")


def findings(boards: Mapping[str, Json], plan: Plan) -> Iterator[str]:
    """Everything in which the dashboards differ from the plan."""
    for uid, board in boards.items():
        wanted = {panel.title: panel for panel in registry.dashboards()[uid].panels}
        yield from _top(board, uid, plan)
        yield from _lines(board, uid, plan)
        yield from _marks(board, uid, plan)
        yield from _of_others(board, plan)
        for panel in board["panels"]:
            if panel["type"] in ("row", "text", "logs"):
                continue
            found = (*_panel(panel, wanted[panel["title"]], plan), *_data_links(panel, boards, uid, plan.has_loki))
            yield from (f"{uid}, {panel['title']}: {one}" for one in found)


def _alerts(panel: Panel, plan: Plan) -> list[Alert]:
    return [alert for signal in panel.signals for alert in plan.of(signal)]


def _panel(panel: Json, wanted: Panel, plan: Plan) -> Iterator[str]:
    defaults, alerts = panel["fieldConfig"]["defaults"], _alerts(wanted, plan)
    units = {UNITS[alert.signal.unit] for alert in alerts} or {UNITS[wanted.unit]}
    if {defaults["unit"]} != units:
        yield f"the unit is {defaults['unit']}, not {units}"
    if panel["type"] == "heatmap" and panel["options"]["yAxis"]["unit"] != UNITS[wanted.unit]:
        yield f"the buckets' unit is {panel['options']['yAxis']['unit']}"
    # What may be below 0 are rates of change; of a share the whole is 1.
    least = None if wanted.unit in ("per_second", "moment") else 0
    most = 1 if panel["type"] == "gauge" and wanted.unit == "ratio" else None
    if (defaults.get("min"), defaults.get("max")) != (least, most):
        yield f"drawn from {defaults.get('min')} to {defaults.get('max')}"
    if panel["options"].get("reduceOptions", {}).get("calcs", [wanted.calc]) != [wanted.calc]:
        yield f"shows {panel['options']['reduceOptions']['calcs']}, not {wanted.calc}"
    yield from _thresholds(panel, alerts)
    yield from _own_limits(panel, alerts)
    yield from _said(panel, alerts, plan)
    yield from _datasources(panel, "prometheus")


def _thresholds(panel: Json, alerts: Sequence[Alert]) -> Iterator[str]:
    """Just below and just above every limit, and every step, the colour is that of the worst alert that fires there."""
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    limits = [(float(a.threshold), a) for a in alerts if a.threshold is not None and not a.overrides]
    edges = {*(limit for limit, _ in limits), *(step["value"] for step in steps if step["value"] is not None)}
    for edge in sorted(edges):
        for value in (edge - abs(edge) / 1e6 - 1e-9, edge + abs(edge) / 1e6 + 1e-9):
            above = value > edge
            firing = [a.severity for limit, a in limits if (value > limit) == (a.signal.bad_when == "above")]
            wanted = COLOURS[max(firing, key=SEVERITIES.index)] if firing else "green"
            drawn = next((s["color"] for s in reversed(steps) if s["value"] is None or value >= s["value"]), "none")
            # A panel without alerts says by its steps what its numbers mean: shown.yaml has the colours.
            if drawn != wanted and limits:
                yield f"just {'above' if above else 'below'} {edge:g} it is {drawn}, not {wanted}"
    if panel["type"] == "timeseries":
        mode = panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"]
        if mode != ("line" if limits else "off"):
            yield f"limits are drawn as {mode}"


def _own_limits(panel: Json, alerts: Sequence[Alert]) -> Iterator[str]:
    """Each severity with limits of a queue's or task's own is a query more, dashed in its colour."""
    fixed = {
        one["matcher"]["options"]: {p["id"]: p["value"] for p in one["properties"]}
        for one in panel["fieldConfig"]["overrides"]
    }
    for alert in alerts if panel["type"] == "timeseries" else ():
        which = f'severity="{alert.severity}",signal="{alert.signal.id}"'
        other = f'signal="{alert.signal.id}",severity="{alert.severity}"'
        drawn = [
            t
            for t in panel["targets"]
            if "celery:threshold{" in t["expr"] and (which in t["expr"] or other in t["expr"])
        ]
        if len(drawn) != bool(alert.overrides):
            yield f"{len(drawn)} lines for limits of {alert.signal.id} {alert.severity}"
        for target in drawn:
            style = fixed.get(target["refId"], {})
            if style.get("color", {}).get("fixedColor") != COLOURS[alert.severity] or "custom.lineStyle" not in style:
                yield f"the line of {alert.severity} is drawn as {style}"
            if target["legendFormat"] != f"{alert.severity} limit {{{{{alert.signal.overrides}}}}}":
                yield f"the line of {alert.severity} is called {target['legendFormat']}"


def _said(panel: Json, alerts: Sequence[Alert], plan: Plan) -> Iterator[str]:
    """The alerts with their numbers in words, and their runbooks."""
    found = {name: set(said.split(", ")) for name, said in _ALERT.findall(panel["description"])}
    wanted: dict[str, set[str]] = {}
    for alert in alerts:
        own = f" (other limits for {len(alert.overrides)})" if alert.overrides else ""
        wanted.setdefault(alert.signal.alert, set()).add(f"{alert.severity} {alert.words}{own}")
    if {word for said in found.values() for word in said} != {word for said in wanted.values() for word in said}:
        yield f"it says {found}, not {wanted}"
    if set(found) != set(wanted):
        yield f"it speaks of {sorted(found)}, not {sorted(wanted)}"
    base = plan.spec.links.runbooks.rstrip("/")
    pages = {f"{base}/{name}.md" for name in wanted}
    named = set(re.findall(r"^Runbook: (.*)$", panel["description"], re.MULTILINE))
    linked = {link["url"] for link in panel.get("links", ())}
    if named != pages or linked != (pages if "://" in base else set()):
        yield f"its runbooks are {sorted(named | linked)}, not {sorted(pages)}"
    for link in panel.get("links", ()):
        if link["title"] != f"Runbook: {link['url'].rpartition('/')[2].removesuffix('.md')}":
            yield f"the link {link['title']} leads to {link['url']}"


def _datasources(panel: Json, kind: str) -> Iterator[str]:
    for one in (panel, *panel["targets"]):
        if one["datasource"] != {"type": kind, "uid": f"${{{kind}_datasource}}"}:
            yield f"it asks {one['datasource']}"


def _data_links(panel: Json, boards: Mapping[str, Json], uid: str, wanted: bool) -> Iterator[str]:
    """Links from what is drawn lead to a panel of lines, of the same queue, task or worker."""
    places: list[tuple[str, Json]] = [("", link) for link in panel["fieldConfig"]["defaults"].get("links", ())]
    for one in panel["fieldConfig"]["overrides"]:
        links = (link for p in one["properties"] if p["id"] == "links" for link in p["value"])
        places += [(one["matcher"]["options"], link) for link in links]
    drawn = " ".join(t["legendFormat"] if panel["type"] == "timeseries" else t["expr"] for t in panel["targets"])
    form = "{{{{{}}}}}" if panel["type"] == "timeseries" else "by ({})"
    able = [name for name in registry.dashboards()[uid].variables if form.format(name) in drawn]
    if wanted and panel["type"] in ("timeseries", "table") and len(places) != len(able):
        yield f"{len(places)} links to the log lines of {able}"
    for column, link in places:
        parts = urlsplit(link["url"])
        asked = parse_qs(parts.query)
        board = next((one for one in boards.values() if f"/d/{one['uid']}" == parts.path), {})
        names = {v["name"] for v in board.get("templating", {}).get("list", ())}
        number = int(asked.get("viewPanel", ["0"])[0])
        kinds = [p["type"] for p in board.get("panels", ()) if p["id"] == number]
        (name,) = [key.removeprefix("var-") for key in asked if key.startswith("var-")] or [""]
        value = f"${{__data.fields.{name}}}" if column else f"${{__field.labels.{name}}}"
        if kinds != ["logs"] or name not in names or asked[f"var-{name}"] != [value] or column not in ("", name):
            yield f"the link {link['title']} leads to {link['url']}"
        if link["title"] != f"Log lines of this {name}" or not link["url"].endswith("&${__url_time_range}"):
            yield f"the link {link['title']} leads to {link['url']}"
        if not column and not all(f"{{{{{name}}}}}" in t["legendFormat"] for t in panel["targets"]):
            yield f"{link['title']}: the lines have no {name}"


def _ours(name: str, plan: Plan) -> str:
    """A name that no other stack's files have."""
    return f"{name}-{plan.spec.stack.name}-{plan.spec.stack.environment}"


def _top(board: Json, uid: str, plan: Plan) -> Iterator[str]:
    """What can be chosen: every value of a label of this stack's series, several, and all; and the other dashboards."""
    names = [one["name"] for one in board["templating"]["list"]]
    able = {label for name in plan.chosen for label in registry.series()[name].labels}
    wanted = ["prometheus_datasource", *(["loki_datasource"] if plan.has_loki else [])]
    wanted += [name for name in registry.dashboards()[uid].variables if name in able]
    if names != wanted:
        yield f"{uid}: {names} can be chosen, not {wanted}"
    others = [(link["type"], link["tags"], link["includeVars"]) for link in board["links"]]
    if others != [("dashboards", [_ours("celery-all", plan)], True)] or _ours("celery-all", plan) not in board["tags"]:
        yield f"{uid}: no way to the other dashboards: {board['links']}"
    for one in board["templating"]["list"]:
        if one["type"] != "query":
            kind = one["name"].removesuffix("_datasource")
            if one["query"] != kind or one["current"]["value"] != _ours(f"celery-{kind}", plan):
                yield f"{one['name']} chooses {one['query']} {one['current']}"
            continue
        found = _VALUES.fullmatch(one["query"])
        series = registry.series().get(found[1]) if found else None
        stack = plan.spec.stack
        identity = {f'stack="{stack.name}"', f'environment="{stack.environment}"'}
        if not found or series is None or one["name"] != found[3] or found[3] not in series.labels:
            yield f"{one['name']} is chosen from {one['query']}"
        elif set(found[2].split(",")) != identity or one["definition"] != one["query"]:
            yield f"{one['name']} is chosen from {one['query']} {one['definition']}"
        if not (
            one["multi"] and one["includeAll"] and one["allValue"] == ".*" and one["current"]["value"] == ["$__all"]
        ):
            yield f"{one['name']}: All is {one['allValue']}"
        if one["datasource"]["uid"] != "${prometheus_datasource}":
            yield f"{one['name']} is asked of {one['datasource']}"


def _lines(board: Json, uid: str, plan: Plan) -> Iterator[str]:
    """The lines of the log are those of this stack, of what is chosen."""
    dashboard = registry.dashboards()[uid]
    names = [v["name"] for v in board["templating"]["list"] if v["type"] == "query"]
    for panel in (panel for panel in board["panels"] if panel["type"] == "logs"):
        wanted = logql.lines(dashboard.lines.filter, logs.selector(plan)) + logql.chosen(names)
        if [target["expr"] for target in panel["targets"]] != [wanted]:
            yield f"{uid}: its lines are {panel['targets']}"
        yield from _datasources(panel, "loki")


def _marks(board: Json, uid: str, plan: Plan) -> Iterator[str]:
    """Drawn is when an alert of this dashboard fired, and no other."""
    ours = {s.id for s in plan.metric_signals if s.dashboard == uid and not s.always}
    for mark in board["annotations"]["list"]:
        found = re.search(r'signal=~"([^"]*)"', mark["expr"])
        if not found or set(found[1].split("|")) != (ours or {"none"}) or not mark["enable"]:
            yield f"{uid}: {mark['name']} are {mark['expr']}"
        if mark["datasource"] != {"type": "prometheus", "uid": "${prometheus_datasource}"}:
            yield f"{uid}: {mark['name']} are asked of {mark['datasource']}"


def _of_others(board: Json, plan: Plan) -> Iterator[str]:
    """Recorded series and alerts that need not be this stack's: Prometheus may hold those of others beside them."""
    stack = plan.spec.stack
    identity = {f'stack="{stack.name}"', f'environment="{stack.environment}"'}
    exprs = [t["expr"] for panel in board["panels"] if panel["type"] != "logs" for t in panel.get("targets", ())]
    for expr in (*exprs, *(one["expr"] for one in board["annotations"]["list"])):
        for name, matchers in re.findall(r"(celery:[\w:]+|ALERTS\w*)(\{(?:[^\"}]|\"(?:[^\"\\\\]|\\\\.)*\")*\})?", expr):
            if not identity <= set(re.findall(r'\w+(?:=~|!~|!=|=)"[^"]*"', matchers)):
                yield f"{name}{matchers} may be another stack's"
