"""What executions are doing now: how long they run, against their limits, and how often one message was started."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from stackgen.app.parts.exposition import Family, family
from stackgen.app.parts.published import ENTRY_HEADER, LONGEST_ENTRY

_LONG_SECONDS = 5.0
"""What runs for less is not told: it would be another series at each scrape."""
_LONGEST = 1 << 31
"""Numbers of a message are less: it may hold anything."""
_DELIVERIES_SECONDS = 3600.0
_DELIVERIES_REMEMBERED = 10_000
_VISIBILITY_SECONDS = 3600.0
"""What Redis's transport waits for an acknowledgement by default (kombu 5.7, transport/redis.py)."""

About = Mapping[str, Any]
"""What is special about an execution: `limits` of its message, `again` for a message delivered again, `entry`."""
NOTHING_SPECIAL: About = {}


def about_execution(request: Any) -> About:
    """What a pool process can tell of the execution that begins; nothing of most."""
    about: dict[str, Any] = {}
    limits = request.timelimit
    if isinstance(limits, (list, tuple)) and any(limits):
        about["limits"] = [
            one if type(one) in (int, float) and 0 < one < _LONGEST else None for one in (*limits, None, None)[:2]
        ]
    info = request.delivery_info
    if isinstance(info, dict) and info.get("redelivered"):
        about["again"] = True
    entry = getattr(request, ENTRY_HEADER, None)
    if type(entry) is str and 0 < len(entry.encode(errors="replace")) <= LONGEST_ENTRY:
        about["entry"] = entry
    return about


class Deliveries:
    """How often the same message was started here, of those that were delivered again within the hour."""

    def __init__(self) -> None:
        self._starts: OrderedDict[str, tuple[str, int, float]] = OrderedDict()  # by id: task, starts, the last

    def again(self, task_id: str, task: str) -> None:
        """A message that was delivered before is started; whether it was started then, nobody here knows."""
        starts = self._starts.pop(task_id, ("", 0, 0.0))[1] + 1
        self._starts[task_id] = (task, starts, time.monotonic())
        if len(self._starts) > _DELIVERIES_REMEMBERED:
            self._starts.popitem(last=False)

    def family(self, worker: str) -> Family:
        """The most starts of one message, by task."""
        since, most = time.monotonic() - _DELIVERIES_SECONDS, dict[str, int]()
        for task, starts, last in self._starts.values():
            if last >= since:
                most[task] = max(most.get(task, 0), starts)
        samples = (((("task", task), ("worker", worker)), float(number)) for task, number in most.items())
        return family(
            "celery_task_message_starts",
            "gauge",
            "How often this worker started one message that was delivered again, the most within the hour.",
            samples,
        )


class Limits:
    """What may end an execution, or have its message delivered again."""

    def __init__(self, app: Any, broker: str) -> None:
        self._app = app
        options = app.conf.broker_transport_options or {}
        given = options.get("visibility_timeout", _VISIBILITY_SECONDS)
        self._visibility = float(given) if broker == "redis" and type(given) in (int, float) else None

    def limit(self, task: str, about: About) -> float | None:
        """Seconds after which it is ended, or should end by itself; None without a limit."""
        hard, soft = about.get("limits", (None, None))
        known = self._app.tasks.get(task)
        return hard or getattr(known, "time_limit", None) or soft or getattr(known, "soft_time_limit", None)

    def visibility(self, task: str) -> float | None:
        """Seconds after which Redis delivers its message again; None where it is acknowledged before it runs."""
        return self._visibility if getattr(self._app.tasks.get(task), "acks_late", False) else None


Running = tuple[str, str, float, About]
"""Task, queue, seconds that it runs, and what is special about it."""


def doing_families(running: Iterable[Running], limits: Limits, worker: str) -> list[Family]:
    """The longest execution of each task and queue that has run for a while, beside what limits it."""
    longest: dict[tuple[str, str], tuple[float, About]] = {}
    for task, queue, seconds, about in running:
        if seconds >= max(_LONG_SECONDS, longest.get((task, queue), (0.0,))[0]):
            longest[task, queue] = seconds, about
    labels = {one: (("task", one[0]), ("queue", one[1]), ("worker", worker)) for one in longest}
    limit = {one: limits.limit(one[0], about) for one, (_, about) in longest.items()}
    seen = {one: limits.visibility(one[0]) for one in longest}
    return [
        family(
            "celery_task_running_seconds",
            "gauge",
            "How long the longest execution has run that runs now.",
            ((labels[one], seconds) for one, (seconds, _) in longest.items()),
        ),
        family(
            "celery_task_limit_seconds",
            "gauge",
            "Its time limit: the hard one, else the soft one.",
            ((labels[one], float(number)) for one, number in limit.items() if number),
        ),
        family(
            "celery_task_visibility_seconds",
            "gauge",
            "After how long Redis delivers its message again: it is acknowledged when it ends.",
            (
                ((*labels[one], ("timeout", f"{number:g}s")), number)
                for one, number in seen.items()
                if number is not None
            ),
        ),
    ]
