"""One JSON object a line, with field names of the Elastic Common Schema, from every process of a worker."""

from __future__ import annotations

import importlib
import io
import json
import logging
import os
import socket
import stat
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from stackgen.app.parts.redact import error_fields, is_replaced, is_undecodable, message_of
from stackgen.app.parts.settings import Settings

Fields = dict[str, Any]  # JSON is open by nature
ECS_VERSION = "9.0.0"
OWN_FIELDS = "celery_monitoring"
"""Attribute of a record that holds fields of ours, nested as they will be written."""

_fcntl: Any = None
with suppress(ImportError):  # Windows
    _fcntl = importlib.import_module("fcntl")


def install_logs(settings: Settings, trace_fields: Callable[[], Fields]) -> None:
    """Takes over the logging of workers and beat; Celery then configures nothing itself."""
    from celery import signals  # type: ignore[import-untyped, unused-ignore]

    def configure(loglevel: int | None = None, logfile: str | None = None, **_: object) -> None:
        from celery.utils.log import get_multiprocessing_logger  # type: ignore[import-untyped, unused-ignore]

        level = min(getattr(logging, settings.logs.level.upper()), loglevel or logging.CRITICAL)
        handler = JsonLines(settings, logfile or settings.logs.path, trace_fields)
        root = logging.getLogger()
        root.handlers = [handler]
        root.setLevel(level)
        if (pool := get_multiprocessing_logger()) is not None:
            pool.handlers = [handler]
            pool.setLevel(logging.ERROR)
        sys.stdout = _Lines("stdout")
        sys.stderr = _Lines("stderr")

    def quiet(instance: Any = None, **_: object) -> None:
        from celery.apps import worker as worker_program  # type: ignore[import-untyped, unused-ignore]

        instance.quiet = True  # no banner: it is not JSON, nor are the words that Celery says when it is told to stop
        worker_program.safe_say = _say

    signals.setup_logging.connect(configure, weak=False, dispatch_uid="celery_monitoring.logs")
    signals.celeryd_after_setup.connect(quiet, weak=False, dispatch_uid="celery_monitoring.quiet")


class JsonLines(logging.Handler):
    """Appends lines to a file that may be renamed at any time, or writes them to standard output.

    Each line is one write to a file opened for appending, so processes of a pool do not mix theirs. A pipe promises
    this for 4096 bytes only, so there a lock is taken; it ends with the process, even a killed one.
    """

    def __init__(self, settings: Settings, path: str | None, trace_fields: Callable[[], Fields]) -> None:
        super().__init__()
        self._service = {"name": settings.name, "environment": settings.environment}
        self._host = socket.gethostname()
        self._path = path
        self._trace_fields = trace_fields
        self._file = _opened(path) if path else 1
        self._is_pipe = stat.S_ISFIFO(os.fstat(self._file).st_mode)

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record, unless one of ours replaces it."""
        done = False
        with suppress(Exception):
            if not is_replaced(record):
                self._write(as_line(self._fields(record)))
            done = True
        if not done:
            self._say_lost(record)

    def _fields(self, record: logging.LogRecord) -> Fields:
        moment = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        fields: Fields = {
            "@timestamp": moment.replace("+00:00", "Z"),
            "host": {"name": self._host},
            "process": {"pid": os.getpid(), "thread": {"name": record.threadName}},
            "log": {"level": record.levelname.lower(), "logger": record.name},
            "message": message_of(record),
            "ecs": {"version": ECS_VERSION},
            "service": self._service,
            "event": {"dataset": "celery.log"},
        }
        if record.exc_info and record.exc_info[1] and not is_undecodable(record):
            fields["error"] = error_fields(record.exc_info[1], record.exc_info[2])
        fields.update(self._trace_fields())
        own = getattr(record, OWN_FIELDS, None)
        fields.update(own if isinstance(own, Mapping) else _of_running_task())
        return fields

    def _say_lost(self, record: logging.LogRecord) -> None:
        """logging's own handleError would print the record's values; on a full disk the task itself must go on."""
        text = f"a record of {record.name}, line {record.lineno}, could not be written"
        with suppress(OSError):
            self._write(as_line({"message": text, "log": {"level": "error", "logger": "celery_monitoring"}}))

    def _write(self, line: bytes) -> None:
        if self._path:
            self._follow_rename(self._path)
        if not self._is_pipe or _fcntl is None:
            os.write(self._file, line)
            return
        _fcntl.lockf(self._file, _fcntl.LOCK_EX)
        try:
            while line:
                line = line[os.write(self._file, line) :]
        finally:
            _fcntl.lockf(self._file, _fcntl.LOCK_UN)

    def _follow_rename(self, path: str) -> None:
        mine = os.fstat(self._file)
        try:
            there = os.stat(path)
            if (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino):
                return
        except FileNotFoundError:
            pass  # opening makes it
        os.close(self._file)
        self._file = _opened(path)


def _say(text: str, stream: object = None) -> None:
    """Celery 5's safe_say, which runs while a signal is handled: for the log its last words."""
    del stream
    logging.getLogger("celery.apps.worker").warning("%s", text)


def _opened(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)


def as_line(fields: Mapping[str, object]) -> bytes:
    """Half of a surrogate pair, which UTF-8 has not, becomes an escape that JSON has."""
    return json.dumps(fields, ensure_ascii=False, default=str).encode("utf-8", "backslashreplace") + b"\n"


def _of_running_task() -> Fields:
    from celery._state import get_current_task  # type: ignore[import-untyped, unused-ignore]

    task = get_current_task()
    return {"celery": task_fields(task.name, task.request)} if task is not None and task.request.id else {}


def task_fields(name: str, request: Any) -> Fields:
    """The object `celery`: which task this is, from which queue, on which worker."""
    task = {"name": name, "id": getattr(request, "id", None), "retries": getattr(request, "retries", None) or 0}
    where = getattr(request, "delivery_info", None) or {}
    found = {
        "queue": where.get("routing_key") or where.get("exchange"),
        "worker": getattr(request, "hostname", None),
        "root_id": getattr(request, "root_id", None),
        "parent_id": getattr(request, "parent_id", None),
    }
    return {"task": task, **{key: value for key, value in found.items() if value}}


class _Lines(io.TextIOBase):
    """Standard output or error of a worker: each line that is printed becomes a record."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._log = logging.getLogger("celery.redirected")
        self._name = name
        self._local = threading.local()

    def writable(self) -> bool:
        """Whether one may print to it."""
        return True

    def write(self, text: str) -> int:
        """Keeps what has no line end yet; one thread's text does not mix with another's."""
        if getattr(self._local, "busy", False):
            return len(text)  # printed while this very line is being logged
        *lines, self._local.rest = (getattr(self._local, "rest", "") + text).split("\n")
        self._local.busy = True
        try:
            for line in filter(str.strip, lines):
                self._log.log(logging.WARNING, "%s", line)
        finally:
            self._local.busy = False
        return len(text)

    def flush(self) -> None:
        """Nothing is kept but the beginning of a line."""

    def fileno(self) -> int:
        """The real stream, for programs that the worker starts."""
        return 1 if self._name == "stdout" else 2
