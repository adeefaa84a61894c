"""One JSON object a line, with field names of the Elastic Common Schema, from every process of a worker."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from stackgen.app.parts.redact import LIBRARIES, cut, error_fields, is_replaced, is_undecodable, message_of, shown
from stackgen.app.parts.settings import Settings
from stackgen.app.parts.sink import Sink

Fields = dict[str, Any]  # JSON is open by nature
ECS_VERSION = "9.0.0"
LONGEST_NAME = 300
"""Characters of a name or an id, which come with the message and may be anything."""
LONGEST_LINE = 49_152
"""Bytes of a line: shippers and backends are given limits that hold it."""

_encode = json.JSONEncoder(ensure_ascii=False, default=str, separators=(",", ":")).encode
_PLAIN = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "taskName"}
"""Attributes that every record has; what else there is came as `extra`."""


class JsonLines(logging.Handler):
    """Writes records, and events of tasks, which are no records: nothing done to `logging` can silence those."""

    def __init__(self, settings: Settings, path: str | None, trace_fields: Callable[[], Fields]) -> None:
        super().__init__()
        self._service = {"name": settings.name, "environment": settings.environment}
        self._host = socket.gethostname()
        self._allowed = settings.logs.allow_fields
        self._trace_fields = trace_fields
        self._sink = Sink(path, self._said)

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record, unless an event of ours replaces it."""
        try:
            if not is_replaced(record):
                self._sink.write(as_line(self._fields(record)))
        except Exception as error:
            reraise_limit(error)
            # logging's own handleError would print the record's values
            self._sink.write(self._said(f"a record of {record.name}, line {record.lineno}, could not be written"))

    def event(self, level: str, message: str, fields: Fields) -> None:
        """Writes what happened to a task, or what it printed; raises nothing but the task's own time limit."""
        try:
            line = as_line({**self._head(level), "message": message, **self._tail(), **self._trace_fields(), **fields})
        except Exception as error:
            reraise_limit(error)
            line = self._said("an event of a task could not be written")
        self.acquire()
        try:
            self._sink.write(line)
        finally:
            self.release()

    def _fields(self, record: logging.LogRecord) -> Fields:
        fields = self._head(record.levelname.lower(), record.created)
        fields["process"]["thread"] = {"name": record.threadName}
        fields["log"]["logger"] = record.name
        own = record.msg if isinstance(record.msg, Mapping) else {}
        fields.update({"message": message_of(record), **self._tail(), "event": {"dataset": "celery.log"}})
        if (error := _error_of(record, own)) and not is_undecodable(record):
            fields["error"] = error
        if self._allowed and record.name.partition(".")[0] not in LIBRARIES and (labels := self._labels(record, own)):
            fields["labels"] = labels
        return {**fields, **self._trace_fields(), **of_running_task()}

    def _labels(self, record: logging.LogRecord, own: Mapping[Any, object]) -> dict[str, str]:
        """The fields that stack.yaml allows: of `extra`, of a message that is a mapping (structlog), of loguru."""
        found = {key: value for key, value in vars(record).items() if key not in _PLAIN}
        loguru = found.get("extra")
        found.update({**(loguru if isinstance(loguru, Mapping) else {}), **own})
        return {name: shown(found[name]) for name in self._allowed if name in found}

    def _head(self, level: str, created: float | None = None) -> Fields:
        """A shipper knows a file by its first bytes: when, where and who come first."""
        moment = datetime.now(timezone.utc) if created is None else datetime.fromtimestamp(created, timezone.utc)
        return {
            "@timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "host": {"name": self._host},
            "process": {"pid": os.getpid()},
            "log": {"level": level},
        }

    def _tail(self) -> Fields:
        return {"ecs": {"version": ECS_VERSION}, "service": self._service}

    def _said(self, text: str) -> bytes:
        """A line about the log itself."""
        about = {"event": {"dataset": "celery.log"}, "log": {"level": "error", "logger": "celery_monitoring"}}
        return as_line({**self._head("error"), "message": text, **self._tail(), **about})


def reraise_limit(error: Exception) -> None:
    """A soft time limit may be raised anywhere, in our code too; it is meant for the task."""
    if type(error).__name__ == "SoftTimeLimitExceeded":
        raise error


def as_line(fields: Mapping[str, object]) -> bytes:
    """Half of a surrogate pair, which UTF-8 has not, becomes an escape that JSON has. Texts are cut until all fits."""
    line, longest = _encoded(fields), LONGEST_LINE
    while len(line) > LONGEST_LINE and longest > 1:
        longest //= 2
        line = _encoded(_shorter(fields, longest))
    return line


def _encoded(fields: object) -> bytes:
    return _encode(fields).encode("utf-8", "backslashreplace") + b"\n"


def _shorter(value: object, longest: int) -> object:
    if isinstance(value, Mapping):
        return {key: _shorter(inner, longest) for key, inner in value.items()}
    return cut(value, longest) if isinstance(value, str) else value


def _error_of(record: logging.LogRecord, own: Mapping[Any, object]) -> dict[str, object]:
    found: Any = record.exc_info or own.get("exc_info")
    if isinstance(found, BaseException):
        return error_fields(found)
    raised = found if isinstance(found, tuple) and len(found) == 3 else sys.exc_info() if found else (None, None, None)
    return error_fields(raised[1], raised[2])


def of_running_task() -> Fields:
    """The object `celery` of the task that runs here; empty outside of one."""
    from celery._state import get_current_task  # type: ignore[import-untyped, unused-ignore]

    task = get_current_task()
    return {"celery": task_fields(task.name, task.request)} if task is not None and task.request.id else {}


def task_fields(name: object, request: Any) -> Fields:
    """The object `celery`: which task this is, from which queue, on which worker. All of it came with a message."""
    where = getattr(request, "delivery_info", None)
    where = where if isinstance(where, Mapping) else {}
    retries = getattr(request, "retries", None)
    task = {
        "name": named(name),
        "id": named(getattr(request, "id", None)),
        "retries": retries if type(retries) is int else 0,
    }
    found: Sequence[tuple[str, object]] = (
        ("queue", where.get("routing_key") or where.get("exchange")),
        ("worker", getattr(request, "hostname", None)),
        ("root_id", getattr(request, "root_id", None)),
        ("parent_id", getattr(request, "parent_id", None)),
    )
    more = {key: named(value) for key, value in found if value and value != task["id"]}
    return {"task": task, **more}


def named(value: object) -> str | None:
    """A name or an id as a short text; of anything else its type."""
    if value is None or isinstance(value, str):
        return value and cut(value, LONGEST_NAME)
    return f"<{type(value).__name__}>"
