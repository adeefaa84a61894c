"""One dashboard as Grafana's classic JSON: the only form that every Grafana from 10 to 13 loads from a file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from stackgen.catalog import belonging, promql, registry
from stackgen.catalog.dashboard import MOST_OF_UID, Dashboard, board_uid, of_copies
from stackgen.catalog.series import SOURCE_UP
from stackgen.emitters.grafana import layout, lines, together
from stackgen.emitters.grafana.panels import DATASOURCE, Json, panel
from stackgen.resolve.available import missing, shown, view
from stackgen.resolve.plan import Plan

SCHEMA_VERSION = 42
"""Of Grafana's model: the last of the classic form; 43 is undefined."""
ALL = ".*"
"""What `All` stands for. Not `.+`: tasks whose source does not say their queue have no such label."""
_TAG = "celery"
_SHARED_CROSSHAIR = 1
_ALPHABETICAL = 1
_ON_TIME_RANGE_CHANGE = 2
_NOTE_HEIGHT = 4


def board(dashboard: Dashboard, plan: Plan) -> Json:
    """The dashboard's JSON for one stack, without the panels that the stack cannot fill."""
    return {
        "uid": board_uid(dashboard.id, plan.site),
        "title": dashboard.title if plan.among else plan.site.titled(dashboard.title),
        "description": dashboard.description,
        "tags": [_TAG, _tag(plan)],
        "schemaVersion": SCHEMA_VERSION,
        "editable": False,
        "graphTooltip": _SHARED_CROSSHAIR,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "links": [_other_dashboards(plan)],
        "annotations": {"list": [_firing(dashboard, plan)]},
        "templating": {"list": [*_datasources(plan), *_stacks(plan), *_variables(dashboard, plan)]},
        "panels": _panels(dashboard, plan),
    }


def _tag(plan: Plan) -> str:
    """What dashboards that belong together have."""
    return "celery-stacks" if plan.among else plan.site.named("all")


def _other_dashboards(plan: Plan) -> Json:
    return {
        "type": "dashboards",
        "title": "Celery",
        "tags": [_tag(plan)],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "icon": "external link",
        "tooltip": "",
        "url": "",
    }


def _firing(dashboard: Dashboard, plan: Plan) -> Json:
    """Marks on every panel for the time in which an alert of this dashboard fired."""
    ours = [s.id for s in plan.metric_signals if s.dashboard == dashboard.id and not s.always]
    return {
        "name": "Firing alerts",
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "red",
        "expr": belonging.narrowed(
            f'ALERTS{{alertstate="firing",signal=~"{"|".join(ours) or "none"}"}}',
            plan.site,
            chosen=of_copies(plan.site),
        ),
        "step": "60s",
        "titleFormat": "{{alertname}}",
        "textFormat": " ".join(
            (
                "{{severity}} {{queue}}{{task}}{{worker}}{{source}}",
                *(f"{{{{{name}}}}}" for name in plan.site.copies.labels),
            )
        ),
        "tagKeys": "severity,owner",
        "useValueForTime": False,
    }


def _datasources(plan: Plan) -> Iterator[Json]:
    """Prometheus's first."""
    yield _datasource("Prometheus", plan)
    if plan.has_loki:
        yield _datasource("Loki", plan)


def _datasource(title: str, plan: Plan) -> Json:
    """A choice among the data sources of a kind, named as Grafana's linter wants it."""
    return {
        "name": f"{title.lower()}_datasource",
        "label": f"{title} data source",
        "type": "datasource",
        "query": title.lower(),
        "current": _provided(title, plan),
        "hide": 0,
        "multi": False,
        "includeAll": False,
        "regex": "",
        "refresh": 1,
        "skipUrlSync": False,
    }


def _provided(title: str, plan: Plan) -> Json:
    """The data source that is chosen at first: ours, or what a Grafana of others takes by default."""
    if plan.spec.shares("grafana"):
        return {"text": "default", "value": "default"}
    return {"text": plan.site.titled(f"Celery {title}"), "value": plan.site.named(title.lower(), MOST_OF_UID)}


def _stacks(plan: Plan) -> Iterator[Json]:
    """The choice of one stack, then of one of its environments; at first, of those that the dashboards stand for."""
    if not plan.among:
        return
    first, known = plan.among[0].site, set.intersection(*(set(one.chosen) for one in plan.among))
    series = next((name for name in registry.series() if name in known), '{__name__=~"celery:.+"}')
    within = promql.narrow(series, f'stack="{together.STACK}"')
    yield _variable("stack", f"label_values({series}, stack)", first.stack)
    yield _variable("environment", f"label_values({within}, environment)", first.environment)


def _variables(dashboard: Dashboard, plan: Plan) -> Iterator[Json]:
    """Copies of the stack first: of the others only the values of the chosen ones are offered."""
    for name in (*plan.site.copies.labels, *dashboard.variables):
        if query := _values(name, plan):
            yield _variable(name, query)


def _variable(name: str, query: str, first: str | None = None) -> Json:
    """A choice among the values that Prometheus knows: of any of them, all at first; or of one, and which is first."""
    any_of_them: Json = {"multi": True, "includeAll": True, "allValue": ALL}
    chosen: Json = {"current": {"text": ["All"], "value": ["$__all"]}}
    if first is not None:
        any_of_them, chosen = {"multi": False, "includeAll": False}, {"current": {"text": first, "value": first}}
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": DATASOURCE,
        "query": query,
        "definition": query,
        "refresh": _ON_TIME_RANGE_CHANGE,
        "sort": _ALPHABETICAL,
        **any_of_them,
        **chosen,
        "hide": 0,
        "regex": "",
        "skipUrlSync": False,
    }


def _values(name: str, plan: Plan) -> str:
    """The query for the values of a variable; "" when no series of this stack has such a label."""
    site = plan.site
    if name in site.copies.labels:
        told = SOURCE_UP.name if any(job not in site.central for job in site.jobs.values()) else next(iter(plan.chosen))
        return belonging.narrowed(f"label_values({told}, {name})", site)
    able = (s.name for s in registry.series().values() if name in s.labels and s.name in plan.chosen)
    first = next(able, "")
    return belonging.narrowed(f"label_values({first}, {name})", site, chosen=of_copies(site)) if first else ""


def _panels(dashboard: Dashboard, plan: Plan) -> list[Json]:
    """Headings and panels in reading order, numbered in that order."""
    numbers, top, seen = count(1), 0, view(plan)
    made: list[Json] = []
    for row in dashboard.rows:
        panels = [found for one in row.panels if (found := shown(one, plan))]
        if not panels:
            continue
        made.append(_heading(row.title, next(numbers), top))
        top += 1
        for line in layout.lines(panels):
            places = layout.places(line, top)
            drawn = [panel(one, next(numbers), at, seen, plan) for one, at in zip(line, places, strict=True)]
            if plan.has_loki:
                drawn = [lines.leading(json, one, dashboard, plan) for json, one in zip(drawn, line, strict=True)]
            made += drawn
            top += places[0]["h"]
    if note := _note(dashboard, plan):
        made.append(_text(note, next(numbers), top))
        top += _note_height(note)
    chosen = [name for name in dashboard.variables if _values(name, plan)]
    return [*made, *lines.row(dashboard, chosen, top, plan)] if plan.has_loki else made


def _heading(title: str, number: int, top: int) -> Json:
    at = {"h": 1, "w": layout.COLUMNS, "x": 0, "y": top}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": at, "panels": []}


def _note(dashboard: Dashboard, plan: Plan) -> str:
    """What this stack does not measure or judge, and what would change that; "" when nothing is left out."""
    panels = [f"- **{title}**: {why}" for title, why in missing(dashboard, plan)]
    told = {signal.id for panel in dashboard.panels if not shown(panel, plan) for signal in panel.signals}
    off = [off for off in plan.off if off.signal.dashboard == dashboard.id and off.signal.id not in told]
    off = [one for one in off if not one.signal.log_count]
    alerts = [f"- **{o.signal.alert}** ({o.signal.title}): {o.reason}{f' ({o.hint})' if o.hint else ''}" for o in off]
    where = "any of these stacks" if plan.among else "this stack"
    parts = [(f"Not shown on {where}", panels), (f"Not judged on {where}", alerts)]
    return "\n\n".join(f"{heading}:\n\n" + "\n".join(lines) for heading, lines in parts if lines)


def _note_height(note: str) -> int:
    return max(_NOTE_HEIGHT, note.count("\n"))


def _text(note: str, number: int, top: int) -> Json:
    height = _note_height(note)
    return {
        "id": number,
        "type": "text",
        "title": "Left out",
        "description": "What this stack does not measure or judge, and what to change in stack.yaml.",
        "gridPos": {"h": height, "w": layout.COLUMNS, "x": 0, "y": top},
        "options": {"mode": "markdown", "content": note},
    }
