"""Generated files and secrets that a service's user cannot read: they are mounted with their modes on this machine."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from stackgen.problem import Mark, Problem
from stackgen.resolve.plan import Plan
from stackgen.verify.subject import Subject


def problems(subject: Subject) -> Iterator[Problem]:
    """One warning for each service that would not start or would run without its files."""
    for path, reason in unreadable(subject.plan, subject.output):
        hint = "chmod -R a+rX, or `stackgen generate` for what is generated"
        yield Problem(Mark(str(path)), "unreadable", "", reason, hint, "warning")


def unreadable(plan: Plan, output: Path) -> Iterator[tuple[Path, str]]:
    """The first path of each service that its user cannot read, and that in words; nothing about what is missing."""
    if not plan.spec.wants("compose"):
        return
    from stackgen.emitters import compose  # which `check --fast` never needs

    for service, user, sources in compose.mounted(plan):
        roots = [output / source for source in sources]
        below = (path for root in roots if root.exists() for path in (root, *sorted(root.rglob("*"))))
        closed = [path for path in below if not _may(path, user)]
        if closed:
            more = f", nor {len(closed) - 1} more" if closed[1:] else ""
            yield closed[0], f"the user {user} of the service {service} cannot read it{more}"


def _may(path: Path, user: str) -> bool:
    """Whether the mode lets the user read it, or open it as a folder; no container has root's right to read all."""
    found = path.stat()
    uid, gid = map(int, user.split(":"))
    shift = 6 if found.st_uid == uid else 3 if found.st_gid == gid else 0
    wanted = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(found.st_mode) else 0)
    return found.st_mode >> shift & wanted == wanted
