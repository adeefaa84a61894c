"""Holds what was read against what must have been written, and each line against the declared fields."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from stackgen.catalog.logs.line import FIELDS, Kind

KINDS: Mapping[str, Kind] = {field.path: field.kind for field in FIELDS}
MAYBE_NULL = frozenset({"celery.task.name", "celery.task.id"})
"""Of a message that is no task, nobody knows these."""


class Event(NamedTuple):
    """Something that a task does once: `action` is event.action, or the text of a line that it writes itself."""

    task: str
    attempt: int
    action: str


class Tally(NamedTuple):
    """Events that were written and read; `strange` were read, and no task can have written them."""

    written: int
    read: int
    lost: tuple[Event, ...]
    duplicated: tuple[Event, ...]
    strange: tuple[Event, ...]

    @property
    def exact(self) -> bool:
        """Whether each event was read exactly once."""
        return not (self.lost or self.duplicated or self.strange)


def parsed(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    """Every line as JSON. Raises AssertionError for one that is no JSON object."""
    found = []
    for line in lines:
        try:
            fields = json.loads(line)
        except ValueError as error:
            message = f"not JSON: {line[:200]!r}"
            raise AssertionError(message) from error
        assert isinstance(fields, dict), line[:200]
        found.append(fields)
    return found


def events(read: Iterable[Mapping[str, Any]], own: Iterable[str] = ()) -> Iterator[Event]:
    """What happened to tasks, and what they wrote themselves, if it is one of `own` texts."""
    texts = frozenset(own)
    for line in read:
        task = line.get("celery", {}).get("task", {})
        action = line.get("event", {}).get("action")
        if action or line.get("message") in texts:
            yield Event(str(task.get("id")), int(task.get("retries") or 0), action or line["message"])


def tally(written: Iterable[Event], read: Iterable[Event]) -> Tally:
    """The two held against each other."""
    expected, found = Counter(written), Counter(read)
    assert set(expected.values()) <= {1}, "what must be written is a set"
    return Tally(
        written=expected.total(),
        read=found.total(),
        lost=tuple(sorted(expected.keys() - found.keys())),
        duplicated=tuple(sorted(event for event, count in found.items() if count > 1)),
        strange=tuple(sorted(found.keys() - expected.keys())),
    )


def wrong_fields(line: Mapping[str, Any]) -> list[str]:
    """Fields that are not declared, or whose value is not of the declared type."""
    return [f"{name}: {value!r}" for name, value in _flat(line) if not _fits(name, value)]


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if isinstance(inner, dict) and KINDS.get(name) not in ("flattened", "object"):
            yield from _flat(inner, f"{name}.")
        else:
            yield name, inner


def _fits(name: str, value: object) -> bool:
    match KINDS.get(name):
        case None:
            return False
        case "date":
            return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
        case "long":
            return type(value) is int
        case "double":
            return type(value) in (int, float)
        case "flattened" | "object":
            return isinstance(value, dict) and all(isinstance(inner, str) for inner in value.values())
        case "keyword" if isinstance(value, list):
            return all(isinstance(one, str) for one in value)
        case "keyword" | "constant_keyword" | "match_only_text" | "wildcard":
            return isinstance(value, str) or (value is None and name in MAYBE_NULL)
