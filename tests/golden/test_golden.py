"""Whole trees for a few stacks, compared byte for byte; `make golden` rewrites them, and the diff is read in review.

They hold the options of Alloy, Loki, Filebeat, Grafana and compose that templates print: a wrong one is seen in
review, or by the program itself. output/ is the golden of this repository's own stack, dashboards included. The
generated unit tests are left out: promtool judges them, and they follow from the rules that stand here.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stackgen.pipeline import stage

HERE = Path(__file__).parent
SCENARIOS = sorted(path.parent for path in HERE.glob("*/stack.yaml"))
SHOWN = (
    "plan.json",
    "prometheus/prometheus.yml",
    "prometheus/rules/",
    "alertmanager/",
    "exporters/",
    "logs/",
    "flower/",
)
SHOWN += ("grafana/provisioning/", "docker-compose.yml", ".env.example")


def _rendered(scenario: Path) -> dict[str, str]:
    files = stage(scenario / "stack.yaml").files
    return {path: text for path, text in files.items() if path.startswith(SHOWN)}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)
def test_the_tree_is_as_it_was(scenario: Path, update_golden: bool) -> None:
    tree = scenario / "output"
    rendered = _rendered(scenario)
    if update_golden:
        shutil.rmtree(tree, ignore_errors=True)
        for path, text in rendered.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text, encoding="utf-8")
    held = {p.relative_to(tree).as_posix(): p.read_text(encoding="utf-8") for p in tree.rglob("*") if p.is_file()}
    assert rendered == held, "read the difference; if it is meant: make golden"
