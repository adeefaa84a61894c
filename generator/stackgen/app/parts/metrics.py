"""The metrics endpoint of each worker: exact counts from Celery's signals, whatever the pool.

Pool processes tell the main process through a pipe; the main process alone counts and answers scrapes, so that a
process that dies leaves nothing stale. Hard time limits and lost processes are known to the main process only.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from typing import Any

from stackgen.app.parts.counts import Counts, Pair
from stackgen.app.parts.doing import about_execution
from stackgen.app.parts.health import install_heartbeat
from stackgen.app.parts.holding import Holding
from stackgen.app.parts.keeper import METRICS_LOG, Keeper
from stackgen.app.parts.published import wait_seconds
from stackgen.app.parts.settings import Settings
from stackgen.app.parts.wire import Wire, wire_attempt


class WorkerMetrics:
    """Receivers of Celery's signals for one worker."""

    def __init__(self, app: Any, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._counts = Counts(settings.duration_buckets, settings.wait_buckets, _metrics_gone)
        self._main = self._pid = 0
        self._here: Counts | Wire = self._counts
        self._wire: Wire | None = None
        self._keeper: Keeper | None = None
        self._began: dict[str, tuple[float, Pair, object]] = {}
        self._last = ("", "")
        self._queues: dict[tuple[str, str], str] = {}
        self._only: dict[str, str] = {}

    def connect(self) -> None:
        """Listens to the signals that make a process a worker."""
        from celery import signals  # type: ignore[import-untyped, unused-ignore]

        for told, receiver in (
            (signals.worker_init, self.init),
            (signals.worker_ready, self.ready),
            (signals.worker_process_init, self.fork),
            (signals.worker_shutdown, self.shutdown),
        ):
            told.connect(receiver, weak=False, dispatch_uid=f"celery_monitoring.{receiver.__name__}")
        if getattr(self._app, "use_fast_trace_task", False) and not self._pid:  # a worker of this app has begun
            if self._app.log.already_setup:
                METRICS_LOG.error(
                    "setup(app) was called too late: this worker's metrics and logs are missing or not whole. "
                    "Call it where the app is made, or at the latest when worker_init is sent."
                )
            else:
                self.init()  # worker_init is being sent, and not to those who listen only now

    def init(self, sender: Any = None, **_: object) -> None:
        """Before the pool forks: the pipe that its processes inherit."""
        from celery import signals  # type: ignore[import-untyped, unused-ignore]

        self._app = getattr(sender, "app", self._app)  # of several apps that were set up, the one that works
        self._main = self._pid = os.getpid()
        self._wire = Wire(self._counts)
        for told, receiver in (
            (signals.task_prerun, self.prerun),
            (signals.task_postrun, self.postrun),
            (signals.task_failure, self.failure),
            (signals.task_retry, self.retry),
            (signals.task_revoked, self.revoked),
        ):
            told.connect(receiver, weak=False, dispatch_uid=f"celery_monitoring.{receiver.__name__}")

    def ready(self, sender: Any = None, **_: object) -> None:
        """The worker consumes: from now on it can be scraped."""
        if not self._main or self._keeper is not None:
            return
        if getattr(sender.pool, "is_green", False):
            self._wire = None  # one process does all; eventlet would wait for ever for something to read
        self._learn_queues()
        self._counts.know([*self._queues.values(), *self._settings.queues])
        holding = Holding(sender, lambda request: self._counts.queue(self._queue(request)))
        self._keeper = Keeper(self._app, self._settings, holding, self._counts, self._wire)
        self._keeper.start()

    def fork(self, **_: object) -> None:
        """In a pool process: tells through the pipe; lets go of the port, which else would outlive the worker."""
        self._pid = os.getpid()
        if self._pid == self._main or self._wire is None:
            return
        self._here = self._wire
        self._wire.pipe.write_only()
        if self._keeper is not None:
            self._keeper.close()

    def shutdown(self, **_: object) -> None:
        """The worker ends: no more scrapes."""
        if self._keeper is not None and os.getpid() == self._main:
            self._keeper.end()

    def _drain(self) -> None:
        if self._wire is not None:
            self._wire.drain()

    def prerun(self, task_id: str = "", task: Any = None, **_: object) -> None:
        """A task begins in this process."""
        request = task.request
        if request.is_eager or request.called_directly:
            return
        pair = (task.name, self._queue(request))
        since = time.monotonic()
        attempt = wire_attempt(task_id, request.retries)
        self._began[attempt] = (since, pair, sys.exc_info()[1])
        self._last = (task_id, attempt)
        self._here.begin((attempt, self._pid), pair, wait_seconds(request), since, about_execution(request))

    def postrun(self, task_id: str = "", task: Any = None, state: Any = None, retval: Any = None, **_: object) -> None:
        """A task ended in this process."""
        # A pool process runs one task at a time, so the request, which costs a microsecond, need not be asked again.
        last = self._last if self._pid != self._main else ("", "")
        attempt = last[1] if last[0] == task_id else wire_attempt(task_id, task.request.retries)
        began = self._began.pop(attempt, None)
        if began is None:
            return
        since, pair, before = began
        raised = sys.exc_info()[1]
        if isinstance(raised, Exception) and raised is not before:
            state = "FAILURE"  # not the task's, but around it: its result could not be kept, so it is lost
        if state:
            limited = state != "SUCCESS" and _metrics_is(getattr(retval, "exc", retval), "SoftTimeLimitExceeded")
            soft = "soft" if limited else ""
            self._here.end((attempt, self._pid), str(state), time.monotonic() - since, soft)
        elif self._pid == self._main and _metrics_is(raised, "Timeout"):
            # gevent and eventlet throw this for a hard limit; Celery 5.5 sends no signal then.
            self._counts.lose(_metrics_id(task_id), pair, "FAILURE", "hard")

    def failure(self, sender: Any = None, task_id: str = "", exception: Any = None, **_: object) -> None:
        """A failure that only the main process knows: a hard time limit or a lost process."""
        # Celery 5.7 tells of a Reject here too; postrun has counted it.
        if not _metrics_is(exception, "Reject"):
            kind = "hard" if _metrics_is(exception, "TimeLimitExceeded") else ""
            self._lose(sender, task_id, None, "FAILURE", kind)

    def retry(self, sender: Any = None, request: Any = None, **_: object) -> None:
        """A retry that only the main process knows: of a task whose process was lost."""
        self._lose(sender, request.id, request, "RETRY", "")

    def revoked(self, sender: Any = None, request: Any = None, **_: object) -> None:
        """A task was revoked or expired, before it began or while it ran."""
        self._lose(sender, request.id, request, "REVOKED", "")

    def _lose(self, sender: Any, task_id: str, request: Any, state: str, kind: str) -> None:
        # What runs in this very process ends in postrun, unless it was revoked.
        if self._pid != self._main or (self._runs(task_id) and state != "REVOKED" and kind != "hard"):
            return
        self._drain()  # what the process told before it was lost
        queue = self._queue(request) if request else str(self._app.conf.task_default_queue)
        self._counts.lose(_metrics_id(task_id), (sender.name, queue), state, kind)

    def _runs(self, task_id: str) -> bool:
        return any(attempt.rpartition("#")[0] == _metrics_id(task_id) for attempt in list(self._began))

    def _queue(self, request: Any) -> str:
        """The queue a message came from; a topic exchange's routing key when several queues may have it."""
        info = request.delivery_info
        if not isinstance(info, dict):
            info = {}
        exchange, key = str(info.get("exchange") or ""), str(info.get("routing_key") or "")
        if not self._queues:
            self._learn_queues()
        known = self._queues.get((exchange, key)) or self._only.get(exchange)
        return known or key or str(self._app.conf.task_default_queue)

    def _learn_queues(self) -> None:
        queues = self._app.amqp.queues
        self._queues = {(q.exchange.name, q.routing_key): q.name for q in queues.values() if q.exchange}
        consumed = [q for q in queues.consume_from.values() if q.exchange and q.exchange.name]
        numbers = Counter(q.exchange.name for q in consumed)
        self._only = {q.exchange.name: q.name for q in consumed if numbers[q.exchange.name] == 1}


def install_metrics(app: Any, settings: Settings) -> None:
    """Keeps a heartbeat file, and makes every worker answer scrapes when stack.yaml lists the source `worker`."""
    install_heartbeat(settings)
    if settings.metrics.enabled:
        WorkerMetrics(app, settings).connect()


def _metrics_gone(task_id: str, pair: Pair) -> None:
    METRICS_LOG.error("task %s of queue %s, id %s: its process is gone, and it counts as failed", *pair, task_id)


def _metrics_id(task_id: object) -> str:
    return wire_attempt(task_id, 0).rpartition("#")[0]


def _metrics_is(exception: object, name: str) -> bool:
    return any(kind.__name__ == name for kind in type(exception).__mro__)
