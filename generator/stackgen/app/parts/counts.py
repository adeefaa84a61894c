"""What happened to tasks, counted once: outcomes, durations, waits, time limits, and what runs now."""

from __future__ import annotations

import json
import os
import threading
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from stackgen.app.parts.exposition import Family, bound_text

_LOST_REMEMBERED = 10_000
"""Executions that the main process ended: Celery 5.7 tells a hard time limit twice."""
_RUNNING_GRACE = 60.0
"""Seconds that the main process has to tell of a child that is gone, before its task is forgotten."""

Pair = tuple[str, str]
"""Task and queue."""


class Histogram:
    """Observations by task and queue, counted in buckets."""

    def __init__(self, name: str, text: str, bounds: Sequence[float]) -> None:
        self.name, self.text = name, text
        self.bounds = sorted({float(bound) for bound in bounds})
        self._rows: dict[Pair, list[float]] = {}

    def observe(self, pair: Pair, seconds: float) -> None:
        """Counts one observation."""
        row = self._rows.get(pair)
        if row is None:
            row = self._rows[pair] = [0.0] * (len(self.bounds) + 2)
        row[bisect_left(self.bounds, seconds)] += 1
        row[-1] += seconds

    def family(self) -> Family:
        """Everything observed until now."""
        samples: list[tuple[str, tuple[tuple[str, str], ...], float]] = []
        bounds = [bound_text(bound) for bound in (*self.bounds, float("inf"))]
        for (task, queue), row in self._rows.items():
            labels, total = (("task", task), ("queue", queue)), 0.0
            for bound, count in zip(bounds, row):  # the row ends with the sum
                total += count
                samples.append(("_bucket", (*labels, ("le", bound)), total))
            samples += [("_count", labels, total), ("_sum", labels, row[-1])]
        return Family(self.name, "histogram", self.text, tuple(samples))


class Counts:
    """All counts of one worker, kept by its main process alone."""

    def __init__(self, duration_buckets: Sequence[float], wait_buckets: Sequence[float]) -> None:
        self._lock = threading.Lock()
        self._ended: dict[tuple[str, str, str], int] = {}
        self._timeouts: dict[tuple[str, str, str], int] = {}
        self._durations = Histogram("celery_task_duration_seconds", "Time an execution took.", duration_buckets)
        self._waits = Histogram(
            "celery_task_wait_time_seconds", "Time from when a task was due until it began.", wait_buckets
        )
        self._running: dict[str, tuple[Pair, float, int]] = {}
        self._latest: dict[str, str] = {}  # the newest attempt of a task, by its id
        self._lost: OrderedDict[str, None] = OrderedDict()

    def begin(self, key: str, pair: Pair, pid: int, wait: float | None, since: float) -> None:
        """An attempt (`id#retries`) began at `since` of the monotonic clock; `wait` is None when nobody knows it.

        The next attempt may begin in another process before the end of this one is told, so they have different keys.
        """
        with self._lock:
            self._running[key] = (pair, since, pid)
            self._latest[key.rpartition("#")[0]] = key
            self._lost.pop(key, None)
            if wait is not None:
                self._waits.observe(pair, wait)

    def end(self, key: str, pair: Pair, state: str, seconds: float, kind: str) -> None:
        """An attempt ended where it ran; nothing when the main process has ended it already."""
        with self._lock:
            if self._running.pop(key, None) is not None:
                self._forget_attempt(key)
                self._durations.observe(pair, seconds)
                self._count(pair, state, kind)

    def lose(self, task_id: str, pair: Pair, state: str, kind: str) -> None:
        """The main process ends a task whose own process cannot tell any more, or that never began; once."""
        with self._lock:
            key = self._latest.get(task_id, f"{task_id}#")
            if key in self._lost:
                return
            self._lost[key] = None
            if len(self._lost) > _LOST_REMEMBERED:
                self._forget_attempt(self._lost.popitem(last=False)[0])
            if (running := self._running.pop(key, None)) is not None:
                pair, since, _ = running
                self._durations.observe(pair, time.monotonic() - since)
            self._count(pair, state, kind)

    def _forget_attempt(self, key: str) -> None:
        task_id = key.rpartition("#")[0]
        if self._latest.get(task_id) == key:
            del self._latest[task_id]

    def _count(self, pair: Pair, state: str, kind: str) -> None:
        self._ended[(*pair, state)] = self._ended.get((*pair, state), 0) + 1
        if kind:
            self._timeouts[(*pair, kind)] = self._timeouts.get((*pair, kind), 0) + 1

    def families(self) -> list[Family]:
        """Everything counted until now."""
        with self._lock:
            self._forget()
            running: dict[Pair, int] = {}
            for pair, _, _ in self._running.values():
                running[pair] = running.get(pair, 0) + 1
            return [
                _counts_family("celery_tasks_total", "Executions that ended.", "state", self._ended),
                self._durations.family(),
                self._waits.family(),
                _counts_family(
                    "celery_task_timeouts_total", "Executions that hit a time limit.", "kind", self._timeouts
                ),
                Family(
                    "celery_tasks_running",
                    "gauge",
                    "Tasks that run now.",
                    tuple(("", (("task", t), ("queue", q)), float(n)) for (t, q), n in running.items()),
                ),
            ]

    def _forget(self) -> None:
        """Drops what ran in a process that is gone, when nobody told what became of it."""
        late = time.monotonic() - _RUNNING_GRACE
        gone = [k for k, (_, since, pid) in self._running.items() if since < late and not _counts_alive(pid)]
        for key in gone:
            del self._running[key]
            self._forget_attempt(key)


def _counts_family(name: str, text: str, label: str, counts: dict[tuple[str, str, str], int]) -> Family:
    samples = (("", (("task", t), ("queue", q), (label, x)), float(n)) for (t, q, x), n in counts.items())
    return Family(name, "counter", text, tuple(samples))


def _counts_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


class Pipe:
    """Carries what pool processes tell to the main process: one short line each, written at once or not at all.

    A line shorter than PIPE_BUF is never mixed with another one. A process that dies leaves nothing behind.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._rest = b""
        self._widen()

    def _widen(self) -> None:
        try:
            from fcntl import fcntl

            fcntl(self._writer, 1031, 1 << 20)  # F_SETPIPE_SZ, Linux only
        except (ImportError, OSError):
            return  # 64 KiB then: writers wait a little more often

    def write(self, line: str) -> None:
        """Called by pool processes. When the pipe stays full for a second, the line is lost rather than the task."""
        data = line.encode(errors="replace")[:4000] + b"\n"
        try:
            os.write(self._writer, data)
        except BlockingIOError:
            from select import select

            if select([], [self._writer], [], 1.0)[1]:
                try:
                    os.write(self._writer, data)
                except OSError:
                    return
        except OSError:
            return

    def wait(self) -> None:
        """Returns when there is something to read."""
        from select import select

        select([self._reader], [], [])

    def lines(self) -> Iterator[bytes]:
        """Every whole line that was written until now."""
        parts = [self._rest]
        while True:
            try:
                part = os.read(self._reader, 1 << 18)
            except BlockingIOError:
                break
            if not part:
                break
            parts.append(part)
        *whole, self._rest = b"".join(parts).split(b"\n")
        yield from whole


class Wire:
    """The two ends of the pipe: packs in a pool process, applies in the main process."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.pipe = Pipe()
        self._lock = threading.Lock()
        self._packed: dict[Pair, str] = {}
        self._pairs: dict[bytes, Pair] = {}

    def begin(self, key: str, pair: Pair, pid: int, wait: float | None, since: float) -> None:
        """Tells the main process that a task begins here."""
        self.pipe.write(f"b\t{key}\t{self._pack(pair)}\t{pid}\t{'' if wait is None else f'{wait:.6f}'}\t{since:.6f}")

    def end(self, key: str, pair: Pair, state: str, seconds: float, kind: str) -> None:
        """Tells the main process that a task ended here."""
        self.pipe.write(f"e\t{key}\t{self._pack(pair)}\t{state}\t{seconds:.6f}\t{kind}")

    def drain(self) -> None:
        """Counts everything told until now; called by the main process only."""
        with self._lock:
            for line in self.pipe.lines():
                what, key, packed, *rest = line.split(b"\t")
                pair = self._pairs.get(packed) or self._unpack(packed)
                if what == b"b":
                    wait = float(rest[1]) if rest[1] else None
                    self.counts.begin(key.decode(), pair, int(rest[0]), wait, float(rest[2]))
                else:
                    self.counts.end(key.decode(), pair, rest[0].decode(), float(rest[1]), rest[2].decode())

    def _pack(self, pair: Pair) -> str:
        packed = self._packed.get(pair)
        if packed is None:
            # JSON has no raw tab or newline, whatever the names hold.
            packed = self._packed[pair] = json.dumps([pair[0][:500], pair[1][:500]])
        return packed

    def _unpack(self, packed: bytes) -> Pair:
        task, queue = json.loads(packed)
        pair = self._pairs[packed] = (task, queue)
        return pair
