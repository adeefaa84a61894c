"""The metrics endpoint of each worker: exact counts from Celery's signals, whatever the pool.

Pool processes tell the main process through a pipe; the main process alone counts and answers scrapes, so that a
process that dies leaves nothing stale. Hard time limits and lost processes are known to the main process only.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from typing import Any

from stackgen.app.parts.counts import Counts, Pair, Wire
from stackgen.app.parts.endpoint import PORTS, serve
from stackgen.app.parts.health import Heartbeat, heartbeat_path, install_heartbeat, worker_answers
from stackgen.app.parts.published import wait_seconds
from stackgen.app.parts.resources import Resources
from stackgen.app.parts.settings import Settings

_DRAIN_SECONDS = 0.1

_metrics_log = logging.getLogger("celery.monitoring")


class WorkerMetrics:
    """Receivers of Celery's signals for one worker."""

    def __init__(self, app: Any, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._counts = Counts(settings.duration_buckets, settings.wait_buckets)
        self._main = self._pid = 0
        self._here: Counts | Wire = self._counts
        self._wire: Wire | None = None
        self._server: Any = None
        self._began: dict[str, tuple[float, Pair]] = {}
        self._last = ("", "")
        self._queues: dict[tuple[str, str], str] | None = None

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

    def init(self, **_: object) -> None:
        """Before the pool forks: the pipe that its processes inherit."""
        from celery import signals  # type: ignore[import-untyped, unused-ignore]

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
        assert sender is not None
        resources = Resources(sender.hostname, self._main)
        path = heartbeat_path(self._settings.name, sender.hostname)

        def families() -> list[Any]:
            self._drain()
            return [*self._counts.families(), *resources.families()]

        checks = {
            "/livez": lambda: Heartbeat(path).alive(),
            "/readyz": lambda: worker_answers(self._app, sender.hostname),
        }
        port = int(os.environ.get("CELERY_METRICS_PORT") or self._settings.metrics.port)
        try:
            self._server = serve(self._settings.metrics.host, port, families, checks, PORTS)
        except OSError as error:
            _metrics_log.error("No metrics endpoint: %s", error)
            return
        _metrics_log.info("Metrics of %s at port %d, /metrics", sender.hostname, self._server.server_port)
        if type(sender.pool).__module__ == "celery.concurrency.prefork":
            threading.Thread(target=self._read, name="celery-monitoring-pipe", daemon=True).start()
        else:
            self._wire = None  # one process does all; eventlet would wait for ever for something to read

    def fork(self, **_: object) -> None:
        """In a pool process: tells through the pipe; lets go of the port, which else would outlive the worker."""
        self._pid = os.getpid()
        if self._pid == self._main or self._wire is None:
            return
        self._here = self._wire
        if self._server is not None:
            self._server.socket.close()

    def shutdown(self, **_: object) -> None:
        """The worker ends: no more scrapes."""
        if self._server is not None and os.getpid() == self._main:
            self._server.socket.close()

    def _read(self) -> None:
        wire = self._wire
        assert wire is not None
        while True:
            wire.pipe.wait()
            time.sleep(_DRAIN_SECONDS)
            wire.drain()

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
        attempt = _metrics_attempt(task_id, request)
        self._began[attempt] = (since, pair)
        self._last = (task_id, attempt)
        self._here.begin(attempt, pair, self._pid, wait_seconds(request), since)

    def postrun(self, task_id: str = "", task: Any = None, state: Any = None, retval: Any = None, **_: object) -> None:
        """A task ended in this process."""
        # A pool process runs one task at a time, so the request, which costs a microsecond, need not be asked again.
        last = self._last if self._pid != self._main else ("", "")
        attempt = last[1] if last[0] == task_id else _metrics_attempt(task_id, task.request)
        began = self._began.pop(attempt, None)
        if began is None:
            return
        since, pair = began
        if state:
            limited = state != "SUCCESS" and _metrics_is(getattr(retval, "exc", retval), "SoftTimeLimitExceeded")
            soft = "soft" if limited else ""
            self._here.end(attempt, pair, str(state), time.monotonic() - since, soft)
        elif self._pid == self._main and _metrics_is(sys.exc_info()[1], "Timeout"):
            # gevent and eventlet throw this for a hard limit; Celery 5.5 sends no signal then.
            self._counts.lose(_metrics_key(task_id), pair, "FAILURE", "hard")

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
        queue = self._queue(request) if request else self._app.conf.task_default_queue
        self._counts.lose(_metrics_key(task_id), (sender.name, queue), state, kind)

    def _runs(self, task_id: str) -> bool:
        return any(attempt.rpartition("#")[0] == _metrics_key(task_id) for attempt in list(self._began))

    def _queue(self, request: Any) -> str:
        """The queue a message came from; a topic exchange's routing key when no queue has it."""
        info = request.delivery_info or {}
        exchange, key = str(info.get("exchange") or ""), str(info.get("routing_key") or "")
        if self._queues is None:
            known = self._app.amqp.queues.values()
            self._queues = {(q.exchange.name, q.routing_key): q.name for q in known if q.exchange}
        return self._queues.get((exchange, key)) or key or str(self._app.conf.task_default_queue)


def install_metrics(app: Any, settings: Settings) -> None:
    """Keeps a heartbeat file, and makes every worker answer scrapes when stack.yaml lists the source `worker`."""
    install_heartbeat(settings)
    if settings.metrics.enabled:
        WorkerMetrics(app, settings).connect()


def _metrics_attempt(task_id: str, request: Any) -> str:
    return f"{_metrics_key(task_id)}#{request.retries}"


def _metrics_key(task_id: str) -> str:
    return task_id.replace("\t", " ").replace("\n", " ")[:300]


def _metrics_is(exception: object, name: str) -> bool:
    return any(kind.__name__ == name for kind in type(exception).__mro__)
