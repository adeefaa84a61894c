"""Two branches that change different things meet in one commit: real git, real runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from stackgen.load import load
from stackgen.pipeline import generate
from stackgen.write import since_generated

STACK = """\
version: 1
stack: {name: shop}
celery: {app: shop, broker: {kind: redis}}
queues:
  celery:
  mail:
tasks:
  shop.report:
thresholds:
  queue_length:
    critical: 5000
  task_failure_ratio:
    critical: 20%
# Without compose, whose file holds a hash of what Prometheus mounts: two branches that change rules conflict there.
outputs: [prometheus, alertmanager, grafana, runbooks, docs, schema]
"""
EDITS = {
    "another queue": ("  celery:\n", "  celery:\n  bulk:\n"),
    "a queue's limit": ("  mail:\n", "  mail: {thresholds: {queue_length: {critical: 7000}}}\n"),
    "a threshold": ("critical: 5000", "critical: 6000"),
    "another signal's threshold": ("critical: 20%", "critical: 30%"),
    "a task's period": ("  shop.report:\n", "  shop.report: {period: 1h}\n"),
}
PAIRS = [
    ("another queue", "a threshold"),
    ("a queue's limit", "a task's period"),
    ("a threshold", "another signal's threshold"),
]


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    names = ("-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *names, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def _commit(folder: Path, text: str) -> None:
    (folder / "stack.yaml").write_text(text)
    generate(folder / "stack.yaml", folder / "output")
    _git(folder, "add", "-A")
    assert _git(folder, "commit", "-m", "x").returncode == 0


def _branches(folder: Path, one: str, other: str) -> None:
    _git(folder, "init", "-b", "main")
    _commit(folder, STACK)
    for name in (one, other):
        _git(folder, "checkout", "-b", name.replace(" ", "-"), "main")
        _commit(folder, STACK.replace(*EDITS[name]))


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_the_manifest_of_two_branches_merges(tmp_path: Path, one: str, other: str) -> None:
    _branches(tmp_path, one, other)
    _git(tmp_path, "merge", one.replace(" ", "-"))
    assert "output/MANIFEST.json" not in _git(tmp_path, "diff", "--name-only", "--diff-filter=U").stdout
    found = since_generated(tmp_path / "output", spec_sha256="0" * 64)
    assert [p.message for p in found] == ["was joined by git from two branches"]


def test_after_a_merge_the_next_run_needs_no_force(tmp_path: Path) -> None:
    _branches(tmp_path, "a task's period", "another queue")
    assert _git(tmp_path, "merge", "a-task's-period").returncode == 0
    generate(tmp_path / "stack.yaml", tmp_path / "output")
    assert since_generated(tmp_path / "output", spec_sha256=load(tmp_path / "stack.yaml").sha256) == []


def test_a_manifest_with_markers_of_a_conflict_is_read_as_both_sides(tmp_path: Path) -> None:
    _branches(tmp_path, "a task's period", "another queue")
    (tmp_path / "output/.gitattributes").unlink()
    _git(tmp_path, "commit", "-am", "without it")
    _git(tmp_path, "merge", "a-task's-period")
    assert "<<<<<<<" in (tmp_path / "output/MANIFEST.json").read_text()
    generate(tmp_path / "stack.yaml", tmp_path / "output")
    assert since_generated(tmp_path / "output", spec_sha256=load(tmp_path / "stack.yaml").sha256) == []
