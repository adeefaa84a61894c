"""What goes on beside the tasks of one worker: its endpoint, what its pool tells, and its counts on disk."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable
from typing import Any

from stackgen.app.parts.counts import Counts
from stackgen.app.parts.doing import Limits, doing_families
from stackgen.app.parts.endpoint import serve, worker_ports
from stackgen.app.parts.exposition import Family, family
from stackgen.app.parts.health import Heartbeat, heartbeat_path, worker_answers
from stackgen.app.parts.holding import Holding
from stackgen.app.parts.kept import KEPT_SUFFIX, keep_counts, kept_counts
from stackgen.app.parts.resources import Resources
from stackgen.app.parts.settings import Settings
from stackgen.app.parts.wire import Wire

_DRAIN_SECONDS = 0.1
_TURN_SECONDS = 1.0
_SAVE_SECONDS = 5.0
_RETRY_SECONDS = 30.0

METRICS_LOG = logging.getLogger("celery.monitoring")


class Keeper:
    """One thread, and the server's; in a pool process it only lets go."""

    def __init__(self, app: Any, settings: Settings, holding: Holding, counts: Counts, wire: Wire | None) -> None:
        self._app, self._settings, self._worker = app, settings, holding.worker
        self._counts, self._wire, self._holding = counts, wire, holding
        self._limits = Limits(app, settings.broker)
        worker = self._worker
        self._resources = Resources(worker, os.getpid())
        self._beat = Heartbeat(heartbeat_path(settings.name, worker))
        self._path: str | None = None
        self._server: Any = None
        self._said = ""
        self._untold = 0
        self._next_save = self._next_try = 0.0
        self._saved: object = None
        self._ended = False

    def start(self) -> None:
        """Goes on from what the last worker of this name counted, serves, and keeps up."""
        path = self._beat.path + KEPT_SUFFIX
        try:
            if (left := kept_counts(path, self._worker)) is not None:
                self._counts.resume(left)
            self._path = path
        except OSError as error:
            METRICS_LOG.warning("Counts begin at 0 and will not outlive the worker: %s: %s", path, error)
        except (ValueError, TypeError, LookupError) as error:
            self._path = path
            METRICS_LOG.warning("Counts begin at 0: %s: %s", path, error)
        self._open()
        threading.Thread(target=self._keep, name="celery-monitoring-keeper", daemon=True).start()

    def close(self) -> None:
        """Lets go of the port."""
        if self._server is not None:
            self._server.socket.close()

    def end(self) -> None:
        """The worker ends in order: nothing that was told is lost."""
        self._ended = True
        self.close()
        self._turn(last=True)

    def _open(self) -> None:
        self._next_try = time.monotonic() + _RETRY_SECONDS
        checks = {"/livez": self._beat.alive, "/readyz": lambda: worker_answers(self._app, self._worker)}
        settings = self._settings.metrics
        try:
            wanted = int(os.environ.get("CELERY_METRICS_PORT") or settings.port)
            self._server = serve(settings.host, worker_ports(wanted, settings.ports), self._families, checks)
        except (OSError, ValueError, OverflowError) as error:
            self._say(logging.ERROR, f"No metrics endpoint, nobody sees what {self._worker} counts: {error}")
            return
        port = self._server.server_port
        told = f"Metrics of {self._worker} at port {port}, /metrics"
        if wanted in (port, 0) or port in settings.ports:
            self._say(logging.INFO, told)
        else:
            why = f"port {wanted} is taken: let Prometheus scrape this one too, or set CELERY_METRICS_PORT"
            self._say(logging.WARNING, f"{told}; {why}")

    def _families(self) -> Iterable[Family]:
        if self._wire is not None:
            self._wire.drain()
        running = self._counts.running()
        doing = [*doing_families(running, self._limits, self._worker), self._counts.deliveries.family(self._worker)]
        held = self._holding.families(len(running), self._counts.begun)
        lost = [((("worker", self._worker),), self._counts.untold)]
        untold = family("celery_worker_counts_lost_total", "counter", "What pool processes could not tell.", lost)
        return [*self._counts.families(), *doing, *held, *self._resources.families(), untold]

    def _keep(self) -> None:
        while not self._ended:
            try:
                self._turn()
            except Exception as error:
                self._say(logging.ERROR, f"Monitoring of {self._worker}: {type(error).__name__}: {error}")
                time.sleep(_TURN_SECONDS)

    def _turn(self, *, last: bool = False) -> None:
        if self._wire is None:
            time.sleep(0.0 if last else _TURN_SECONDS)
        else:
            if not last:
                self._wire.pipe.wait(_TURN_SECONDS)
                time.sleep(_DRAIN_SECONDS)
            self._wire.drain()
        self._counts.sweep()
        if self._counts.untold != self._untold:
            self._say(logging.WARNING, f"{self._counts.untold - self._untold} counts of {self._worker} are lost")
            self._untold = self._counts.untold
        now = time.monotonic()
        if self._server is None and not last and now >= self._next_try:
            self._open()
        if last or now >= self._next_save:
            self._save()

    def _save(self) -> None:
        began = time.monotonic()
        state = self._counts.state()
        if self._path is not None and state != self._saved:
            try:
                keep_counts(self._path, self._worker, state)
            except OSError as error:
                self._say(logging.WARNING, f"Counts of {self._worker} will not outlive it: {error}")
            self._saved = state
        ended = time.monotonic()
        self._next_save = ended + max(_SAVE_SECONDS, 100 * (ended - began))

    def _say(self, level: int, text: str) -> None:
        """Once, until there is something else to say."""
        if text != self._said:
            self._said = text
            METRICS_LOG.log(level, "%s", text)
