"""What Prometheus says of births that nobody saw; agreement.py asks VictoriaMetrics the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackgen.verify import tools
from tests.mutation.judge import rendered
from tests.rulers.agreement import BIRTHS
from tests.sources.stacks import stack


@pytest.mark.promtool
def test_prometheus_counts_no_birth_that_is_as_old_as_its_exporter(promtool: Path, tmp_path: Path) -> None:
    rules = {path: text for path, text in rendered(stack("celery-exporter", tmp_path)).items() if "us/rules/" in path}
    (tmp_path / "rules").mkdir()
    for path, text in {**rules, BIRTHS.name: BIRTHS.read_text(encoding="utf-8")}.items():
        (tmp_path / path.removeprefix("prometheus/")).write_text(text, encoding="utf-8")
    done = tools.run(promtool, "test", "rules", BIRTHS.name, cwd=tmp_path)
    assert done.code == 0, done.err + done.out
