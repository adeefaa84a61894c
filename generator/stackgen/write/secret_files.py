"""Writes the secret files that are missing, with random values; one that is there is never touched."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FOLDER_MODE = 0o700
FILE_MODE = 0o644
"""A container runs as another user and must read its file; the folder keeps the other users of the machine out."""
PLACEHOLDER = "placeholder\n"


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
    """Makes the folder, keeps it out of git, and writes what is missing in it; `given` ones only as placeholders."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    folder.chmod(FOLDER_MODE)
    _create(folder / ".gitignore", "*\n")
    created, kept, missing = [], [], []
    for one in wanted:
        path = folder / one.name
        if os.path.lexists(path):
            kept.append(one.name)
        elif one.kind == "given" and not placeholders:
            missing.append(one.name)
        else:
            _create(path, _value(one))
            created.append(one.name)
    return Written(tuple(created), tuple(kept), tuple(missing))


def _value(one: Wanted) -> str:
    if one.kind == "given":
        return PLACEHOLDER
    random = secrets.token_urlsafe(24)
    return f"admin:{random}\n" if one.kind == "users" else f"{random}{secrets.token_urlsafe(12)}"


def _create(path: Path, text: str) -> None:
    """A new file with its final mode from the start; one that is there stays as it is."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        os.fchmod(descriptor, FILE_MODE)
        stream.write(text)
