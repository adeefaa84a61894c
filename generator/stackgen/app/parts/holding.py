"""What one worker holds: slots of its pool, queues that it consumes, and messages that wait inside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from stackgen.app.parts.exposition import Family, family

_MOST_HELD = 10_000
"""Messages that are looked into, of each kind; what is beyond is not told."""
_TRIES = 3

QueueOf = Callable[[Any], str]


class Holding:
    """Looks at the consumer of a worker that is ready, from the endpoint's own thread; nothing is changed in it."""

    def __init__(self, consumer: Any, queue_of: QueueOf) -> None:
        self._consumer, self.worker, self._queue_of = consumer, str(consumer.hostname), queue_of
        self._since: dict[str, float] = {}  # by id: when it was first seen to wait

    def families(self, busy: int, begun: float) -> list[Family]:
        """What a scrape shows; `busy` executions run, and the last one began at `begun` of the monotonic clock."""
        slots = _holding_slots(self._consumer.pool)
        waiting, delayed = self._waiting(), self._delayed()
        counts: dict[str, int] = {}
        for queue, _ in waiting:
            counts[queue] = counts.get(queue, 0) + 1
        return [
            self._family("celery_worker_slots", "Executions that its pool may run at once.", {"": float(slots)}),
            self._family("celery_worker_slots_busy", "Executions that run now.", {"": float(busy)}),
            self._family(
                "celery_worker_idle_seconds", "How long ago the last one began.", {"": time.monotonic() - begun}
            ),
            self._family("celery_worker_consumes", "1 for each queue that it takes from.", self._consumes()),
            self._family(
                "celery_worker_reserved", "Messages that wait inside the worker, and are due.", _as_floats(counts)
            ),
            self._family(
                "celery_worker_reserved_seconds",
                "How long the one has been seen to wait that waits longest.",
                dict(sorted(waiting, key=lambda one: one[1])),
            ),
            self._family("celery_worker_delayed", "Messages whose ETA is to come.", _as_floats(delayed)),
        ]

    def _family(self, name: str, text: str, values: dict[str, float]) -> Family:
        """The key is the queue; "" for none."""
        own = ("worker", self.worker)
        return family(name, "gauge", text, (((own, ("queue", q)) if q else (own,), v) for q, v in values.items()))

    def _consumes(self) -> dict[str, float]:
        """Nothing while the connection is lost, or when its consumers are cancelled."""
        consumer = getattr(self._consumer, "task_consumer", None)
        return {str(queue.name): 1.0 for queue in list(getattr(consumer, "queues", ()) or ())}

    def _waiting(self) -> list[tuple[str, float]]:
        """Queue and seconds of each message that is due, and has no slot yet."""
        from celery.worker import state  # type: ignore[import-untyped, unused-ignore]

        now = time.monotonic()
        active = set(map(id, _holding_copy(state.active_requests)))
        found = [one for one in _holding_copy(state.reserved_requests) if id(one) not in active]
        self._since = {str(one.id): self._since.get(str(one.id), now) for one in found}
        return [(self._queue_of(one), now - self._since[str(one.id)]) for one in found]

    def _delayed(self) -> dict[str, int]:
        """Messages that the worker's own clock will start, by queue."""
        schedule = getattr(self._consumer.timer, "schedule", None)
        counts: dict[str, int] = {}
        for waiting in islice(list(getattr(schedule, "queue", ())), _MOST_HELD):
            given = getattr(waiting.entry, "args", None)
            if given and hasattr(given[0], "delivery_info") and not waiting.entry.canceled:
                queue = self._queue_of(given[0])
                counts[queue] = counts.get(queue, 0) + 1
        return counts


def _holding_slots(pool: Any) -> int:
    """prefork's own number follows autoscaling."""
    number = getattr(pool, "num_processes", None) or getattr(pool, "limit", None) or 1
    return number if isinstance(number, int) else 1


def _holding_copy(requests: Iterable[Any]) -> list[Any]:
    """A set of weak references, which the worker changes while it is read."""
    for _ in range(_TRIES):
        try:
            return list(islice(requests, _MOST_HELD))
        except RuntimeError:
            continue
    return []


def _as_floats(counts: dict[str, int]) -> dict[str, float]:
    return {key: float(number) for key, number in counts.items()}
