"""The worker of bench/app.py: `celery -A bench.counted worker`. Blocks of no-op tasks, counted and not, in turn.

The same processes run both, so that only counting differs: two workers started one after the other differ by more.
"""

from __future__ import annotations

import json
import os
import time
from functools import cache
from pathlib import Path

from celery import signals  # type: ignore[import-untyped]

from tests.app.lab_tasks import app

_SETTLED_SECONDS = 0.15
"""The main process has then read everything that the pool told it."""
_SIGNALS = (signals.task_prerun, signals.task_postrun)
_began = [0.0, 0.0]
"""Wall and CPU seconds when the present block began."""


@app.task(name="bench.noop", ignore_result=True)  # type: ignore[untyped-decorator]
def noop() -> None:
    """Does nothing."""


@app.task(name="bench.block", ignore_result=True)  # type: ignore[untyped-decorator]
def block(after: str, *, counted: bool) -> None:
    """Writes what the block `after` took, wall and CPU seconds, and begins the next one.

    Celery asks these very lists at each task, and calls nothing when they are empty.
    """
    ended = time.perf_counter()
    time.sleep(_SETTLED_SECONDS)
    took = [ended - _began[0], _cpu() - _began[1]]
    with Path(os.environ["BENCH_RESULTS"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps([after, *took]) + "\n")
    for told, ours in zip(_SIGNALS, _ours(), strict=True):
        told.receivers[:] = ours if counted else []
    _began[:] = time.perf_counter(), _cpu()


@cache
def _ours() -> list[list[object]]:
    """What was connected when the worker began: after this module was read, before the first block."""
    return [list(told.receivers) for told in _SIGNALS]


def _cpu() -> float:
    """CPU seconds of this process and the main one, by the scheduler's own nanoseconds."""
    threads = [thread for pid in (os.getpid(), os.getppid()) for thread in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
