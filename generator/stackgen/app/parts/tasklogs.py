"""An event for each thing that happens to a task, from Celery's signals; only those that the level lets through."""

from __future__ import annotations

import inspect
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stackgen.app.parts.lines import Fields, JsonLines, named, task_fields
from stackgen.app.parts.published import wait_seconds
from stackgen.app.parts.redact import error_fields, shown
from stackgen.app.parts.settings import LogSettings

MOST_REMEMBERED = 5_000
_STARTED_AT = "celery_monitoring_started_at"

# The level of what a signal tells. A signal below the level is not listened to, but for the two that others need.
_LEVELS = {
    "received": logging.ERROR,  # a failure that only the main process knows names its queue
    "prerun": logging.ERROR,  # and every end its duration
    "success": logging.INFO,
    "postrun": logging.WARNING,
    "retry": logging.WARNING,
    "revoked": logging.WARNING,
    "failure": logging.ERROR,
    "rejected": logging.ERROR,
    "unknown": logging.ERROR,
    "internal_error": logging.CRITICAL,
}


class TaskRecords:
    """Writes the events; remembers a while, in the worker's main process, what it has received."""

    def __init__(self, lines: JsonLines, settings: LogSettings) -> None:
        self._lines = lines
        self._allowed = settings.allow_arguments
        self._received: OrderedDict[str, Fields] = OrderedDict()
        self._level = logging.INFO
        self._end_lines: Callable[[], None] | None = None

    def connect(self, level: int, end_lines: Callable[[], None] | None) -> None:
        """Listens to what the level lets through; `end_lines` is called when a task ends."""
        from celery import signals  # type: ignore[import-untyped, unused-ignore]

        self._level, self._end_lines = level, end_lines
        for name, told in _LEVELS.items():
            signal, uid = getattr(signals, f"task_{name}"), f"celery_monitoring.logs.task_{name}"
            signal.disconnect(dispatch_uid=uid)
            if told >= level or (name == "postrun" and end_lines):
                signal.connect(getattr(self, name), weak=False, dispatch_uid=uid)

    def received(self, request: Any, **_: object) -> None:
        """The worker has the message."""
        about = task_fields(request.name, request)
        retries = request.request_dict.get("retries")
        about["task"]["retries"] = retries if type(retries) is int else 0
        if request.eta:
            about["eta"] = request.eta.isoformat()
        self._received[request.id] = about
        while len(self._received) > MOST_REMEMBERED:
            self._received.popitem(last=False)
        if self._level <= logging.INFO:
            self._write(logging.INFO, "received", about, {})

    def prerun(self, task: Any, **_: object) -> None:
        """A process of the pool begins."""
        request = task.request
        setattr(request, _STARTED_AT, time.monotonic())
        if self._level <= logging.DEBUG:
            self._write(logging.DEBUG, "started", self._about(task, request), {})

    def success(self, sender: Any, runtime: float | None = None, **_: object) -> None:
        """The task returned; what it returned is not written. Celery before 5.6 does not say how long it took."""
        took = _runtime(sender.request) if runtime is None else runtime
        self._write(logging.INFO, "succeeded", self._about(sender, sender.request), _end("success", took))

    def failure(self, sender: Any, task_id: str, exception: BaseException | None = None, **_: object) -> None:
        """The task raised, or the main process found it killed; a limit that is told twice is written once."""
        if type(exception).__name__ == "Reject":
            return  # postrun has told it
        request = sender.request
        known = self._received.pop(task_id, None)
        if request.id == task_id and hasattr(request, _STARTED_AT):
            about, runtime = self._about(sender, request), _runtime(request)
        elif known is not None:
            about, runtime = known, None
        else:
            return
        self._write(logging.ERROR, "failed", about, _end("failure", runtime), error_fields(exception))

    def retry(self, sender: Any, request: Any, reason: Any = None, **_: object) -> None:
        """The task will run again."""
        cause = getattr(reason, "exc", None)
        about = self._about(sender, request)
        self._write(
            logging.WARNING,
            "retried",
            about,
            _end("unknown", _runtime(request)),
            error_fields(cause if isinstance(cause, BaseException) else None),
        )

    def revoked(self, sender: Any, request: Any, terminated: bool = False, expired: bool = False, **_: object) -> None:
        """The task will not run, or was ended."""
        why = "expired" if expired else "terminated" if terminated else "revoked"
        about = self._received.pop(request.id, None) or task_fields(sender.name, request)
        self._write(logging.WARNING, "revoked", about, _end("failure") | {"reason": why})

    def postrun(self, task: Any, state: str | None = None, **_: object) -> None:
        """What has no signal of its own: the task gave its message back, or asked to be forgotten."""
        level = {"REJECTED": logging.WARNING, "IGNORED": logging.INFO}.get(str(state))
        if level is not None and level >= self._level:
            request = task.request
            self._write(level, str(state).lower(), self._about(task, request), _end("unknown", _runtime(request)))
        if self._end_lines is not None:
            self._end_lines()

    def rejected(self, message: Any, exc: BaseException | None = None, **_: object) -> None:
        """A message that is no task; neither its body nor its headers are written."""
        headers = message.headers if isinstance(message.headers, Mapping) else {}
        about = _of_message(headers.get("task"), headers.get("id"), message)
        error = {"type": type(exc).__name__} if exc is not None else {}
        self._write(logging.ERROR, "rejected", about, _end("failure"), error)

    def unknown(self, message: Any, name: str, id: str, **_: object) -> None:
        """A task that this worker does not have."""
        about = _of_message(name, id, message)
        self._write(logging.ERROR, "unknown", about, _end("failure"), {"type": "NotRegistered"})

    def internal_error(self, sender: Any, task_id: str, exception: BaseException, **_: object) -> None:
        """Celery itself failed around the task."""
        about = self._about(sender, sender.request) if sender.request.id else _of_message(sender.name, task_id, None)
        self._write(logging.CRITICAL, "internal-error", about, _end("failure"), error_fields(exception))

    def _about(self, task: Any, request: Any) -> Fields:
        about = task_fields(task.name, request)
        began = _runtime(request)
        wait = None if began is None else wait_seconds(request, time.time() - began)
        if wait is not None:
            about["task"]["wait_seconds"] = round(wait, 3)
        if (names := self._allowed.get(task.name)) and (given := _arguments(task, request, names)):
            about["task"]["arguments"] = given
        return about

    def _write(self, level: int, action: str, about: Fields, event: Fields, error: Fields | None = None) -> None:
        fields: Fields = {
            "event": {"dataset": "celery.task", "action": f"task-{action}", **event},
            "celery": about,
        }
        if error:
            fields["error"] = error
        text = f"task {about['task']['name']} {action.replace('-', ' ')}"
        self._lines.event(logging.getLevelName(level).lower(), text, fields)


def _runtime(request: Any) -> float | None:
    began = getattr(request, _STARTED_AT, None)
    return None if began is None else time.monotonic() - began


def _end(outcome: str, runtime: float | None = None) -> Fields:
    """ECS counts nanoseconds."""
    took = {} if runtime is None else {"duration": int(runtime * 1_000_000_000)}
    return {"outcome": outcome, **took}


def _of_message(name: object, task_id: object, message: Any) -> Fields:
    where = getattr(message, "delivery_info", None)
    queue = where.get("routing_key") if isinstance(where, Mapping) else None
    about: Fields = {"task": {"name": named(name), "id": named(task_id), "retries": 0}}
    return {**about, "queue": named(queue)} if queue else about


def _arguments(task: Any, request: Any, names: Sequence[str]) -> dict[str, str]:
    """The allowed arguments as short texts, given by name or by place; lists and objects only as their type."""
    try:
        given = inspect.signature(task.run).bind_partial(*(request.args or ()), **(request.kwargs or {})).arguments
    except (TypeError, ValueError):
        given = dict(request.kwargs or {})
    return {name: shown(given[name]) for name in names if name in given}
