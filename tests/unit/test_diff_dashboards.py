"""What changes in a dashboard is told in words; what follows from a change that is told anyway is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackgen.diff.compare import compare
from stackgen.diff.words import render
from stackgen.pipeline import stage
from tests.grafana.boards import GUIDE, SMALLEST, Board, changed

BOARD = "grafana/dashboards/celery-queues.json"
NAME = "dashboard Queue Monitoring"
DEPTH = 'topk ( 20 , celery:queue_length:max { queue =~ "$queue" } )'
REST = ("Time until the Queue Is Empty",)


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every file of the guide's stack."""
    return _files(tmp_path_factory.mktemp("guide"), GUIDE)


def _files(folder: Path, text: str) -> dict[str, str]:
    (folder / "stack.yaml").write_text(text)
    return {path: text for path, text in stage(folder / "stack.yaml").files.items() if not path.startswith("docs/")}


def _lines(old: dict[str, str], new: dict[str, str]) -> list[str]:
    found = render(compare(old, new), "text").splitlines()
    return [line for line in found if line.startswith(("panel ", "dashboard "))]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("panels", 4), None, [f"panel Queue Depth of {NAME}: removed"]),
        (("panels", 4, "type"), "stat", [f"panel Queue Depth of {NAME} kind timeseries → stat"]),
        (
            ("panels", 3, "title"),
            "Work",
            [f"panel {name} of {NAME} row Load → Work" for name in ("Queue Depth", "Queue Growth Rate", *REST)],
        ),
        (("panels", 4, "fieldConfig", "defaults", "unit"), "s", [f"panel Queue Depth of {NAME} unit short → s"]),
        (
            ("panels", 4, "targets", 0, "expr"),
            "up",
            [f"panel Queue Depth of {NAME}: expression changed ({DEPTH} → up)"],
        ),
        (("title",), "Celery / Queues", [f"{NAME}: removed", "dashboard Queues: new"]),
        (("refresh",), "1m", [f"{NAME} refresh 30s → 1m"]),
    ],
)
def test_a_changed_dashboard_is_told(
    guide: dict[str, str], path: tuple[str | int, ...], value: object, expected: list[str]
) -> None:
    board: Board = changed(json.loads(guide[BOARD]), *path, value=value)
    found = sorted(_lines(guide, {**guide, BOARD: json.dumps(board)}))
    assert [line for line in found if not line.startswith("panel Task")] == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("queue_length: {warning: 1000", "queue_length: {warning: 900"),
        ("thresholds:", "prometheus: {scrape_interval: 15s, evaluation_interval: 15s}\n\nthresholds:"),
        ("  priority:\n", "  priority: {thresholds: {queue_length: {warning: 77, critical: 7000}}}\n"),
        ("  dead_letter:\n    role: dead_letter\n", "  dead:\n    role: dead_letter\n  d2:\n    role: dead_letter\n"),
    ],
)
def test_what_follows_from_the_alerts_is_not_told_again(
    guide: dict[str, str], tmp_path: Path, old: str, new: str
) -> None:
    assert old in GUIDE
    files = _files(tmp_path, GUIDE.replace(old, new))
    assert files[BOARD] != guide[BOARD]
    assert _lines(guide, files) == []


def test_a_source_that_comes_brings_panels(guide: dict[str, str], tmp_path: Path) -> None:
    less = _files(tmp_path, SMALLEST.replace("SOURCES", "celery-exporter"))
    more = _files(tmp_path, SMALLEST.replace("SOURCES", "celery-exporter, worker"))
    assert _lines(less, more) == [
        "panel Task Wait Time, Distribution of dashboard Queue Monitoring: new",
        "panel Workers Started of dashboard Worker Overview: new",
        "dashboard Worker Overview variables: +worker",
        "panel Queues at a Glance of dashboard Queue Monitoring: expression changed",
    ]
