"""Counts outlive a restart: a file beside the heartbeat, from which the next worker of the same name goes on.

Prometheus sees no reset then, and what was counted after its last scrape is not lost.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

KEPT_SUFFIX = ".counts"


def keep_counts(path: str, worker: str, state: dict[str, Any]) -> None:
    """Writes the file anew, readable by its owner only. Raises OSError."""
    temporary = f"{path}.{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
        json.dump({"worker": worker, "pid": os.getpid(), "born": _kept_born(os.getpid()), "counts": state}, file)
    os.replace(temporary, path)


def kept_counts(path: str, worker: str) -> Any:
    """What the last worker of this name left; None when there is nothing, or it is still running.

    Raises OSError when the file is not ours: of another user, or of a worker of the same name that runs.
    """
    try:
        if os.stat(path).st_uid != os.getuid():
            message = "another user's file"
            raise PermissionError(message)
        kept = json.loads(Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(kept, dict) or kept.get("worker") != worker:
        return None
    pid = kept.get("pid")
    if isinstance(pid, int) and pid != os.getpid() and _kept_born(pid) == kept.get("born") != "":
        message = f"process {pid} has the same name, {worker}"
        raise PermissionError(message)
    return kept.get("counts")


def _kept_born(pid: int) -> str:
    """When a process began, in ticks: a number that is used again is not taken for the same process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
