"""A file that was read: its data, and the place and the written text of every key and value, for messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from stackgen.problem import Mark

Step = str | int
Trail = tuple[Step, ...]
"""The way to a value: mapping keys and list positions, from the top."""

Place = tuple[int, int]
"""Line and column, from 1."""

_SECRET_KEY = re.compile(r"(?i)url|dsn|passw|passphrase|secret|token|credential|api_?key")

_SECRET_QUERY = re.compile(r"(?i)://.*[?#&].*(token|key|sig|secret|passw\w*)=")


class Node(NamedTuple):
    """One value: its data, its place, the text as written (scalars), and its children with the places of their keys."""

    value: Any
    line: int
    column: int
    text: str | None = None
    quoted: bool = False
    kids: Any = ()
    keys: dict[str, Place] | None = None
    size: int = 1


class Document(NamedTuple):
    """A file that is well-formed YAML with one mapping at the top."""

    file: str
    sha256: str
    root: Node

    @property
    def data(self) -> dict[str, Any]:
        """Dictionaries, lists, text, int, float, bool and None."""
        value: dict[str, Any] = self.root.value
        return value

    def walk(self, path: Trail) -> tuple[Trail, Node]:
        """The longest part of the path that is in the file, and the value there."""
        node = self.root
        for i, step in enumerate(path):
            try:
                node = node.kids[step]
            except (KeyError, IndexError, TypeError):
                return path[:i], node
        return path, node

    def mark(self, path: Trail) -> Mark:
        """Where the value stands; where its nearest parent stands when it is not in the file."""
        node = self.walk(path)[1]
        return Mark(self.file, node.line, node.column)

    def key_mark(self, path: Trail) -> Mark:
        """Where the key of the value stands; the value's own place for a list item."""
        keys = self.walk(path[:-1])[1].keys
        if path and keys and path[-1] in keys:
            return Mark(self.file, *keys[str(path[-1])])
        return self.mark(path)

    def shown(self, path: Trail) -> str:
        """The user's own text, short and printable, never a secret; `a mapping` or `a list` for those."""
        found, node = self.walk(path)
        if any(isinstance(step, str) and _SECRET_KEY.search(step) for step in found[-1:]):
            return "(not shown)"
        if node.text is None:
            return "a mapping" if node.keys is not None else "a list"
        if not node.quoted and not node.text:
            return "nothing"
        return shown(node.text, quote=node.quoted)

    def scalars(self) -> Iterator[tuple[Trail, Node]]:
        """Every scalar value with its path, in the order of the file."""
        todo: list[tuple[Trail, Node]] = [((), self.root)]
        while todo:
            path, node = todo.pop()
            if node.text is not None:
                yield path, node
            elif node.keys is not None:
                todo.extend(((*path, key), kid) for key, kid in reversed(node.kids.items()))
            else:
                todo.extend(((*path, i), kid) for i, kid in reversed(list(enumerate(node.kids))))


def has_credentials(text: str) -> bool:
    """Whether the text looks like scheme://user:password@host."""
    return "@" in text.partition("://")[2]


def shown(text: str, quote: bool = True) -> str:
    """Text for a message: in quotes, at most 60 characters, nothing unprintable, no credentials."""
    if has_credentials(text) or _SECRET_QUERY.search(text):
        return "(not shown)"
    short = text if len(text) <= 60 else text[:57] + "..."
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in short)
    return f"'{safe}'" if quote else safe


def where(path: Trail) -> str:
    """A path as a person writes it: `queues.celery.thresholds`, `sources[1]`, `tasks.'proj.add'.period`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if re.fullmatch(r"[\w-]{1,60}", step) else shown(step))
    return text
