"""The entries of beat's schedule: when each is due, by Celery's own schedule objects, whichever scheduler keeps it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from typing import Any

MOST_ENTRIES = 1_000
"""Entries that are told; of the others nobody hears."""
_HIDDEN_SECONDS = 60.0
_EARLY = 1.0
"""Seconds by which an entry may be sent before its time, for clocks are compared as floats."""


@dataclass(frozen=True)
class Planned:
    """What is known of one entry; times are Unix times."""

    task: str
    schedule: Any
    due: float | None
    """When it must be sent next; in the past until it is sent. None when never again."""
    period: float | None
    """Seconds from then to the time after it."""
    last: float | None
    """When it was last sent, also by a beat before this one."""

    def late(self, now: float, sent: float | None) -> float:
        """Seconds since it should have been sent; 0 before that, and once it is sent."""
        waits = self.due is not None and (sent is None or sent < self.due - _EARLY)
        return max(0.0, now - self.due) if waits and self.due is not None else 0.0


class Schedule:
    """Reads a running scheduler, in its own thread; nothing is changed in it."""

    def __init__(self, scheduler: Any) -> None:
        self._scheduler = scheduler
        self._hidden: list[tuple[str, Any]] = []
        self._kept: object = None
        self._next_hidden = 0.0
        self.total = 0
        """Entries there are."""

    def read(self, before: dict[str, Planned], sent: dict[str, float]) -> dict[str, Planned]:
        """Every entry now, given what was read last and when each was last sent by this process."""
        found = dict(self._entries())
        self.total = len(found)
        planned = {}
        for name, entry in islice(found.items(), MOST_ENTRIES):
            now = time.time()
            due, period = schedule_due(entry, now)
            old = before.get(name)
            if old and _schedule_missed(old, entry, due, now, sent.get(name)):
                due = old.due
            # A scheduler writes down each time that it tried.
            past = old.last if old else schedule_last(entry) if getattr(entry, "total_run_count", 0) else None
            planned[name] = Planned(str(entry.task), entry.schedule, due, period, sent.get(name, past))
        return planned

    def _entries(self) -> Iterator[tuple[str, Any]]:
        if getattr(self._scheduler.app, "redbeat_conf", None) is not None:
            yield from self._redbeat()
            return
        kept = getattr(self._scheduler, "_schedule", None)  # django-celery-beat's `schedule` would ask the database
        yield from (kept if isinstance(kept, dict) else self._scheduler.schedule).items()
        yield from self._far()

    def _redbeat(self) -> Iterator[tuple[str, Any]]:
        """RedBeat's `schedule` holds only what is due; all entries are in its sorted set."""
        from redbeat.schedulers import get_redis  # type: ignore[import-not-found, import-untyped, unused-ignore]

        app, kind = self._scheduler.app, self._scheduler.Entry
        keys = get_redis(app).zrange(app.redbeat_conf.schedule_key, 0, MOST_ENTRIES - 1)
        for key in keys:
            with suppress(KeyError):
                entry = kind.from_key(key, app=app)
                if entry.enabled:
                    yield str(entry.name), entry

    def _far(self) -> Iterator[tuple[str, Any]]:
        """django-celery-beat leaves out what is not due within some hours; its table knows the others."""
        model = getattr(self._scheduler, "Model", None)
        if model is None:
            return
        kept = self._scheduler._schedule
        if kept is not self._kept or time.monotonic() >= self._next_hidden:
            kinds = ("interval", "crontab", "solar", "clocked")
            self._hidden = [(row.name, row) for row in model.objects.enabled().select_related(*kinds)[:MOST_ENTRIES]]
            self._kept, self._next_hidden = kept, time.monotonic() + _HIDDEN_SECONDS
        yield from ((name, row) for name, row in self._hidden if name not in kept)


def schedule_last(entry: Any) -> float | None:
    """When the scheduler says that an entry was last sent."""
    last = entry.last_run_at
    return None if last is None else float(entry.schedule.maybe_make_aware(last).timestamp())


def schedule_due(entry: Any, now: float) -> tuple[float | None, float | None]:
    """When an entry is due, and how long after that once more; None for never."""
    row = getattr(entry, "model", entry)
    if getattr(row, "one_off", False) and entry.total_run_count:
        return None, None
    last = entry.last_run_at or getattr(row, "date_changed", None)
    rest = None if last is None else entry.schedule.remaining_estimate(last)
    if last is not None and rest is None:
        return None, None
    due = round(now + rest.total_seconds(), 1) if rest is not None else now
    start = getattr(row, "start_time", None)
    if start is not None:
        due = max(due, start.timestamp())
    every = getattr(entry.schedule, "run_every", None)
    if every is not None:
        return due, every.total_seconds()
    # From a moment after it: a crontab knows whole minutes.
    then = datetime.fromtimestamp(due + _EARLY, timezone.utc)
    after = entry.schedule.remaining_estimate(then)
    period = now + after.total_seconds() - due if after is not None else 0.0
    return due, round(period, 3) if period > _EARLY else None


def _schedule_missed(old: Planned, entry: Any, due: float | None, now: float, sent: float | None) -> bool:
    """Whether the scheduler went past a time without sending: the broker refused, or it was too late to start."""
    moved = due is None or (old.due is not None and due > old.due)
    return moved and old.late(now, sent) > 0 and bool(old.schedule == entry.schedule)
