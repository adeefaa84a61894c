"""What became of the entries of beat's schedule in one worker: last start, last success, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from stackgen.app.parts.exposition import Family, family
from stackgen.app.parts.schedule import MOST_ENTRIES

_ENTRY_TOLD_SECONDS = 300.0
"""How long a run is told after its end."""

Entry = tuple[str, str]
"""Entry and task."""


class Entries:
    """Kept by the main process; of more entries than beat tells, the others are left out."""

    def __init__(self) -> None:
        self._started: dict[Entry, float] = {}
        self._succeeded: dict[Entry, float] = {}
        self._took: dict[Entry, list[tuple[float, float]]] = {}  # end on the monotonic clock, seconds; falling

    def begin(self, entry: Entry) -> None:
        """A run begins."""
        if entry in self._started or len(self._started) < MOST_ENTRIES:
            self._started[entry] = time.time()

    def end(self, entry: Entry, state: str, seconds: float) -> None:
        """A run ended."""
        if entry not in self._started:
            return
        now = time.monotonic()
        if state == "SUCCESS":
            self._succeeded[entry] = time.time()
        longer = [one for one in self._took.get(entry, ()) if one[1] > seconds and one[0] > now - _ENTRY_TOLD_SECONDS]
        self._took[entry] = [*longer, (now, seconds)]

    def families(self, running: Iterable[tuple[Entry, float]]) -> list[Family]:
        """What a scrape shows; `running` are the runs of now, with their seconds."""
        numbers, runtime, since = dict[Entry, int](), dict[Entry, float](), time.monotonic() - _ENTRY_TOLD_SECONDS
        for entry, seconds in running:
            numbers[entry] = numbers.get(entry, 0) + 1
            runtime[entry] = max(runtime.get(entry, 0.0), seconds)
        for entry, ends in self._took.items():
            for ended, seconds in ends:
                if ended > since:
                    runtime[entry] = max(runtime.get(entry, 0.0), seconds)
        return [
            _entries_family("start_timestamp_seconds", "When a run last began here.", self._started),
            _entries_family("success_timestamp_seconds", "When one last succeeded here.", self._succeeded),
            _entries_family("running", "Runs of now.", {one: float(numbers.get(one, 0)) for one in self._started}),
            _entries_family(
                "runtime_seconds", "The longest run of those that run, or ended within five minutes.", runtime
            ),
        ]

    def state(self) -> list[list[Any]]:
        """What outlives a restart."""
        return [[*entry, at, self._succeeded.get(entry)] for entry, at in self._started.items()]

    def resume(self, state: Any) -> None:
        """Goes on from a state. Raises LookupError, TypeError or ValueError when it is none."""
        rows = [((str(e), str(t)), float(at), None if ok is None else float(ok)) for e, t, at, ok in state]
        self._started = {entry: at for entry, at, _ in rows[:MOST_ENTRIES]}
        self._succeeded = {entry: ok for entry, _, ok in rows[:MOST_ENTRIES] if ok is not None}


def _entries_family(name: str, text: str, values: dict[Entry, float]) -> Family:
    samples = (((("entry", entry), ("task", task)), value) for (entry, task), value in values.items())
    return family(f"celery_entry_{name}", "gauge", text, samples)
