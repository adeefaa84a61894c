"""What each kind of panel has of its own: Grafana's options, field settings and table columns.

Facts: models of grafana-foundation-sdk 0.0.21, which the tests read every dashboard with.
"""

from __future__ import annotations

from typing import assert_never

from stackgen.catalog.dashboard import Panel

Json = dict[str, object]

STATE_COLORS = {"SUCCESS": "green", "FAILURE": "red", "RETRY": "orange", "REVOKED": "purple", "REJECTED": "blue"}


def options(panel: Panel) -> Json:
    """The panel's `options`."""
    reduced: Json = {"reduceOptions": {"calcs": [panel.calc], "fields": "", "values": False}}
    match panel.kind:
        case "timeseries":
            return _timeseries()
        case "stat":
            return reduced | _stat("none" if panel.queries[0].at_end else "area")
        case "gauge":
            return reduced | {"showThresholdLabels": False, "showThresholdMarkers": True}
        case "piechart":
            return reduced | _pie()
        case "table":
            first = panel.queries[0].legend
            return {"showHeader": True, "cellHeight": "sm", "sortBy": [{"displayName": first, "desc": True}]}
        case "heatmap":
            return _heatmap(unit="s")
        case "state-timeline":
            return _states()
        case _:
            assert_never(panel.kind)


def _legend(mode: str, placement: str, *calcs: str, shown: bool = True) -> Json:
    return {"displayMode": mode, "placement": placement, "showLegend": shown, "calcs": list(calcs)}


def _timeseries() -> Json:
    return {
        "legend": _legend("table", "bottom", "lastNotNull", "max"),
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _stat(graph: str) -> Json:
    return {
        "colorMode": "value",
        "graphMode": graph,
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
        "wideLayout": True,
    }


def _pie() -> Json:
    return {
        "pieType": "pie",
        "displayLabels": ["percent"],
        "legend": {**_legend("table", "right"), "values": ["value", "percent"]},
        "tooltip": {"mode": "single", "sort": "none"},
    }


def _states() -> Json:
    return {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "left",
        "rowHeight": 0.9,
        "legend": _legend("list", "bottom", shown=False),
        "tooltip": {"mode": "single", "sort": "none"},
    }


def _heatmap(unit: str) -> Json:
    return {
        "calculate": False,
        "cellGap": 1,
        "color": {
            "mode": "scheme",
            "scheme": "Oranges",
            "fill": "dark-orange",
            "scale": "exponential",
            "exponent": 0.5,
            "steps": 64,
            "reverse": False,
        },
        "yAxis": {"axisPlacement": "left", "unit": unit},
        "rowsFrame": {"layout": "auto"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "showValue": "never",
        "tooltip": {"mode": "single", "yHistogram": False},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
    }


def color_mode(panel: Panel) -> str:
    """How a value gets its colour: by its threshold or meaning, or one colour for each line."""
    return "thresholds" if panel.kind in ("gauge", "stat", "state-timeline") else "palette-classic"


def custom(panel: Panel, threshold_line: str) -> Json:
    """The panel's `fieldConfig.defaults.custom`; `threshold_line` is line or off."""
    match panel.kind:
        case "timeseries":
            return {
                "drawStyle": "line",
                "lineWidth": 1,
                "fillOpacity": 30 if panel.stacked else 5,
                "showPoints": "never",
                "spanNulls": False,
                "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
                "thresholdsStyle": {"mode": threshold_line},
            }
        case "table":
            return {"align": "auto", "inspect": False}
        case "state-timeline":
            return {"lineWidth": 0, "fillOpacity": 70}
        case "stat" | "gauge" | "piechart" | "heatmap":
            return {}
        case _:
            assert_never(panel.kind)


def overrides(panel: Panel) -> list[Json]:
    """Colours of task states, the same wherever states are drawn."""
    if not any(query.legend == "{{state}}" for query in panel.queries):
        return []
    return [
        {
            "matcher": {"id": "byName", "options": state},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}],
        }
        for state, color in STATE_COLORS.items()
    ]


def transformations(panel: Panel, ids: list[str]) -> list[Json]:
    """One row for each task, queue or alert, one column for each query, named by its heading."""
    headings = [query.legend for query in panel.queries]
    values = ["Value"] if len(headings) == 1 else [f"Value #{ref}" for ref in ids]
    hidden = panel.hidden or ("Time",)
    return [
        {"id": "merge", "options": {}},
        {
            "id": "organize",
            "options": {
                "excludeByName": dict.fromkeys(hidden, True),
                "indexByName": {},
                "renameByName": dict(zip(values, headings, strict=False)),
            },
        },
    ]
