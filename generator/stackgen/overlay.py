"""A stack.yaml and the file that it extends: maps merge, lists replace, null means the default, and nothing else."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from pathlib import Path

from stackgen.catalog.signal import SEVERITIES
from stackgen.document import Document, Node, Place, Trail
from stackgen.load import load
from stackgen.problem import Mark, Problem, SpecError

EXTENDS, NEW = "extends", "new"
_NAMED = ("queues", "tasks")
"""Sections in which a name alone is a statement: null does not take it away."""
_SHORT: tuple[tuple[Trail, tuple[str, ...]], ...] = (
    *((("thresholds", "*", severity), ("threshold",)) for severity in SEVERITIES),
    (("alerting", "default"), SEVERITIES),
    (("alerting", "owners", "*"), SEVERITIES),
    (("alerting", "queues", "*"), SEVERITIES),
)
"""Where one value is short for a mapping, and for which keys: written out, it merges with what the other file says."""


def read(path: Path) -> Document:
    """The file, merged with what it extends. Raises SpecError for what cannot be read at all."""
    return stacked(_chain(path))


def stacked(layers: Sequence[Document]) -> Document:
    """One document of several, the lowest first."""
    if len(layers) == 1:
        return layers[0]
    roots = [_spelled(_bare(layer.root))._replace(file=layer.file) for layer in layers]
    resets: dict[Trail, Node] = {}
    root = _settled(reduce(merged, roots), roots[0].file, (), resets)
    sums = hashlib.sha256("".join(layer.sha256 for layer in layers).encode()).hexdigest()
    return Document(layers[-1].file, sums, root, resets, tuple(layers))


def merged(lower: Node, upper: Node) -> Node:
    """The upper value over the lower one; each knows its file. Associative, and idempotent."""
    if upper.keys is None or upper.covers is not None or lower.keys is None:
        beneath = lower if upper.covers is None else merged(lower, upper.covers)
        return upper._replace(covers=beneath)
    kids, places = dict(lower.kids), dict(lower.keys)
    for key, kid in upper.kids.items():
        mine = kid if kid.file else kid._replace(file=upper.file)
        below = kids.get(key)
        kids[key] = mine if below is None else merged(below if below.file else below._replace(file=lower.file), mine)
        if below is None or kids[key].file == mine.file:
            places[key] = upper.keys[key]
    return _mapping(lower, kids, places)


def _mapping(node: Node, kids: dict[str, Node], places: dict[str, Place]) -> Node:
    size = 1 + sum(kid.size for kid in kids.values())
    return node._replace(value={key: kid.value for key, kid in kids.items()}, kids=kids, keys=places, size=size)


def _chain(path: Path) -> list[Document]:
    """The files, the lowest first."""
    layers, seen = [load(path)], [path.resolve()]
    while EXTENDS in layers[0].data:
        above = layers[0]
        written = above.data[EXTENDS]
        if not isinstance(written, str) or not written or "\0" in written:
            _stop(above, f"expected the path of the file below, got {above.shown((EXTENDS,))}", "such as stack.yaml")
        path = Path(os.path.normpath(path.parent / written))
        if not path.is_file():
            _stop(above, f"there is no file {path}", "the path is seen from the folder of this file")
        if path.resolve() in seen:
            _stop(above, f"{path} ends up extending itself", "one of the files must extend nothing")
        seen.append(path.resolve())
        layers.insert(0, load(path))
    return layers


def _stop(doc: Document, message: str, hint: str) -> None:
    raise SpecError([Problem(doc.mark((EXTENDS,)), "extends", EXTENDS, message, hint)])


def _bare(root: Node) -> Node:
    """Without what is about the overlay itself."""
    kids = {key: kid for key, kid in root.kids.items() if key not in (EXTENDS, NEW) or EXTENDS not in root.kids}
    return _mapping(root, kids, root.keys or {})


def _spelled(root: Node) -> Node:
    """With every short form written out."""
    for path, keys in _SHORT:
        root = _spelled_at(root, path, keys)
    return root


def _spelled_at(node: Node, path: Trail, keys: Sequence[str]) -> Node:
    if not path:
        if node.text is None or node.value is None:
            return node
        places = dict.fromkeys(keys, (node.line, node.column))
        return _mapping(node._replace(text=None), dict.fromkeys(keys, node), places)
    if node.keys is None or (path[0] != "*" and path[0] not in node.kids):
        return node
    kids = {key: _spelled_at(kid, path[1:], keys) if path[0] in ("*", key) else kid for key, kid in node.kids.items()}
    return _mapping(node, kids, node.keys)


def _settled(node: Node, file: str, path: Trail, resets: dict[Trail, Node]) -> Node:
    """Without the nulls of overlays, which become resets; the lowest file's mean what they always meant."""
    if node.keys is None:
        return node
    kids = {}
    for key, kid in node.kids.items():
        at, own = (*path, key), kid.file or node.file
        if kid.value is None and own != file and path not in {(name,) for name in _NAMED}:
            resets[at] = kid._replace(file=own)
        else:
            kids[key] = _settled(kid if kid.file else kid._replace(file=own), file, at, resets)
    return _mapping(node, kids, node.keys)


def told(doc: Document, problems: Iterable[Problem]) -> list[Problem]:
    """The same, where a value of an overlay is guilty with the place of what it covers."""
    if not doc.layers:
        return list(problems)
    places = dict(_covering(doc))
    return [
        one._replace(message=f"{one.message} (in place of {places[one.mark]})") if one.mark in places else one
        for one in problems
    ]


def _covering(doc: Document) -> Iterator[tuple[Mark, Mark]]:
    """Each place of an overlay, of key or value, where another file says something else, and that place."""
    todo: list[tuple[Trail, Node]] = [((), doc.root), *doc.resets.items()]
    while todo:
        path, node = todo.pop()
        todo.extend(((*path, key), kid) for key, kid in (node.kids.items() if node.keys else ()))
        if node.covers:
            below = Mark(node.covers.file, node.covers.line, node.covers.column)
            yield doc.mark(path), below
            yield doc.key_mark(path), below
