"""What was read: its data, and the file, place and written text of every key and value, for messages."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
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
    file: str = ""
    """The file, where it is another than that of the mapping around it."""
    covers: Node | None = None
    """What the file below says at the same place, where an overlay says something else; it knows its file."""


class Document(NamedTuple):
    """Well-formed YAML with one mapping at the top: a file, or an overlay merged into those below it."""

    file: str
    sha256: str
    root: Node
    resets: Mapping[Trail, Node] = {}
    """What an overlay set to null, so that it is not in the data: the default holds."""
    layers: tuple[Document, ...] = ()
    """The files as they were read, the lowest first, where there is more than one."""

    @property
    def data(self) -> dict[str, Any]:
        """Dictionaries, lists, text, int, float, bool and None."""
        value: dict[str, Any] = self.root.value
        return value

    def walk(self, path: Trail) -> tuple[Trail, Node]:
        """The longest part of the path that is in the file, and the value there."""
        found, node, _ = self._find(path)
        return found, node

    def _find(self, path: Trail) -> tuple[Trail, Node, str]:
        """The same, and the file."""
        if path in self.resets:
            return path, self.resets[path], self.resets[path].file
        node, file = self.root, self.root.file or self.file
        for i, step in enumerate(path):
            try:
                node = node.kids[step]
            except (KeyError, IndexError, TypeError):
                return path[:i], node, file
            file = node.file or file
        return path, node, file

    def mark(self, path: Trail) -> Mark:
        """Where the value stands; where its nearest parent stands when it is not in the file."""
        _, node, file = self._find(path)
        return Mark(file, node.line, node.column)

    def key_mark(self, path: Trail) -> Mark:
        """Where the key of the value stands; the value's own place for a list item."""
        keys = self.walk(path[:-1])[1].keys
        if path and keys and path[-1] in keys:
            return Mark(self._find(path)[2], *keys[str(path[-1])])
        return self.mark(path)

    def beside(self, path: Trail, other: Trail) -> str:
        """Where the other value stands, in brackets; nothing when it is in the same file as the path, or nowhere."""
        found, node, file = self._find(other)
        if not other or found != other or file == self._find(path)[2]:
            return ""
        return f" ({where(other)}: {Mark(file, node.line, node.column)})"

    def covered(self, path: Trail) -> Iterator[tuple[Mark, str]]:
        """What the value stands in place of, place and text, from one file to the next below."""
        found, node, _ = self._find(path)
        secret = any(isinstance(step, str) and _SECRET_KEY.search(step) for step in path[-1:])
        while found == path and (below := node.covers):
            yield Mark(below.file, below.line, below.column), "(not shown)" if secret else _shown(below)
            node = below

    def place(self, path: Trail) -> str:
        """Where the value stands, and what it covers in the files below: for people."""
        below = "".join(f", in place of {text} at {mark}" for mark, text in self.covered(path))
        return f"{self.mark(path)}{below}"

    def origin(self, path: Trail) -> str:
        """The path; among several files also file and line, as seen from the uppermost."""
        if not self.layers:
            return where(path)
        mark = self.mark(path)
        return f"{where(path)} at {os.path.relpath(mark.file, Path(self.file).parent)}:{mark.line}"

    def shown(self, path: Trail) -> str:
        """The user's own text, short and printable, never a secret; `a mapping` or `a list` for those."""
        found, node = self.walk(path)
        if any(isinstance(step, str) and _SECRET_KEY.search(step) for step in found[-1:]):
            return "(not shown)"
        return _shown(node)

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


def _shown(node: Node) -> str:
    if node.text is None:
        return "a mapping" if node.keys is not None else "a list"
    if not node.quoted and not node.text:
        return "nothing"
    return shown(node.text, quote=node.quoted)


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
