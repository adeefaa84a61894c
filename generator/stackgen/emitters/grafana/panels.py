"""One panel as Grafana's JSON: what all panels have. What each kind has of its own is in kinds.py."""

from __future__ import annotations

from string import ascii_uppercase

from stackgen.catalog import belonging
from stackgen.catalog.dashboard import Panel, Query, View, of_copies
from stackgen.catalog.series import Unit
from stackgen.emitters.grafana import kinds, limits
from stackgen.emitters.grafana.layout import Place
from stackgen.resolve.plan import Plan

Json = dict[str, object]

DATASOURCE: Json = {"type": "prometheus", "uid": "${prometheus_datasource}"}


def unit(name: Unit | str) -> str:
    """Grafana's name of a unit."""
    match name:
        case "tasks" | "workers" | "count":
            return "short"
        case "ratio":
            return "percentunit"
        case "seconds":
            return "s"
        case "per_second":
            return "ops"
        case "moment":
            return "dateTimeFromNow"
        case _:
            return name


def panel(one: Panel, number: int, place: Place, view: View, plan: Plan) -> Json:
    """The panel's JSON."""
    drawn = limits.lines(one, view, plan) if one.kind == "timeseries" else []
    ids = _ids(len(one.queries) + len(drawn))
    targets = [_target(query, ref, one, view) for query, ref in zip(one.queries, ids, strict=False)]
    targets += [_line(line, ref, view) for line, ref in zip(drawn, ids[len(targets) :], strict=True)]
    made: Json = {
        "id": number,
        "type": one.kind,
        "title": one.title,
        "description": _description(one, plan),
        "datasource": DATASOURCE,
        "gridPos": place,
        "targets": targets,
        "fieldConfig": {"defaults": _defaults(one, plan), "overrides": _overrides(one, drawn, ids)},
        "options": kinds.options(one),
    }
    if links := _links(one, plan):
        made["links"] = links
    if one.kind == "table":
        made["transformations"] = kinds.transformations(one, ids)
    return made


def _ids(count: int) -> list[str]:
    """A, B … Z, AA, AB …: more than 26 never happen today, and would not be silent."""
    return [*ascii_uppercase, *(f"A{letter}" for letter in ascii_uppercase)][:count]


def _target(query: Query, ref: str, one: Panel, view: View) -> Json:
    shape = {"table": "table", "heatmap": "heatmap"}.get(one.kind, "time_series")
    legend = query.legend if shape != "table" else ""
    if legend and not query.together:
        legend = _of_copy(legend, view)
    expr = belonging.narrowed(query.expr(view), view.site, chosen=of_copies(view.site), together=query.together)
    return _query(expr, ref, legend, shape, at_end=query.at_end)


def _line(line: limits.Line, ref: str, view: View) -> Json:
    expr = belonging.narrowed(line.expr, view.site, chosen=of_copies(view.site))
    return _query(expr, ref, _of_copy(line.legend, view), "time_series", at_end=False)


def _of_copy(legend: str, view: View) -> str:
    """The legend with the copy of the stack that a line is of."""
    return " ".join((legend, *(f"{{{{{label}}}}}" for label in view.site.copies.labels)))


def _query(expr: str, ref: str, legend: str, shape: str, *, at_end: bool) -> Json:
    return {
        "refId": ref,
        "datasource": DATASOURCE,
        "expr": expr,
        "legendFormat": legend or "__auto",
        "format": shape,
        "instant": at_end,
        "range": not at_end,
        "editorMode": "code",
    }


def _description(one: Panel, plan: Plan) -> str:
    """What the panel shows, what its alerts say, and where their runbooks are."""
    books = [f"Runbook: {_book(alert, plan)}" for alert in _alerts(one, plan)]
    return "\n\n".join([one.description, *limits.words(one, plan), *books])


def _alerts(one: Panel, plan: Plan) -> list[str]:
    return [signal.alert for signal in limits.signals(one, plan)]


def _book(alert: str, plan: Plan) -> str:
    """The runbook's address, in which Grafana finds no variable."""
    if len({one.spec.links.runbooks for one in plan.among}) > 1:
        return f"{alert}.md, among the runbooks of the stack"
    return f"{plan.spec.links.runbooks.rstrip('/')}/{alert}.md".replace("$", "%24").replace("[[", "%5B%5B")


def _links(one: Panel, plan: Plan) -> list[Json]:
    """Links to runbooks that a browser can open; a path in a repository is only named in the description."""
    books = [(alert, _book(alert, plan)) for alert in _alerts(one, plan)]
    return [
        {"title": f"Runbook: {alert}", "url": book, "targetBlank": True}
        for alert, book in books
        if book.startswith(("http://", "https://"))
    ]


def _defaults(one: Panel, plan: Plan) -> Json:
    steps = limits.steps(one, plan)
    line = "line" if len(steps) > 1 else "off"
    made: Json = {
        "unit": unit(one.unit),
        "color": {"mode": kinds.color_mode(one)},
        "thresholds": {"mode": "absolute", "steps": steps},
        "custom": kinds.custom(one, line),
    }
    if one.unit not in ("per_second", "moment"):
        made["min"] = 0
    if one.unit == "ratio" and one.kind == "gauge":
        made["max"] = 1
    if one.states:
        made["mappings"] = [
            {
                "type": "value",
                "options": {
                    str(value): {"text": word, "color": color, "index": index}
                    for index, (value, word, color) in enumerate(one.states)
                },
            }
        ]
    return made


def _overrides(one: Panel, drawn: list[limits.Line], ids: list[str]) -> list[Json]:
    made = kinds.overrides(one)
    for query, ref in zip(one.queries, ids, strict=False):
        heading = query.legend if one.kind == "table" else ""
        wanted: list[Json] = []
        if query.unit:
            wanted.append({"id": "unit", "value": unit(query.unit)})
        if query.color:
            wanted.append(_colored(one, query.color))
        if wanted:
            made.append(_override("byName" if heading else "byFrameRefID", heading or ref, wanted))
    return made + [_dashed(line, ref) for line, ref in zip(drawn, ids[len(one.queries) :], strict=True)]


def _colored(one: Panel, color: str) -> Json:
    """A line has its colour always; a number only when it is not 0."""
    if one.kind == "stat":
        steps = [{"color": limits.GOOD, "value": None}, {"color": color, "value": 1}]
        return {"id": "thresholds", "value": {"mode": "absolute", "steps": steps}}
    return {"id": "color", "value": {"mode": "fixed", "fixedColor": color}}


def _override(matcher: str, which: str, properties: list[Json]) -> Json:
    return {"matcher": {"id": matcher, "options": which}, "properties": properties}


def _dashed(line: limits.Line, ref: str) -> Json:
    """A threshold is not a measurement: dashed, unfilled, and not in the legend."""
    return _override(
        "byFrameRefID",
        ref,
        [
            {"id": "color", "value": {"mode": "fixed", "fixedColor": limits.COLORS[line.severity]}},
            {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [10, 10]}},
            {"id": "custom.fillOpacity", "value": 0},
            {"id": "custom.hideFrom", "value": {"legend": True, "tooltip": False, "viz": False}},
        ],
    )
