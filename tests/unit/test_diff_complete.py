"""Every key of plan.json is told by `diff` when it changes, or is known to follow from another that is."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stackgen.diff.compare import compare
from stackgen.pipeline import prepare
from stackgen.resolve import plan_file

REPOSITORY = Path(__file__).resolve().parents[2]
NAMED = {"alerts", "off", "queues", "tasks", "sources", "series", "receivers", "mute_times"}
FOLLOWS = {
    # from the alert's own key, its numbers, and what the catalogue says of the signal
    *(f"alerts.*.{key}" for key in ("signal", "severity", "title", "condition", "by", "value")),
    # of the same number, told where the number is
    *(f"alerts.*.origins.{key}" for key in ("threshold", "for", "keep_firing_for", "min_tasks", "min_failures")),
    # from `stack`, `routes`, `sources`, `series` and `links`
    *(f"alerts.*.{key}" for key in ("owner", "receiver", "sources", "series", "runbook_url", "dashboard_url")),
    *("sources.*.title", "sources.*.series", "sources.*.brought_by"),
    *(f"series.*.{key}" for key in ("meaning", "unit", "labels", "metrics")),
    # from the broker's own keys, and from `sources`
    "series.*.others",
    # told with the alert that is no longer judged, or where a setting brings it
    *(f"off.*.{key}" for key in ("alert", "reason", "hint")),
    # the override of the alert that reads it is told
    *("queues.*.min_workers", "tasks.*.period"),
    # each shipper has a line of its own
    "logs.shippers",
    # a section that comes is told by what it brings
    "kubernetes",
}


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    else:
        yield path


def _pattern(path: tuple[str, ...]) -> str:
    return ".".join("*" if number == 1 and path[0] in NAMED else name for number, name in enumerate(path))


DATA: dict[str, Any] = plan_file.as_json(prepare(REPOSITORY / "tests" / "specs" / "valid" / "everything.yaml").plan)
PLACES = {_pattern(path): path for path in _leaves(DATA) if path != ("format",)}
"""One place for each key."""


def _changed(value: object) -> object:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case list():
            return [*value, "more"]
        case dict():
            return {"more": {"critical": "more"}}
        case _:
            return f"{value} more"


@pytest.mark.parametrize("pattern", sorted(PLACES))
def test_a_key_that_changes_is_told_or_follows(pattern: str) -> None:
    old = copy.deepcopy(DATA)
    *way, last = PLACES[pattern]
    place: Any = old
    for name in way:
        place = place[name]
    place[last] = _changed(place[last])
    told = compare({plan_file.PATH: json.dumps(old)}, {plan_file.PATH: json.dumps(DATA)}).changes
    assert bool(told) != (pattern in FOLLOWS), told


def test_nothing_follows_that_is_no_key() -> None:
    assert set(PLACES) >= FOLLOWS
