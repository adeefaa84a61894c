"""What happened to tasks, counted once: outcomes, durations, waits, time limits, and what runs now."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any

from stackgen.app.parts.doing import NOTHING_SPECIAL, About, Deliveries, Running
from stackgen.app.parts.entries import Entries
from stackgen.app.parts.exposition import Family, bound_text, exposed_labels, family
from stackgen.app.parts.resources import process_runs

_LOST_REMEMBERED = 10_000
"""Executions that the main process ended: Celery 5.7 tells a hard time limit twice."""
_GONE_GRACE = 10.0
"""Seconds that the main process has to tell of a process that is gone, before its task counts as failed."""
MOST_QUEUES = 50
"""Queues that no setting knows (routing keys of a topic exchange, say) and that are still told apart."""
OTHER_QUEUES = "other"

_COUNT_AND_SUM = (("count", "%d"), ("sum", "%r"))

Pair = tuple[str, str]
"""Task and queue."""
Attempt = tuple[str, int]
"""One execution: `id#retries`, and the process it runs in. A message may be delivered twice."""


class Histogram:
    """Observations by task and queue, counted in buckets."""

    def __init__(self, name: str, text: str, bounds: Sequence[float]) -> None:
        self.name, self.text = name, text
        self.bounds = sorted({float(bound) for bound in bounds})
        self.rows: dict[Pair, list[float]] = {}
        self._layouts: dict[Pair, str] = {}

    def observe(self, pair: Pair, seconds: float) -> None:
        """Counts one observation."""
        row = self.rows.get(pair)
        if row is None:
            row = self.rows[pair] = [0] * (len(self.bounds) + 2)
        row[bisect_left(self.bounds, seconds)] += 1
        row[-1] += seconds

    def family(self) -> Family:
        """Everything observed until now. A row is laid out once, so that a large page costs one `%` a row."""
        lines = []
        for pair, row in self.rows.items():
            layout = self._layouts.get(pair)
            if layout is None:
                layout = self._layouts[pair] = self._layout(pair)
            *counts, total = row
            below = list(accumulate(counts))
            lines.append(layout % (*below, below[-1], total))
        return Family(self.name, "histogram", self.text, "".join(lines))

    def _layout(self, pair: Pair) -> str:
        labels = (("task", pair[0]), ("queue", pair[1]))
        bounds = [(*labels, ("le", bound_text(bound))) for bound in (*self.bounds, float("inf"))]
        inner = [(f"{self.name}_bucket{exposed_labels(one)}", "%d") for one in bounds]
        inner += [(f"{self.name}_{part}{exposed_labels(labels)}", form) for part, form in _COUNT_AND_SUM]
        return "".join(f"{name.replace('%', '%%')} {form}\n" for name, form in inner)


class Counts:
    """All counts of one worker, kept by its main process alone."""

    def __init__(
        self,
        duration_buckets: Sequence[float],
        wait_buckets: Sequence[float],
        gone: Callable[[str, Pair], None] = lambda task_id, pair: None,
    ) -> None:
        self._lock = threading.Lock()
        self._gone = gone
        self._ended: dict[tuple[str, str, str], int] = {}
        self._timeouts: dict[tuple[str, str, str], int] = {}
        self._durations = Histogram("celery_task_duration_seconds", "Time an execution took.", duration_buckets)
        self._waits = Histogram(
            "celery_task_wait_time_seconds", "Time from when a task was due until it began.", wait_buckets
        )
        self._running: dict[Attempt, tuple[Pair, float]] = {}
        self._missed: dict[Attempt, float] = {}  # since when its process is gone
        self._latest: dict[str, Attempt] = {}  # the newest attempt of a task, by its id
        self._lost: OrderedDict[tuple[str, str], None] = OrderedDict()  # id and state
        self._about: dict[Attempt, About] = {}  # of those that run and are special
        self._entries = Entries()
        self.deliveries = Deliveries()
        self.begun = time.monotonic()
        """When the last execution began, on the monotonic clock; at first, when the worker did."""
        self._queues: set[str] = {OTHER_QUEUES}
        self._room = MOST_QUEUES
        self.untold = 0
        """What pool processes could not tell."""

    def know(self, queues: Iterable[str]) -> None:
        """These queues have a label of their own, however many others there are."""
        self._queues.update(queues)

    def _admitted(self, pair: Pair) -> Pair:
        if pair[1] in self._queues:
            return pair
        if self._room == 0:
            return pair[0], OTHER_QUEUES
        self._room -= 1
        self._queues.add(pair[1])
        return pair

    def queue(self, name: str) -> str:
        """The label of a queue."""
        with self._lock:
            return self._admitted(("", name))[1]

    def running(self) -> list[Running]:
        """Every execution that runs now."""
        now = time.monotonic()
        with self._lock:
            return [
                (*pair, now - since, self._about.get(attempt, NOTHING_SPECIAL))
                for attempt, (pair, since) in self._running.items()
            ]

    def begin(
        self, attempt: Attempt, pair: Pair, wait: float | None, since: float, about: About = NOTHING_SPECIAL
    ) -> None:
        """An attempt began at `since` of the monotonic clock; `wait` is None when nobody knows it.

        The next attempt may begin in another process before the end of this one is told.
        """
        task_id = _counts_id(attempt)
        with self._lock:
            pair = self._admitted(pair)
            before = self._latest.get(task_id)
            # Delivered again because its process is lost (reject_on_worker_lost): the main process tells nobody.
            if before and before[0] == attempt[0] and before in self._running and not process_runs(before[1]):
                self._fail(before)
            self._running[attempt] = (pair, since)
            self.begun = time.monotonic()
            if about:
                self._special(attempt, pair, about)
            self._latest[task_id] = attempt
            for state in ("FAILURE", "REVOKED", "RETRY"):
                self._lost.pop((task_id, state), None)
            if wait is not None:
                self._waits.observe(pair, wait)

    def _special(self, attempt: Attempt, pair: Pair, about: About) -> None:
        self._about[attempt] = about
        if "again" in about:
            self.deliveries.again(attempt[0], pair[0])
        if "entry" in about:
            self._entries.begin((about["entry"], pair[0]))

    def drop(self, attempt: Attempt) -> None:
        """An attempt runs no more, and nobody knows how it ended."""
        with self._lock:
            self._running.pop(attempt, None)
            self._about.pop(attempt, None)

    def end(self, attempt: Attempt, state: str, seconds: float, kind: str) -> None:
        """An attempt ended where it ran; nothing when the main process has ended it already."""
        with self._lock:
            if (running := self._running.pop(attempt, None)) is not None:
                self._forget(attempt, running[0], state, seconds)
                self._count(running[0], state, kind)

    def lose(self, task_id: str, pair: Pair, state: str, kind: str) -> None:
        """The main process ends a task whose own process cannot tell any more, or that never began; once."""
        with self._lock:
            if (task_id, state) in self._lost:
                return
            self._remember(task_id, state)
            attempt = self._latest.get(task_id)
            running = self._running.pop(attempt, None) if attempt else None
            if attempt and running:
                pair = running[0]
                self._forget(attempt, pair, state, time.monotonic() - running[1])
            self._count(self._admitted(pair), state, kind)

    def sweep(self) -> None:
        """Counts as failed what ran in a process that is gone, when nobody told what became of it."""
        now = time.monotonic()
        with self._lock:
            gone = [one for one in self._running if not process_runs(one[1])]
            self._missed = {one: self._missed.get(one, now) for one in gone}
            for one, since in self._missed.items():
                if now - since > _GONE_GRACE:
                    self._remember(_counts_id(one), "FAILURE")
                    self._fail(one)

    def _fail(self, attempt: Attempt) -> None:
        pair, since = self._running.pop(attempt)
        self._forget(attempt, pair, "FAILURE", time.monotonic() - since)
        self._count(pair, "FAILURE", "")
        self._gone(_counts_id(attempt), pair)

    def _remember(self, task_id: str, state: str) -> None:
        self._lost[task_id, state] = None
        if len(self._lost) > _LOST_REMEMBERED:
            self._lost.popitem(last=False)

    def _forget(self, attempt: Attempt, pair: Pair, state: str, seconds: float) -> None:
        self._durations.observe(pair, seconds)
        if (about := self._about.pop(attempt, None)) is not None and "entry" in about:
            self._entries.end((about["entry"], pair[0]), state, seconds)
        task_id = _counts_id(attempt)
        if self._latest.get(task_id) == attempt:
            del self._latest[task_id]

    def _count(self, pair: Pair, state: str, kind: str) -> None:
        self._ended[(*pair, state)] = self._ended.get((*pair, state), 0) + 1
        if kind:
            self._timeouts[(*pair, kind)] = self._timeouts.get((*pair, kind), 0) + 1

    def families(self) -> list[Family]:
        """Everything counted until now."""
        now = time.monotonic()
        with self._lock:
            running: dict[Pair, int] = {}
            for pair, _ in self._running.values():
                running[pair] = running.get(pair, 0) + 1
            entries = [
                ((about["entry"], self._running[one][0][0]), now - self._running[one][1])
                for one, about in self._about.items()
                if "entry" in about
            ]
            return [
                *self._entries.families(entries),
                _counts_family("celery_tasks_total", "Executions that ended.", "state", self._ended),
                self._durations.family(),
                self._waits.family(),
                _counts_family(
                    "celery_task_timeouts_total", "Executions that hit a time limit.", "kind", self._timeouts
                ),
                family(
                    "celery_tasks_running",
                    "gauge",
                    "Tasks that run now.",
                    ((_counts_labels(pair), number) for pair, number in running.items()),
                ),
            ]

    def state(self) -> dict[str, Any]:
        """What a worker that starts again goes on from, as JSON has it."""
        with self._lock:
            return {
                "ended": [[*key, number] for key, number in self._ended.items()],
                "timeouts": [[*key, number] for key, number in self._timeouts.items()],
                "entries": self._entries.state(),
                **{
                    one.name: {"bounds": one.bounds, "rows": [[*pair, list(row)] for pair, row in one.rows.items()]}
                    for one in (self._durations, self._waits)
                },
            }

    def resume(self, state: Any) -> None:
        """Goes on from a state. Raises LookupError, TypeError or ValueError, and changes nothing, when it is none."""
        numbers = [
            {(str(task), str(queue), str(what)): int(number) for task, queue, what, number in state[key]}
            for key in ("ended", "timeouts")
        ]
        rows = [_counts_rows(one, state[one.name]) for one in (self._durations, self._waits)]
        self._entries.resume(state.get("entries", ()))
        with self._lock:
            self._ended, self._timeouts = numbers
            self._durations.rows, self._waits.rows = rows
            for _, queue, _ in (*self._ended, *self._timeouts):
                self._admitted(("", queue))


def _counts_rows(one: Histogram, state: Any) -> dict[Pair, list[float]]:
    rows = {(str(task), str(queue)): [*map(int, row[:-1]), float(row[-1])] for task, queue, row in state["rows"]}
    if state["bounds"] != one.bounds or any(len(row) != len(one.bounds) + 2 for row in rows.values()):
        message = f"other buckets of {one.name}"
        raise ValueError(message)
    return rows


def _counts_id(attempt: Attempt) -> str:
    return attempt[0].rpartition("#")[0]


def _counts_labels(pair: Pair) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("task", pair[0]), ("queue", pair[1])


def _counts_family(name: str, text: str, label: str, counts: dict[tuple[str, str, str], int]) -> Family:
    samples = (((*_counts_labels((t, q)), (label, x)), float(n)) for (t, q, x), n in counts.items())
    return family(name, "counter", text, samples)
