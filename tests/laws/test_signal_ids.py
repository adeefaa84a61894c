"""Nobody outside the catalogue asks for a signal by its id: what is special about a signal is a field of it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from stackgen.catalog import registry

PACKAGE = Path(__file__).resolve().parents[2] / "generator" / "stackgen"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in ("catalog", "app"))
ELSEWHERE = {"watchdog"}
"""Ids that are a key of stack.yaml too: `alerting.watchdog` names a receiver."""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_text_is_the_id_of_a_signal(path: Path) -> None:
    ids = set(registry.signals()) - ELSEWHERE
    texts = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Constant))
    assert [(node.lineno, node.value) for node in texts if node.value in ids] == []
