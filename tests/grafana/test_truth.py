"""Totals over the time range of a dashboard are the true number of events, by the real promtool."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from stackgen.catalog.series import TASK_DURATION_BUCKET, TASKS, Series
from stackgen.rules.build import groups, rule_file
from tests.contract.scrape import evaluate
from tests.grafana.boards import FULL, GUIDE, Board, boards_of, panels, plan_of
from tests.grafana.queries import concrete

_TARGET = 'job="celery-exporter",instance="celery-exporter:1"'
_TASK = f'name="a.b",hostname="w1",queue_name="celery",{_TARGET}'
_OF_WORKER = 'task="a.b",queue="celery",job="celery-worker",instance="w:1"'
_HOUR = "1h"


def _exact(panel: str, board: Board, query: int = 0) -> str:
    """A panel's query for everything and for the last hour, as Grafana would send it."""
    expr: str = panels(board)[panel]["targets"][query]["expr"]
    for name, value in (("$__range_s", "3600"), ("$__range", _HOUR), ("$task", ".*"), ("$queue", ".*")):
        expr = expr.replace(name, value)
    return expr


def _value(
    promtool: Path, folder: Path, fed: dict[str, str], panel: str, *, query: int = 0, counted: Series = TASKS
) -> list[float]:
    plan = plan_of(folder, GUIDE)
    rules = [
        {"record": rule.record, "expr": rule.expr, "labels": dict(rule.labels)}
        for group in groups(plan)
        if group.path in {rule_file("tasks", plan), rule_file("tasks_durations", plan)}
        for rule in group.recordings
    ]
    series = [{"series": f"up{{{_TARGET}}}", "values": "1x200"}]
    for name, values in fed.items():
        labels = _OF_WORKER if "_duration_" in name else _TASK
        series.append({"series": f"{name}{labels}}}", "values": values})
    board = next(board for board in boards_of(plan).values() if panel in panels(board))
    expr = _exact(panel, board, query)
    return list(
        evaluate(promtool, folder, rules, series, expr, at="98m", every=f"{plan.site.every(counted)}s").values()
    )


@pytest.mark.promtool
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("0+30x200", 3600),  # one a second
        ("5x120 55x80", 50),  # fifty at once, forty minutes ago
        ("_x120 0+30x40 1200x40", 1200),  # twenty minutes of work, by a worker that was born forty minutes ago
    ],
)
def test_tasks_processed_is_the_true_number(promtool: Path, tmp_path: Path, values: str, expected: float) -> None:
    fed = {"celery_task_succeeded_total{": values}
    assert _value(promtool, tmp_path, fed, "Tasks Processed") == [pytest.approx(expected, rel=0.02)]


@pytest.mark.promtool
def test_tasks_by_state_adds_up(promtool: Path, tmp_path: Path) -> None:
    fed = {"celery_task_succeeded_total{": "0+30x200", 'celery_task_failed_total{exception="E",': "0+10x200"}
    got = _value(promtool, tmp_path, fed, "Tasks by State")
    assert sorted(got) == [pytest.approx(1200, rel=0.02), pytest.approx(3600, rel=0.02)]


@pytest.mark.promtool
def test_the_mean_duration_is_the_true_mean(promtool: Path, tmp_path: Path) -> None:
    fed = {
        "celery_task_duration_seconds_sum{": "0+45x200",
        'celery_task_duration_seconds_bucket{le="+Inf",': "0+30x200",
    }
    of = TASK_DURATION_BUCKET
    assert _value(promtool, tmp_path, fed, "Top Slowest Tasks", counted=of) == [pytest.approx(1.5, rel=0.01)]
    assert _value(promtool, tmp_path, fed, "Top Slowest Tasks", query=1, counted=of) == [pytest.approx(3600, rel=0.02)]


@pytest.mark.promtool
def test_the_share_of_failures_is_the_true_share(promtool: Path, tmp_path: Path) -> None:
    fed = {"celery_task_succeeded_total{": "0+30x200", 'celery_task_failed_total{exception="E",': "0+10x200"}
    assert _value(promtool, tmp_path, fed, "Top Failing Tasks", query=1) == [pytest.approx(0.25, rel=0.01)]
    assert _value(promtool, tmp_path, fed, "Task Success/Failure Rate") == [pytest.approx(0.75)]


@pytest.mark.promtool
def test_the_processing_rate_is_per_second(promtool: Path, tmp_path: Path) -> None:
    fed = {"celery_task_succeeded_total{": "0+30x200"}
    assert _value(promtool, tmp_path, fed, "Task Processing Rate") == [pytest.approx(1)]


@pytest.mark.promtool
def test_prometheus_itself_accepts_every_query(promtool: Path, tmp_path: Path) -> None:
    boards = boards_of(plan_of(tmp_path, FULL)).values()
    exprs = [t["expr"] for board in boards for panel in board["panels"] for t in panel.get("targets", [])]
    rules = [{"record": f"panel:query:{number}", "expr": concrete(expr)} for number, expr in enumerate(exprs)]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    done = subprocess.run(
        [promtool, "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
