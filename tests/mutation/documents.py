"""Small mistakes in a generated document: the whole data once per mistake, whatever made it."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from stackgen.catalog import promql
from stackgen.spec.scalars import Duration

Path = tuple[str | int, ...]
GONE = object()
"""Stands for a value that is taken away."""
_WORDS = {
    "critical": "warning",
    "warning": "critical",
    "Firing": "Resolved",
    "Resolved": "Firing",
    "firing": "resolved",
    "resolved": "firing",
    "summary": "description",
    "description": "summary",
    "runbook_url": "dashboard_url",
    "dashboard_url": "runbook_url",
    "Runbook": "Dashboard",
    "Dashboard": "Runbook",
    "severity": "alertname",
    "alertname": "severity",
    "environment": "stack",
    "danger": "warning",
    "good": "danger",
    "toUpper": "toLower",
    "P1": "P3",
    "P3": "P5",
    "P5": "P1",
    "lt": "gt",
    "gt": "lt",
    "eq": "ne",
    "more": "less",
}
_TOKEN = re.compile(r"[A-Za-z_]+\d?|\d+|&\w+;|\\n")


@dataclass(frozen=True)
class Change:
    """One mistake, in words, and the whole document with it."""

    place: str
    what: str
    data: Any


Edit = tuple[Path, str, object]
"""Where, in words what, and the new value."""


def changes(data: Any, edits: Iterable[Edit]) -> Iterator[Change]:
    """The document with each of these edits."""
    for path, what, value in edits:
        made = copy.deepcopy(data)
        place = made
        for step in path[:-1]:
            place = place[step]
        if value is GONE:
            del place[path[-1]]
        else:
            place[path[-1]] = value
        yield Change("/".join(map(str, path)), what, made)


def walk(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value with its place, what holds others before what it holds."""
    yield path, data
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(data, dict):
        items = data.items()
    elif isinstance(data, list):
        items = enumerate(data)
    for key, value in items:
        yield from walk(value, (*path, key))


def without_one(path: Path, items: Sequence[Any]) -> Iterator[Edit]:
    """Each item of a list taken away."""
    yield from (((*path, number), f"{_short(item)} dropped", GONE) for number, item in enumerate(items))


def swapped(path: Path, items: Sequence[Any]) -> Iterator[Edit]:
    """Each two neighbours of a list in the other order."""
    for number in range(len(items) - 1):
        made = [*items[:number], items[number + 1], items[number], *items[number + 2 :]]
        yield path, f"{number} and {number + 1} swapped", made


def duration(path: Path, text: str) -> Iterator[Edit]:
    """Half as long, twice as long; half a minute instead of nothing."""
    seconds = Duration.of(text).seconds
    others = [promql.seconds(seconds / 2), promql.seconds(seconds * 2)] if seconds else ["30s"]
    yield from ((path, f"{text} -> {other}", other) for other in others)


def words(path: Path, text: str) -> Iterator[Edit]:
    """A text in which one word, number or escape is another, one after the other."""
    for found in _TOKEN.finditer(text):
        word = found[0]
        other = _WORDS.get(word) or (str(int(word) * 2) if word.isdigit() else "" if word[0] in "&\\" else None)
        if other is not None:
            made = text[: found.start()] + other + text[found.end() :]
            yield path, f"{word} -> {other} at {found.start()}", made


def another(path: Path, value: str, among: Iterable[str]) -> Iterator[Edit]:
    """The next one of those that there are."""
    others = sorted(set(among))
    if len(others) > 1:
        other = others[(others.index(value) + 1) % len(others)] if value in others else others[0]
        yield path, f"{value} -> {other}", other


def each(data: Any, edits: Callable[[Path, Any], Iterator[Edit]]) -> Iterator[Change]:
    """Every mistake that some function finds for every value of a document."""
    for path, value in walk(data):
        yield from changes(data, edits(path, value))


def _short(item: object) -> str:
    text = str(item)
    return text if len(text) <= 60 else f"{text[:57]}..."
