"""Faults on this machine: secret files that are missing, empty, or open to everybody; files closed to containers."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from stackgen.doctor.finding import Finding
from stackgen.emitters import compose
from stackgen.resolve.plan import Plan
from stackgen.verify.written import readable

_PLACEHOLDER = b"placeholder\n"


def check(plan: Plan, folder: Path) -> Iterator[Finding]:
    """Looks at the files that docker-compose.yml mounts from this folder; never prints what is in them."""
    if not plan.spec.wants("compose"):
        return
    others = bool(folder.is_dir() and folder.stat().st_mode & stat.S_IXOTH)
    for secret in compose.secrets(plan):
        path = folder / secret.name
        if reason := _wrong(path, folder_open=others):
            yield Finding("secret-file", f"{path} {reason}", _fix(reason, path, folder))
    for path, reason in readable.unreadable(plan, folder.parent):
        yield Finding("unreadable-file", f"{path}: {reason}", f"chmod -R a+rX {path}")


def _wrong(path: Path, *, folder_open: bool) -> str:
    try:
        found = path.stat()
    except OSError:
        return "is missing"
    if not stat.S_ISREG(found.st_mode):
        return "is no file"
    if found.st_size == 0:
        return "is empty"
    if folder_open and found.st_mode & stat.S_IROTH:
        return "can be read by every user of this machine"
    if found.st_size == len(_PLACEHOLDER) and path.read_bytes() == _PLACEHOLDER:
        return "still holds the placeholder"
    return ""


def _fix(reason: str, path: Path, folder: Path) -> str:
    if "every user" in reason:
        return f"chmod 700 {folder}"
    return "run `stackgen secrets`; write those that only you know yourself" if "missing" in reason else f"write {path}"
