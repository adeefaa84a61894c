"""Threshold lines are the alerts' own numbers: one number, one place."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest

from stackgen.catalog import registry
from stackgen.catalog.dashboard import completed
from stackgen.catalog.signal import Signal
from stackgen.resolve.plan import Plan
from stackgen.rules.build import groups, value
from stackgen.rules.model import Alerting
from tests.grafana.boards import FULL, GUIDE, SMALLEST, STACKS, Panel, boards_of, panels, plan_of

_COMPARED = re.compile(r" [<>] (?:on \(\w+\) )?(celery:threshold\{[^}]*\}|[0-9.]+)")


def _alerts(plan: Plan) -> list[Alerting]:
    found = [rule for group in groups(plan) for rule in group.alerts if rule.alert.signal.id != "watchdog"]
    assert found
    return found


def _showing(rule: Alerting, plan: Plan) -> list[Panel]:
    """The panels on the alert's dashboard that draw its value and say its name."""
    signal = rule.alert.signal
    assert isinstance(signal, Signal)
    name = value(signal, plan).partition("{")[0]
    board = boards_of(plan)[signal.dashboard]
    return [
        panel
        for panel in panels(board).values()
        if f"Alert {signal.alert}:" in panel["description"] and any(name in t["expr"] for t in panel["targets"])
    ]


def _numbers(panel: Panel) -> set[Fraction]:
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return {Fraction(str(step["value"])) for step in steps if step["value"] is not None}


@pytest.mark.parametrize("stack", STACKS)
def test_every_alert_has_a_panel_on_the_dashboard_it_links_to(tmp_path: Path, stack: str) -> None:
    plan = plan_of(tmp_path, STACKS[stack])
    shown = {rule.alert.signal.id for rule in _alerts(plan) if _showing(rule, plan)}
    # What is drawn for it are the workers of every queue, not only of those that hold tasks.
    assert {rule.alert.signal.id for rule in _alerts(plan)} - shown <= {"queue_no_consumers"}


@pytest.mark.parametrize("stack", ["guide", "full", "everything"])
def test_lines_are_drawn_where_alerts_compare(tmp_path: Path, stack: str) -> None:
    plan = plan_of(tmp_path, STACKS[stack])
    wrong = []
    for rule in _alerts(plan):
        compared = _COMPARED.search(rule.expr)
        assert compared, rule.expr
        for panel in (p for p in _showing(rule, plan) if p["type"] == "timeseries"):
            if compared[1].startswith("celery:"):
                inner = compared[1].removesuffix("}")
                drawn = any(t["expr"].startswith(inner) for t in panel["targets"])
            else:
                drawn = Fraction(compared[1]) in _numbers(panel)
                drawn &= panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"] == "line"
            if not drawn:
                wrong.append((rule.name, panel["title"], compared[1]))
    assert wrong == []


def test_a_threshold_series_is_dashed_in_the_colour_of_its_severity(tmp_path: Path) -> None:
    panel = panels(boards_of(plan_of(tmp_path, FULL))["celery-queues"])["Queue Depth"]
    lines = [t for t in panel["targets"] if t["expr"].startswith("celery:threshold")]
    colors = {
        override["matcher"]["options"]: override["properties"][0]["value"]["fixedColor"]
        for override in panel["fieldConfig"]["overrides"]
    }
    assert [(t["legendFormat"], colors[t["refId"]]) for t in lines] == [
        ("warning limit {{queue}}", "orange"),
        ("critical limit {{queue}}", "red"),
    ]


@pytest.mark.parametrize(
    ("panel", "expected"),
    [
        ("Worker CPU Usage", [("green", None), ("orange", 0.815), ("red", 0.97)]),
        ("Active Workers", [("red", None), ("green", 3)]),
        ("Worker Uptime", [("blue", None), ("green", 300)]),
    ],
)
def test_each_range_has_the_colour_of_its_worst_severity(
    tmp_path: Path, panel: str, expected: list[tuple[str, float | None]]
) -> None:
    steps = panels(boards_of(plan_of(tmp_path, FULL))["celery-workers"])[panel]["fieldConfig"]["defaults"]
    assert [(step["color"], step["value"]) for step in steps["thresholds"]["steps"]] == expected


def test_a_signal_that_is_off_keeps_its_panel_without_a_line(tmp_path: Path) -> None:
    stack = SMALLEST.replace("SOURCES", "celery-exporter") + "thresholds: {queue_growth: {enabled: false}}\n"
    panel = panels(boards_of(plan_of(tmp_path, stack))["celery-queues"])["Queue Growth Rate"]
    assert panel["targets"][0]["expr"] == (
        'topk(20, (deriv(celery:queue_length:max{environment="production",stack="lab",queue=~"$queue"}[5m])))'
    )
    assert [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]] == [None]


def test_a_panel_tells_its_alert_in_words(tmp_path: Path) -> None:
    panel = panels(boards_of(plan_of(tmp_path, GUIDE))["celery-queues"])["Queue Depth"]
    assert "Alert CeleryQueueBacklog: warning above 1000 for 10m, critical above 5000 for 10m." in panel["description"]


def test_a_signal_that_no_panel_shows_gets_one_in_a_last_row() -> None:
    board = registry.dashboards()["celery-tasks"]
    without = board._replace(rows=board.rows[:1])
    shown = {signal.id for panel in completed(without, registry.signals().values()).panels for signal in panel.signals}
    assert shown >= {
        signal.id for signal in registry.signals().values() if signal.dashboard == board.id and not signal.log_count
    }
