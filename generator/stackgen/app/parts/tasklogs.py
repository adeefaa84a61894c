"""A record for each thing that happens to a task, from Celery's signals."""

from __future__ import annotations

import inspect
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from stackgen.app.parts.logs import OWN_FIELDS, Fields, task_fields
from stackgen.app.parts.published import wait_seconds
from stackgen.app.parts.redact import cut, error_fields
from stackgen.app.parts.settings import Settings

LONGEST_ARGUMENT = 200
MOST_REMEMBERED = 5_000
_STARTED_AT = "celery_monitoring_started_at"


def install_task_logs(settings: Settings) -> None:
    """Connects a record to each signal."""
    records = TaskRecords(settings)
    for name in ("received", "prerun", "success", "failure", "retry", "revoked"):
        _connect(f"task_{name}", getattr(records, name))
    for name in ("postrun", "rejected", "unknown", "internal_error"):
        _connect(f"task_{name}", getattr(records, name))


def _connect(signal: str, receiver: object) -> None:
    from celery import signals  # type: ignore[import-untyped, unused-ignore]

    getattr(signals, signal).connect(receiver, weak=False, dispatch_uid=f"celery_monitoring.logs.{signal}")


class TaskRecords:
    """Writes the records; remembers a while, in the worker's main process, what it has received."""

    def __init__(self, settings: Settings) -> None:
        self._log = logging.getLogger("celery_monitoring.task")
        self._allowed = settings.logs.allow_arguments
        self._received: OrderedDict[str, Fields] = OrderedDict()

    def received(self, request: Any, **_: object) -> None:
        """The worker has the message."""
        about = task_fields(request.name, request)
        about["task"]["retries"] = request.request_dict.get("retries") or 0
        if request.eta:
            about["eta"] = request.eta.isoformat()
        self._received[request.id] = about
        while len(self._received) > MOST_REMEMBERED:
            self._received.popitem(last=False)
        self._write(logging.INFO, "received", about, {"type": ["info"]})

    def prerun(self, task: Any, **_: object) -> None:
        """A process of the pool begins."""
        setattr(task.request, _STARTED_AT, time.monotonic())
        wait = wait_seconds(task.request)
        if wait is not None:
            task.request.celery_monitoring_wait = round(wait, 3)
        self._write(logging.INFO, "started", self._about(task), {"type": ["start"]})

    def success(self, sender: Any, runtime: float | None = None, **_: object) -> None:
        """The task returned; what it returned is not written. Celery before 5.6 does not say how long it took."""
        took = _runtime(sender.request) if runtime is None else runtime
        self._write(logging.INFO, "succeeded", self._about(sender), _end("success", took))

    def failure(self, sender: Any, task_id: str, exception: BaseException | None = None, **_: object) -> None:
        """The task raised, or the main process found it killed; a limit that is told twice is written once."""
        if type(exception).__name__ == "Reject":
            return  # postrun has told it
        request = sender.request
        known = self._received.pop(task_id, None)
        if request.id == task_id and hasattr(request, _STARTED_AT):
            about, runtime = self._about(sender), _runtime(request)
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
        """Only what has no signal of its own: the task gave its message back, or asked to be forgotten."""
        if state in ("REJECTED", "IGNORED"):
            level = logging.WARNING if state == "REJECTED" else logging.INFO
            self._write(level, state.lower(), self._about(task), _end("unknown", _runtime(task.request)))

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
        about = self._about(sender) if sender.request.id else _of_message(sender.name, task_id, None)
        self._write(logging.CRITICAL, "internal-error", about, _end("failure"), error_fields(exception))

    def _about(self, task: Any, request: Any = None) -> Fields:
        request = task.request if request is None else request
        about = task_fields(task.name, request)
        wait = getattr(request, "celery_monitoring_wait", None)
        if wait is not None:
            about["task"]["wait_seconds"] = wait
        if (names := self._allowed.get(task.name)) and (shown := _arguments(task, request, names)):
            about["task"]["arguments"] = shown
        return about

    def _write(self, level: int, action: str, about: Fields, event: Fields, error: Fields | None = None) -> None:
        kind: Fields = {"dataset": "celery.task", "kind": "event", "category": ["process"]}
        own: Fields = {"event": {**kind, "action": f"task-{action}", **event}, "celery": about}
        if error:
            own["error"] = error
        name = about["task"]["name"]
        self._log.log(level, "task %s %s", name, action.replace("-", " "), extra={OWN_FIELDS: own})


def _runtime(request: Any) -> float | None:
    began = getattr(request, _STARTED_AT, None)
    return None if began is None else time.monotonic() - began


def _end(outcome: str, runtime: float | None = None) -> Fields:
    """ECS counts nanoseconds."""
    took = {} if runtime is None else {"duration": int(runtime * 1_000_000_000)}
    return {"type": ["end"], "outcome": outcome, **took}


def _of_message(name: str | None, task_id: str | None, message: Any) -> Fields:
    where = getattr(message, "delivery_info", None) or {}
    about: Fields = {"task": {"name": name, "id": task_id, "retries": 0}}
    return {**about, "queue": where["routing_key"]} if where.get("routing_key") else about


def _arguments(task: Any, request: Any, names: Sequence[str]) -> dict[str, str]:
    """The allowed arguments as short texts, given by name or by place; lists and objects only as their type."""
    try:
        given = inspect.signature(task.run).bind_partial(*(request.args or ()), **(request.kwargs or {})).arguments
    except (TypeError, ValueError):
        given = dict(request.kwargs or {})
    return {name: _shown(given[name]) for name in names if name in given}


def _shown(value: object) -> str:
    simple = value is None or isinstance(value, (bool, int, float, str))
    return cut(str(value), LONGEST_ARGUMENT) if simple else f"<{type(value).__name__}>"
