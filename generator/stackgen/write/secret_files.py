"""Writes the secret files that are missing, with random values; one that holds something is never touched."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stackgen.write.folder import Folder, locked
from stackgen.write.problems import os_errors_as_problems
from stackgen.write.swap import LOCK_SECONDS

FOLDER_MODE = 0o700
"""Its files have 0644: a container runs as another user; the folder keeps the other users of the machine out."""
PLACEHOLDER = "placeholder\n"
_IGNORE = b"*\n"


@dataclass(frozen=True)
class Wanted:
    """One secret file, and how a value for it can be made."""

    name: str
    kind: Literal["random", "users", "given"]


@dataclass(frozen=True)
class Written:
    """Names of the files that were written, that were there, and that only a person can write."""

    created: tuple[str, ...]
    kept: tuple[str, ...]
    missing: tuple[str, ...]


def write_missing(wanted: Iterable[Wanted], folder: Path, *, placeholders: bool = False) -> Written:
    """Makes the folder, keeps it out of git, and writes what is missing or empty in it; `given` ones as placeholders.

    Each is written beside and renamed. Raises SpecError with the path that the system refuses, or that is a link.
    """
    with os_errors_as_problems(folder):
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        if folder.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        with locked(folder, LOCK_SECONDS) as opened:
            folder.chmod(FOLDER_MODE)
            opened.clear_stage()
            if _empty(opened, ".gitignore") or opened.read(".gitignore") != _IGNORE:
                _put(opened, {".gitignore": _IGNORE})
            return _fill(opened, list(wanted), placeholders)


def _fill(folder: Folder, wanted: Iterable[Wanted], placeholders: bool) -> Written:
    empty = {one.name: one for one in wanted if _empty(folder, one.name)}
    made = {name: _value(one).encode() for name, one in empty.items() if one.kind != "given" or placeholders}
    _put(folder, made)
    kept = tuple(one.name for one in wanted if one.name not in empty)
    return Written(tuple(made), kept, tuple(name for name in empty if name not in made))


def _empty(folder: Folder, name: str) -> bool:
    """Whether nothing stands there, or a file that a broken run or `touch` left; a link is somebody's will."""
    match folder.kind(name)[0]:
        case "missing":
            return True
        case "file":
            return not folder.read(name)
        case _:
            return False


def _put(folder: Folder, texts: Mapping[str, bytes]) -> None:
    if texts:
        folder.stage(list(texts.items()))
        for number, name in enumerate(texts):
            folder.place(number, name)
        folder.clear_stage()
        folder.sync()


def _value(one: Wanted) -> str:
    if one.kind == "given":
        return PLACEHOLDER
    random = secrets.token_urlsafe(24)
    return f"admin:{random}\n" if one.kind == "users" else f"{random}{secrets.token_urlsafe(12)}"
