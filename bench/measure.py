"""Runs real processes, one after the other, and reads from the kernel what each one used."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Usage:
    """What one process used: seconds on the clock, seconds of CPU, bytes of memory at its peak."""

    wall: float
    cpu: float
    peak: int


@dataclass(frozen=True)
class Case:
    """One thing to measure; `command` gets a folder of its own that does not exist yet, for every run."""

    name: str
    command: Callable[[Path], Sequence[str | Path]]
    rounds: int
    wall: float | None = None
    """Budget in seconds."""
    peak: int | None = None
    """Budget in bytes."""


@dataclass(frozen=True)
class Result:
    """The medians of one case, and the size of what its last run wrote."""

    case: Case
    usage: Usage
    fastest: float
    slowest: float
    written: int

    def excesses(self) -> Iterator[str]:
        """Each budget that the median is over, in words."""
        if self.case.wall is not None and self.usage.wall > self.case.wall:
            yield "time"
        if self.case.peak is not None and self.usage.peak > self.case.peak:
            yield "memory"


class Failed(Exception):
    """A measured program ended with an error: its numbers would mean nothing."""


def once(command: Sequence[str | Path], cwd: Path, environment: Mapping[str, str]) -> Usage:
    """Runs `command` and waits for it. Raises Failed when it does not end with 0."""
    with tempfile.TemporaryFile() as talk:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=talk,
            stderr=subprocess.STDOUT,
        )
        # Linux counts our own memory as the child's until its exec, so this program must stay smaller than the
        # programs it measures: nothing heavy is imported here.
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            talk.seek(0)
            said = talk.read().decode(errors="replace")[-2000:]
            message = f"{' '.join(map(str, command))}\nexit code {process.returncode}\n{said}"
            raise Failed(message)
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def interleaved(cases: Sequence[Case], scratch: Path, environment: Mapping[str, str]) -> list[Result]:
    """Measures all cases in turn, round by round, so that a busy moment of the machine hits all of them alike.

    The first round warms caches up and is not counted.
    """
    usages: dict[str, list[Usage]] = {case.name: [] for case in cases}
    written = dict.fromkeys(usages, 0)
    for number in range(max(case.rounds for case in cases) + 1):
        for index, case in enumerate(cases):
            if number > case.rounds:
                continue
            folder = scratch / f"run-{index}-{number}"
            usage = once(case.command(folder), scratch, environment)
            written[case.name] = size(folder)
            if number:
                usages[case.name].append(usage)
    return [_result(case, usages[case.name], written[case.name]) for case in cases]


def size(folder: Path) -> int:
    """Bytes of all files below `folder`; 0 when there is no such folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _result(case: Case, usages: Sequence[Usage], written: int) -> Result:
    middle = Usage(
        wall=median(usage.wall for usage in usages),
        cpu=median(usage.cpu for usage in usages),
        peak=int(median(usage.peak for usage in usages)),
    )
    walls = [usage.wall for usage in usages]
    return Result(case, middle, fastest=min(walls), slowest=max(walls), written=written)
