"""What is counted where counts are easily lost, doubled or invented, by real promtools; see cases.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackgen.catalog.series import TASK_DURATION_BUCKET, TASKS, TASKS_NEW, Series
from stackgen.verify import tools
from tests.counting.feed import STACK, promtool_file, rules


@pytest.mark.promtool
@pytest.mark.parametrize("series", [TASKS, TASKS_NEW, TASK_DURATION_BUCKET], ids=lambda series: series.name)
@pytest.mark.parametrize(("evaluation", "slow"), [(15, 30), (30, 60), (60, 120)])
def test_counts_are_right(series: Series, evaluation: int, slow: int, promtool: Path, tmp_path: Path) -> None:
    stack = tmp_path / "stack.yaml"
    stack.write_text(STACK.format(evaluation=evaluation, slow=slow), encoding="utf-8")
    (tmp_path / "rules.yaml").write_text(rules(stack, series), encoding="utf-8")
    asked = promtool_file(series, {None: evaluation, "losses": slow, "durations": 2 * slow}[series.slow])
    (tmp_path / "counting.yaml").write_text(asked, encoding="utf-8")

    done = tools.run(promtool, "test", "rules", "counting.yaml", cwd=tmp_path)

    assert done.code == 0, done.err + done.out
