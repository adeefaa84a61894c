"""Which stacks are meant: files that are named, and those in folders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stackgen import overlay
from stackgen.catalog.identity import joined
from stackgen.document import Document
from stackgen.problem import Mark, Problem, SpecError
from stackgen.write.manifest import MANIFEST

_SUFFIXES = (".yaml", ".yml")
_NAME = re.compile("[a-z0-9-]{1,40}")


@dataclass(frozen=True)
class Found:
    """One stack, and the folder below output/ that its name and environment give it."""

    path: Path
    folder: str
    sha256: str


@dataclass(frozen=True)
class Stacks:
    """What was found, by folder; what is wrong; and files that are none of their own, for others extend them."""

    stacks: tuple[Found, ...]
    problems: tuple[Problem, ...]
    bases: tuple[Path, ...]


def find(paths: Sequence[Path]) -> Stacks:
    """Every file that is named, and every YAML file of a folder, hidden and generated ones aside.

    A file that others extend is a stack too, unless it has no queues or one of them is the same stack and environment.
    """
    documents: dict[Path, Document] = {}
    problems: list[Problem] = []
    for path in dict.fromkeys(one for named in paths for one in _files(named, problems)):
        try:
            documents[path] = overlay.read(path)
        except SpecError as error:
            problems += error.problems
    above = {path: [doc for doc in documents.values() if _extends(doc, path)] for path in documents}
    stacks: dict[str, tuple[Found, Document]] = {}
    bases = []
    for path in sorted(documents, key=lambda path: bool(above[path])):
        doc = documents[path]
        folder = _folder(doc) or f"?{path}"
        if above[path] and ("queues" not in doc.data or folder in map(_folder, above[path])):
            bases.append(path)
        elif folder in stacks:
            message = f"this is the stack that {stacks[folder][0].path} describes already"
            hint = "give it another name or environment"
            problems.append(Problem(doc.key_mark(("stack", "name")), "duplicate-stack", "stack.name", message, hint))
        else:
            stacks[folder] = Found(path, folder, doc.sha256), doc
    return Stacks(tuple(stacks[name][0] for name in sorted(stacks)), tuple(problems), tuple(bases))


def _files(path: Path, problems: list[Problem]) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    inside = list(_inside(path))
    yield from inside
    if not inside:
        message, hint = "there is no YAML file in this folder", "`stackgen init` writes a first stack.yaml"
        problems.append(Problem(Mark(str(path)), "no-file", "", message, hint))


def _inside(root: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(root):
        if MANIFEST in names:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(at, name) for name in sorted(names) if name.endswith(_SUFFIXES) and not name.startswith("."))


def _extends(doc: Document, path: Path) -> bool:
    return any(Path(layer.file).resolve() == path.resolve() for layer in doc.layers[:-1])


def _folder(doc: Document) -> str:
    """The folder of the stack; nothing where it has no name that can be one."""
    written = doc.data.get("stack")
    stack = written if isinstance(written, dict) else {}
    parts = [stack.get("name"), stack.get("environment", "production")]
    return joined(*parts) if all(isinstance(part, str) and _NAME.fullmatch(part) for part in parts) else ""
