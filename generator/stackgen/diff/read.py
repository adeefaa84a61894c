"""Texts of two trees to plain data, and plain data to facts by path. A hostile text is told of, never an exception."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from stackgen import load
from stackgen.diff.fact import Fact, Key
from stackgen.document import has_credentials
from stackgen.render.quote import parse_json

_NAMES = ("name", "job_name", "alert", "record", "uid", "title", "id", "key")
"""What an item of a list is known by, when it has one of these."""
_SECRET = re.compile(r"(?i)passw|passphrase|secret|token|credential|api_?key|dsn")
_DOCUMENT = re.compile(r"^---[ \t]*$", re.MULTILINE)
_MOST = 200_000
"""More values than this in one file are not told apart."""


class Unreadable(Exception):
    """The text is not what its name says; the message says why."""


def documents(path: str, text: str) -> list[Any]:
    """The documents of a YAML file, or the one of a JSON file. Raises Unreadable."""
    if path.endswith(".json"):
        try:
            return [parse_json(text)]
        except (ValueError, RecursionError) as error:
            message = f"not JSON: {error}"
            raise Unreadable(message) from error
    return [_yaml(path, part) for part in _DOCUMENT.split(text) if part.strip()]


def _yaml(path: str, text: str) -> Any:
    value, problems = load.values(text, path)
    if problems:
        first = problems[0]
        message = first.message if first.rule == "yaml-syntax" else f"not YAML of ours: {first.message}"
        raise Unreadable(message)
    return value


def mapping(data: object) -> dict[str, Any]:
    """The data when it is a mapping, else an empty one."""
    return data if isinstance(data, dict) else {}


def items(data: object) -> list[Any]:
    """The data when it is a list, else an empty one."""
    return data if isinstance(data, list) else []


def said(value: object) -> str:
    """A scalar as it would be written; a list on one line."""
    match value:
        case str():
            return value
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(map(said, value))
        case dict():
            return ", ".join(f"{key}: {said(item)}" for key, item in value.items())
        case _:
            return str(value)


def flat(data: object, path: str = "") -> Iterator[tuple[str, str, bool]]:
    """Each value with its path, and whether it is a list of plain values (then joined by line breaks)."""
    todo: list[tuple[str, object]] = [(path, data)]
    seen = 0
    while todo and (seen := seen + 1) < _MOST:
        at, value = todo.pop()
        match value:
            case dict() if value:
                todo += [(f"{at}.{key}" if at else str(key), item) for key, item in reversed(value.items())]
            case list() if any(isinstance(item, dict | list) for item in value):
                todo += reversed(list(zip(_named(at, value), value, strict=True)))
            case list():
                yield at, "\n".join(map(said, value)), True
            case _:
                yield at, "nothing" if value == {} else said(value), False


def _named(at: str, values: list[Any]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for number, item in enumerate(values):
        name = next((str(item[key]) for key in _NAMES if isinstance(item, dict) and item.get(key)), str(number))
        seen[name] += 1
        yield f"{at}[{name}]" if seen[name] == 1 else f"{at}[{name} #{seen[name]}]"


def facts_of(data: object, subject: str, file: str, *, group: str = "") -> dict[Key, Fact]:
    """Facts by path, for data that no reader knows better."""
    return {
        Key(subject, "", path): Fact(
            value=value,
            files=(file,),
            kind="members" if many else "value",
            hidden=_SECRET.search(path) is not None or has_credentials(value),
            group=group,
        )
        for path, value, many in flat(data)
    }
