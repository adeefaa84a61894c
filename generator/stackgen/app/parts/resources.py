"""CPU time, memory and its limit of a worker with its whole pool, as the Linux kernel counts them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from stackgen.app.parts.exposition import Family, family

_NO_LIMIT = 1 << 60
"""Version 1 of cgroups says a number near 2**63 for no limit."""


class Resources:
    """What one worker uses; read anew for every scrape."""

    def __init__(self, worker: str, pid: int) -> None:
        self._worker, self._pid = worker, pid
        self._cpu = 0.0
        self._limit = memory_limit()
        self._started = _resources_started(pid)

    def families(self) -> list[Family]:
        """The gauges and the counter of the worker."""
        pids = [self._pid, *descendants(self._pid)]
        # A child that ended between two reads is in neither: the counter waits until its parent has its time.
        self._cpu = max(self._cpu, sum(map(_resources_cpu, pids)))
        return [
            self._one("celery_worker_cpu_seconds_total", "counter", "CPU time of the worker and its pool.", self._cpu),
            self._one(
                "celery_worker_resident_memory_bytes",
                "gauge",
                "Resident memory of the worker and its pool; pages they share count once per process.",
                sum(map(_resources_memory, pids)),
            ),
            self._one(
                "celery_worker_memory_limit_bytes",
                "gauge",
                "Memory the worker may use: its control group's limit, else what the machine has.",
                self._limit,
            ),
            self._one("celery_worker_processes", "gauge", "Processes of the worker, the main one too.", len(pids)),
            self._one("celery_worker_start_time_seconds", "gauge", "When the worker started.", self._started),
        ]

    def _one(self, name: str, kind: str, text: str, value: float) -> Family:
        return family(name, kind, text, [((("worker", self._worker),), value)])


def descendants(pid: int) -> Iterator[int]:
    """Every process below this one."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return
    for task in tasks:
        for child in map(int, _resources_text(f"/proc/{pid}/task/{task}/children").split()):
            yield child
            yield from descendants(child)


def process_runs(pid: int) -> bool:
    """Whether there is such a process, of whichever user."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def memory_limit(root: Path = Path("/")) -> int:
    """Bytes: the smallest limit of the control groups we are in (version 2 or 1), else the machine's memory."""
    limits = [int(text) for text in _resources_limits(root) if text.isdigit() and int(text) < _NO_LIMIT]
    machine = _resources_text(root / "proc/meminfo").partition("MemTotal:")[2].split()
    total = int(machine[0]) * 1024 if machine else 0
    return min([*limits, *([total] if total else [])], default=0)


def _resources_limits(root: Path) -> Iterator[str]:
    for line in _resources_text(root / "proc/self/cgroup").splitlines():
        _, kinds, path = line.split(":", 2)
        if kinds and "memory" not in kinds.split(","):
            continue
        top = root / "sys/fs/cgroup" / ("memory" if kinds else "")
        name = "memory.limit_in_bytes" if kinds else "memory.max"
        group = top / path.strip("/")
        # Inside a container the path may be the host's; then only the top is there.
        for folder in (group, *group.parents):
            yield _resources_text(folder / name).strip()
            if folder == top:
                break


def _resources_text(path: str | Path) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def _resources_fields(pid: int) -> list[str]:
    """Fields of /proc/pid/stat from the state on; the name before it may hold anything."""
    return _resources_text(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _resources_cpu(pid: int) -> float:
    """Seconds of a process and of its children that are gone."""
    fields = _resources_fields(pid)
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _resources_memory(pid: int) -> int:
    fields = _resources_text(f"/proc/{pid}/statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if fields else 0


def _resources_started(pid: int) -> float:
    fields = _resources_fields(pid)
    uptime = _resources_text("/proc/uptime").split()
    if not fields or not uptime:
        return time.time()
    return time.time() - float(uptime[0]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")
