"""What is counted where counts are easily lost, doubled or invented, by real promtools; see cases.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackgen.verify import tools
from tests.counting.feed import STACK, promtool_file, rules


@pytest.mark.promtool
@pytest.mark.parametrize("evaluation", [15, 30, 60])
def test_counts_are_right(evaluation: int, promtool: Path, tmp_path: Path) -> None:
    stack = tmp_path / "stack.yaml"
    stack.write_text(STACK.format(evaluation=evaluation), encoding="utf-8")
    (tmp_path / "rules.yaml").write_text(rules(stack), encoding="utf-8")
    (tmp_path / "counting.yaml").write_text(promtool_file(evaluation), encoding="utf-8")

    done = tools.run(promtool, "test", "rules", "counting.yaml", cwd=tmp_path)

    assert done.code == 0, done.err + done.out
