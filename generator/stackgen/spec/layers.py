"""What an overlay names: things that the files below have, or that it says are new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stackgen.document import Document, Trail, shown, where
from stackgen.overlay import NEW, stacked
from stackgen.problem import Mark, Problem
from stackgen.spec.checks import nearest
from stackgen.spec.model import StackSpec

KINDS: Mapping[str, Trail] = {
    "queues": ("queues",),
    "tasks": ("tasks",),
    "receivers": ("alerting", "receivers"),
    "sources": ("sources",),
}
"""Things with a name that somebody may misspell, and where they stand."""
_HINT = "such as new: {queues: [mail]}; kinds are " + ", ".join(KINDS)

Names = Mapping[str, Mark]


def problems(doc: Document) -> Iterator[Problem]:
    """Names that only an overlay knows and does not call new, and names that it calls new and are not."""
    for count, layer in enumerate(doc.layers[1:], 1):
        below = stacked(doc.layers[:count])
        new: dict[str, dict[str, Mark]] = {kind: {} for kind in KINDS}
        yield from _declared(layer, new)
        for kind, path in KINDS.items():
            here, there = _names(layer, path), _names(below, path)
            shared = not there and "queues" not in below.data  # a file for several stacks, and not yet one of them
            if kind == "sources" and not there:
                there = {one.name: Mark(below.file) for one in StackSpec.model_fields["sources"].default}
            for name, mark in here.items():
                if not (shared or name in there or name in new[kind]):
                    yield _unknown((*path, name), kind, mark, there, below)
            yield from _not_new(kind, new[kind], here, there)


def _declared(layer: Document, new: dict[str, dict[str, Mark]]) -> Iterator[Problem]:
    """Fills in what the overlay calls new."""
    written = layer.data.get(NEW)
    if written is not None and not isinstance(written, dict):
        yield Problem(layer.mark((NEW,)), "new", NEW, f"expected a mapping, got {layer.shown((NEW,))}", _HINT)
        return
    for kind, names in (written or {}).items():
        if kind not in new:
            hint = nearest(kind, new, _HINT)
            yield Problem(
                layer.key_mark((NEW, kind)), "new", where((NEW, kind)), f"nothing is called {shown(kind)}", hint
            )
        elif not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            message = f"expected a list of names, got {layer.shown((NEW, kind))}"
            yield Problem(layer.mark((NEW, kind)), "new", where((NEW, kind)), message, _HINT)
        else:
            new[kind] |= {name: layer.mark((NEW, kind, i)) for i, name in enumerate(names)}


def _names(doc: Document, path: Trail) -> Names:
    """Each name that stands at the path, and where: keys of a mapping, items of a list or their `name`."""
    found, node = doc.walk(path)
    if found != path:
        return {}
    if isinstance(node.value, dict):
        return {key: doc.key_mark((*path, key)) for key in node.value}
    named: dict[str, Mark] = {}
    for i, one in enumerate(node.value if isinstance(node.value, list) else ()):
        name = one.get("name") if isinstance(one, dict) else one
        if isinstance(name, str):
            named[name] = doc.mark((*path, i, "name"))
    return named


def _unknown(path: Trail, kind: str, mark: Mark, there: Names, below: Document) -> Problem:
    name, section = str(path[-1]), path[:-1]
    at = below.key_mark(section) if below.walk(section)[0] == section else Mark(below.file)
    near = nearest(name, there)
    like = next((f"did you mean {shown(one)} ({there[one]})? " for one in there if shown(one) in near), "")
    hint = f"{like}if it is new, say so: `new: {{{kind}: [{shown(name, quote=False)}]}}`"
    message = f"what this file extends ({at}) has no {kind[:-1]} {shown(name)}"
    return Problem(mark, "not-in-base", where(path), message, hint)


def _not_new(kind: str, new: Names, here: Names, there: Names) -> Iterator[Problem]:
    for name, mark in new.items():
        if name in there:
            message, hint = f"the {kind[:-1]} {shown(name)} is not new ({there[name]})", "take it out of `new`"
        elif name not in here:
            message = f"this file names no {kind[:-1]} {shown(name)}"
            hint = nearest(name, (one for one in here if one not in there), "take it out of `new`")
        else:
            continue
        yield Problem(mark, "not-new", where((NEW, kind)), message, hint)
