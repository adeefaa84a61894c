"""Grafana's own models know every key we write: what they would drop, Grafana would ignore."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins

from tests.grafana.boards import STACKS, Board, boards_of, changed, plan_of

with warnings.catch_warnings():  # it prefers dashboards of version 2, which no file can hold without a wrapper
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.models.dashboard import Dashboard

_KINDS = {"timeseries", "stat", "gauge", "piechart", "table", "heatmap", "state-timeline", "text", "row", "logs"}


def _flat(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    match value:
        case dict() if value:
            for key, item in value.items():
                yield from _flat(item, f"{path}/{key}")
        case list() if value:
            for number, item in enumerate(value):
                yield from _flat(item, f"{path}/{number}")
        case _:
            yield path, value


def _lost(board: Board) -> dict[str, object]:
    """What is gone or different after the models read and wrote the dashboard."""
    register_default_plugins()
    written = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(board)))
    kept = dict(_flat(written))
    return {path: value for path, value in _flat(board) if path not in kept or kept[path] != value}


@pytest.mark.parametrize("stack", STACKS)
def test_grafanas_models_lose_nothing(tmp_path: Path, stack: str) -> None:
    boards = boards_of(plan_of(tmp_path, STACKS[stack]))
    assert {uid: lost for uid, board in boards.items() if (lost := _lost(board))} == {}


def test_a_misspelt_key_is_lost(tmp_path: Path) -> None:
    board = boards_of(plan_of(tmp_path, STACKS["guide"]))["celery-queues"]
    assert _lost(changed(board, "panels", 4, "options", "tooltips", value=1)) == {"/panels/4/options/tooltips": 1}


def test_only_kinds_that_every_grafana_has(tmp_path: Path) -> None:
    boards = boards_of(plan_of(tmp_path, STACKS["logs"]))
    assert {panel["type"] for board in boards.values() for panel in board["panels"]} <= _KINDS
