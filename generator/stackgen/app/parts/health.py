"""Whether a worker lives, whether it answers, and whether queues are in order: for probes, with clear words."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import Any

from stackgen.app.parts.broker import OneTry, broker_app, depths, quick_options
from stackgen.app.parts.kept import KEPT_SUFFIX
from stackgen.app.parts.resources import process_runs
from stackgen.app.parts.settings import Settings

MAX_AGE = 30.0
"""Seconds after which a heartbeat is too old; Celery's own comes every 2 s."""
_KEEP_SECONDS = 5.0


class Heartbeat:
    """A file whose age says whether the worker's main loop turns: no broker is asked."""

    def __init__(self, path: str) -> None:
        self.path = path

    def write(self, worker: str, *, starting: bool = False) -> None:
        """Begins the file; it says which worker it is of, and whether that still starts. Raises OSError."""
        temporary = f"{self.path}.{os.getpid()}"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({"worker": worker, "pid": os.getpid(), "starting": starting}, file)
        os.replace(temporary, self.path)

    def touch(self) -> None:
        """Says that the worker lives now."""
        try:
            os.utime(self.path)
        except OSError:
            return  # before the worker is ready, or somebody cleaned up: the check will say so

    def worker(self) -> str:
        """The worker that writes the file; "" when there is none."""
        return str(self._held().get("worker", ""))

    def runs(self) -> bool:
        """Whether the process that writes the file is there, whatever it does."""
        pid = self._held().get("pid")
        return isinstance(pid, int) and pid > 0 and process_runs(pid)

    def _held(self) -> dict[str, Any]:
        try:
            with open(self.path, encoding="utf-8") as file:
                held = json.load(file)
        except (OSError, ValueError):
            return {}
        return held if isinstance(held, dict) else {}

    def alive(self, max_age: float = MAX_AGE) -> tuple[bool, str]:
        """Whether the heartbeat is young enough. A worker that starts has none yet: it may wait for its broker."""
        try:
            age = time.time() - os.stat(self.path).st_mtime
        except OSError as error:
            return False, f"no heartbeat: {self.path}: {error.strerror}"
        if self._held().get("starting") and self.runs():
            return True, f"{self.worker()} starts, or waits for its broker, for {age:.1f} s"
        return age <= max_age, f"heartbeat of {self.path} is {age:.1f} s old, limit {max_age:g} s"


def heartbeat_path(stack: str, worker: str = "") -> str:
    """$CELERY_HEARTBEAT_FILE, %h being the worker's full name; else a file of each worker in the temporary folder.

    Without a worker: the file of the one that runs here, or of the last that did. Raises LookupError when several run.
    """
    pattern = os.environ.get("CELERY_HEARTBEAT_FILE") or f"{tempfile.gettempdir()}/celery-{stack}-%h.heartbeat"
    if worker or "%h" not in pattern:
        return pattern.replace("%h", worker.replace("/", "_"))
    from glob import escape, glob

    before, _, after = pattern.partition("%h")
    found = [path for path in glob(f"{escape(before)}*{escape(after)}") if not path.endswith(KEPT_SUFFIX)]
    running = [path for path in found if Heartbeat(path).runs()]
    if len(running) > 1:
        names = ", ".join(sorted(Heartbeat(path).worker() for path in running))
        message = f"{len(running)} workers run here: say which with --worker: {names}"
        raise LookupError(message)
    return max(running or found, key=os.path.getmtime, default=pattern)


def install_heartbeat(settings: Settings) -> None:
    """Keeps the heartbeat file of every worker of this process' app."""
    from celery import signals  # type: ignore[import-untyped, unused-ignore]

    beats: list[Heartbeat] = []

    def begun(sender: Any = None, **_: object) -> None:
        Heartbeat(heartbeat_path(settings.name, sender.hostname)).write(sender.hostname, starting=True)

    def ready(sender: Any = None, **_: object) -> None:
        beat = Heartbeat(heartbeat_path(settings.name, sender.hostname))
        beat.write(sender.hostname)
        beats[:] = [beat]
        threading.Thread(target=_health_keep, args=(beat, sender), name="celery-monitoring-beat", daemon=True).start()

    def sent(**_: object) -> None:
        for beat in beats:
            beat.touch()

    def ended(**_: object) -> None:
        for beat in beats:
            if os.path.exists(beat.path):
                os.unlink(beat.path)

    signals.worker_init.connect(begun, weak=False, dispatch_uid="celery_monitoring.begun")
    signals.heartbeat_sent.connect(sent, weak=False, dispatch_uid="celery_monitoring.sent")
    signals.worker_ready.connect(ready, weak=False, dispatch_uid="celery_monitoring.beat")
    signals.worker_shutdown.connect(ended, weak=False, dispatch_uid="celery_monitoring.ended")


def _health_keep(beat: Heartbeat, consumer: Any) -> None:
    """Touches the file while no heartbeat can be sent though nothing hangs.

    A worker that waits for its broker must not be restarted: that cures nothing. The solo pool has no loop of its own
    while a task runs.
    """
    solo = any(kind.__module__ == "celery.concurrency.solo" for kind in type(consumer.pool).__mro__)
    while True:
        if solo or consumer.connection is None:
            beat.touch()
        time.sleep(_KEEP_SECONDS)


def worker_answers(app: Any, worker: str, timeout: float = 2.0) -> tuple[bool, str]:
    """Whether this worker answers one ping that only it receives. Never raises."""
    try:
        control = type(app.control)(app)
        with _health_connection(app) as connection:
            control.mailbox.producer_pool = OneTry(connection)
            answers = control.ping(destination=[worker], timeout=timeout, connection=connection)
    except Exception as error:
        return False, f"the broker does not answer: {type(error).__name__}: {error}"
    return bool(answers), f"{worker} {'answers' if answers else f'did not answer within {timeout:g} s'}"


def queues_in_order(app: Any, queues: Sequence[str], limit: int) -> tuple[bool, str]:
    """Whether no queue holds more than `limit` waiting tasks in the broker, whoever consumes it. Never raises."""
    try:
        with _health_connection(app) as connection:
            found = depths(connection, queues)
    except Exception as error:
        return False, f"the broker does not answer: {type(error).__name__}: {error}"
    text = ", ".join(f"{queue} {depth.ready}" for queue, depth in found.items())
    over = [queue for queue, depth in found.items() if depth.ready > limit]
    return not over, f"{text or 'no queues'}; limit {limit}" + (f"; over it: {', '.join(over)}" if over else "")


def _health_connection(app: Any) -> Any:
    kind = app.connection_for_read().transport.driver_type
    return app.connection_for_read(transport_options=quick_options(kind, app.conf.broker_transport_options))


def health_main(argv: Sequence[str], settings: Settings) -> int:
    """`health live|ready|queues`: one line and exit code 0 for healthy, 1 for not, 2 for wrong usage."""
    from argparse import ArgumentParser

    parser = ArgumentParser(prog="celery_monitoring health")
    parser.add_argument("what", choices=("live", "ready", "queues"))
    parser.add_argument("--worker", default="", help="its full name, such as w1@host, where several run")
    parser.add_argument("--file", default="", help="heartbeat file, when not the usual one")
    parser.add_argument("--max-age", type=float, default=MAX_AGE, help="seconds, for live")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds, for ready")
    parser.add_argument("--limit", type=int, default=1000, help="waiting tasks a queue may hold, for queues")
    parser.add_argument("--queue", action="append", help="only this queue; may be repeated")
    given = parser.parse_args(argv)
    try:
        beat = Heartbeat(given.file or heartbeat_path(settings.name, given.worker))
    except LookupError as error:
        if given.what != "queues":
            print(error, file=sys.stderr)
            return 2
        beat = Heartbeat("")
    if given.what == "live":
        healthy, text = beat.alive(given.max_age)
    else:
        app = broker_app(settings)
        if given.what == "ready":
            worker = given.worker or beat.worker()
            healthy, text = (
                worker_answers(app, worker, given.timeout) if worker else (False, f"no worker here: {beat.path}")
            )
        else:
            healthy, text = queues_in_order(app, given.queue or settings.queues, given.limit)
    print(text, file=sys.stdout if healthy else sys.stderr)
    return 0 if healthy else 1
