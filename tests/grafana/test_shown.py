"""Dashboards show what they should of data by hand, and agree with the plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.grafana import meant, shown
from tests.grafana.boards import STACKS, boards_of, plan_of


@pytest.mark.promtool
def test_each_panel_shows_what_the_data_says(repository: Path, tmp_path: Path) -> None:
    boards = boards_of(plan_of(tmp_path, STACKS["logs"]))
    # 3.x alone: 2.42 counts a sample more in each range, that of its left end.
    promtool = repository / ".tools" / "v3" / "usr" / "bin" / "promtool"
    known = shown.answers([one for board in boards.values() for one in shown.queries(board)], promtool, tmp_path)
    assert {uid: shown.seen(board, known) for uid, board in boards.items()} == shown.DATA["shows"]
    assert [one for board in boards.values() for one in shown.told_apart(board, known)] == []


@pytest.mark.parametrize("stack", STACKS)
def test_thresholds_units_words_and_links_are_the_plans(stack: str, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, STACKS[stack])
    assert [*meant.findings(boards_of(plan), plan)] == []
