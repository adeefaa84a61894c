"""Beat's endpoint: whether its clock goes on, and when each entry of its schedule is due and was sent."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable
from typing import Any

from stackgen.app.parts.endpoint import serve
from stackgen.app.parts.exposition import Family, family
from stackgen.app.parts.published import sending_entry
from stackgen.app.parts.schedule import MOST_ENTRIES, Planned, Schedule
from stackgen.app.parts.settings import Settings

BEAT_SLACK = 30.0
"""Seconds that a tick may take, or come late."""
_BEAT_SHARE = 100
"""Reading the schedule takes at most a hundredth of beat's time."""
_LONG_SLEEP = 10.0
"""Seconds of sleep before which it is read in any case."""
_BEAT_STALEST = 30.0
_BEAT_RETRY_SECONDS = 30.0

BEAT_LOG = logging.getLogger("celery.monitoring")


class BeatMetrics:
    """Stands beside the scheduler of one beat: looks on when it ticks and sends, and returns what it returns."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.beat
        self._scheduler: Any = None
        self._schedule = Schedule(None)
        self._tick: Any = None
        self._send: Any = None
        self._ticked: tuple[float, float] | None = None  # the last tick, and when the next is due
        self._planned: dict[str, Planned] = {}
        self._sent: dict[str, float] = {}
        self._times: dict[str, int] = {}
        self._next_look = 0.0
        self._said = ""

    def connect(self) -> None:
        """Listens to the signal that makes a process a beat."""
        from celery import signals  # type: ignore[import-untyped, unused-ignore]

        signals.beat_init.connect(self.begin, weak=False, dispatch_uid="celery_monitoring.beat")

    def begin(self, sender: Any = None, **_: object) -> None:
        """Before the first tick; RedBeat may wait for its lock after this."""
        scheduler = sender.scheduler
        if scheduler is self._scheduler:
            return
        self._scheduler, self._schedule = scheduler, Schedule(scheduler)
        self._tick, self._send = scheduler.tick, scheduler.apply_async
        scheduler.tick, scheduler.apply_async = self.tick, self.send
        threading.Thread(target=self._open, name="celery-monitoring-beat", daemon=True).start()

    def tick(self, *args: Any, **options: Any) -> Any:
        """The scheduler's own tick. What looking on takes is taken off the sleep that follows."""
        interval = self._tick(*args, **options)
        began = time.monotonic()
        try:
            self._look(float(interval or 0))
        except Exception as error:
            self._say(logging.ERROR, f"Monitoring of beat: {type(error).__name__}: {error}")
        spent = time.monotonic() - began
        return max(0.0, interval - spent) if interval and interval > 0 else interval

    def send(self, entry: Any, *args: Any, **options: Any) -> Any:
        """The scheduler's own apply_async; it raises when the task could not be sent."""
        name = str(entry.name)
        with sending_entry(name):
            result = self._send(entry, *args, **options)
        self._sent[name] = time.time()
        self._times[name] = self._times.get(name, 0) + 1
        return result

    def _look(self, interval: float) -> None:
        began = time.monotonic()
        now = time.time()
        self._ticked = now, now + interval
        if interval <= _LONG_SLEEP and began < self._next_look:
            return
        self._planned = self._schedule.read(self._planned, self._sent)
        if (left := self._schedule.total - MOST_ENTRIES) > 0:
            self._say(logging.WARNING, f"{left} entries of the schedule are not measured: {MOST_ENTRIES} are")
        self._sent = {name: at for name, at in self._sent.items() if name in self._planned}
        self._times = {name: self._times.get(name, 0) for name in self._planned}
        self._next_look = began + min(_BEAT_SHARE * (time.monotonic() - began), _BEAT_STALEST)

    def alive(self) -> tuple[bool, str]:
        """Whether the clock goes on; before its first tick beat starts, or waits for RedBeat's lock."""
        if self._ticked is None:
            return True, "no tick yet"
        late = time.time() - self._ticked[1]
        return late <= BEAT_SLACK, f"next tick is due in {-late:.1f} s" if late < 0 else f"tick is {late:.1f} s late"

    def families(self) -> Iterable[Family]:
        """What a scrape shows; of a beat that has not ticked, nothing."""
        if self._ticked is None:
            return []
        planned = {name: ((("entry", name), ("task", one.task)), one) for name, one in self._planned.items()}
        times, sent = dict(self._times), dict(self._sent)
        (last, following), now = self._ticked, time.time()
        return [
            _beat_gauge("celery_beat_last_tick_timestamp_seconds", "Last tick of the scheduler.", [((), last)]),
            _beat_gauge(
                "celery_beat_tick_late_seconds", "How late its next one is.", [((), max(0.0, now - following))]
            ),
            _beat_gauge(
                "celery_beat_entry_late_seconds",
                "How long ago an entry should have been sent; 0 until it is due.",
                [(labels, one.late(now, sent.get(name))) for name, (labels, one) in planned.items()],
            ),
            _beat_gauge(
                "celery_beat_entry_due_timestamp_seconds",
                "When an entry must be sent next; in the past until it is.",
                [(labels, one.due) for labels, one in planned.values() if one.due is not None],
            ),
            _beat_gauge(
                "celery_beat_entry_period_seconds",
                "Time from when it is due to when it is due again.",
                [(labels, one.period) for labels, one in planned.values() if one.period is not None],
            ),
            _beat_gauge(
                "celery_beat_entry_last_sent_timestamp_seconds",
                "When it was last sent.",
                [(labels, one.last) for labels, one in planned.values() if one.last is not None],
            ),
            family(
                "celery_beat_entry_sent_total",
                "counter",
                "How often it was sent, since beat started.",
                [(labels, float(times.get(name, 0))) for name, (labels, _) in planned.items()],
            ),
        ]

    def _open(self) -> None:
        checks = {"/livez": self.alive, "/readyz": self.alive}
        while True:
            port: object = os.environ.get("CELERY_BEAT_METRICS_PORT") or self._settings.port
            try:
                server = serve(self._settings.host, [int(str(port))], self.families, checks)
            except (OSError, ValueError, OverflowError) as error:
                self._say(logging.ERROR, f"No metrics endpoint of beat; does another beat run here? {error}")
                time.sleep(_BEAT_RETRY_SECONDS)
            else:
                self._say(logging.INFO, f"Metrics of beat at port {server.server_port}, /metrics")
                return

    def _say(self, level: int, text: str) -> None:
        """Once, until there is something else to say."""
        if text != self._said:
            self._said = text
            BEAT_LOG.log(level, "%s", text)


def install_beat(settings: Settings) -> None:
    """Makes beat answer scrapes when stack.yaml lists the source `beat`."""
    if settings.beat.enabled:
        BeatMetrics(settings).connect()


def _beat_gauge(name: str, text: str, samples: list[tuple[tuple[tuple[str, str], ...], float]]) -> Family:
    return family(name, "gauge", text, samples)
