"""Stacks that live beside each other, and the promtool files over the rules of two of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.mutation.judge import rendered

SHOP = """
version: 1
stack: {name: shop, owner: shop-team}
celery: {app: shop, broker: {kind: redis}}
queues: {celery: {thresholds: {queue_length: {warning: 100, critical: 500}}}, mail: }
sources:
  - {name: celery-exporter, targets: ["shop-exporter:9808"]}
  - {name: redis, targets: ["shop-redis:9121"]}
"""


def files(text: str, folder: Path) -> dict[str, str]:
    """Rules and generated tests of a stack.yaml, by path below output/."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stack.yaml").write_text(text, encoding="utf-8")
    return rendered(folder / "stack.yaml")


def rules(made: Mapping[str, str], folder: Path) -> list[str]:
    """Writes the rule files of one stack; gives their paths as seen from the folder."""
    names = []
    for path, text in made.items():
        if path.startswith("prometheus/rules/"):
            (folder / Path(path).name).write_text(text, encoding="utf-8")
            names.append(Path(path).name)
    return names


def tests(made: Mapping[str, str]) -> dict[str, Any]:
    """The generated test files of one stack, by signal."""
    found = {Path(p).stem: yaml.safe_load(text) for p, text in made.items() if p.startswith("prometheus/tests/")}
    assert found
    return found
