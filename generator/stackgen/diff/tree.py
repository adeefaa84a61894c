"""The texts of a folder that stackgen wrote, or that somebody gives out as one: links are not followed."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

MANIFEST = "MANIFEST.json"
_MOST_BYTES = 64 * 1024 * 1024


def read(folder: Path) -> dict[str, str | None]:
    """Text by path; None for what is no text. Of a folder with a manifest, only the files that it lists."""
    found: dict[str, str | None] = {}
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(at, name)
            if not name.startswith(".MANIFEST"):
                found[path.relative_to(folder).as_posix()] = _text(path)
    listed = _listed(found.pop(MANIFEST, None))
    return found if listed is None else {path: text for path, text in found.items() if path in listed}


def _text(path: Path) -> str | None:
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(opened, "rb") as stream:  # noqa: PTH123 -- a descriptor, so that no link is followed
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                return None
            data = stream.read(_MOST_BYTES + 1)
            return data.decode() if len(data) <= _MOST_BYTES else None
    except (OSError, UnicodeDecodeError):
        return None


def _listed(manifest: str | None) -> set[str] | None:
    """What the manifest lists; None when there is none that can be read."""
    try:
        match json.loads(manifest or ""):
            case {"files": dict() as files}:
                return set(files)
            case _:
                return None
    except (ValueError, RecursionError):
        return None
