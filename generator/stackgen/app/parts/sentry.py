"""What Sentry gets: one event for each failure, grouped by task, without arguments."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any

from stackgen.app.parts.lines import named
from stackgen.app.parts.redact import LIBRARIES, LONGEST_ERROR, cut, is_replaced, is_undecodable, message_of, text_of

_TOLD_TWICE_SECONDS = 60.0
"""Celery 5.7 tells of a hard time limit when it is over, and when the process is gone."""
_MOST_TOLD = 1_000


class SentryReports:
    """Failures that Sentry's own integration cannot see: it lives where the task ran, if it ran."""

    def __init__(self, sdk: Any) -> None:
        self._sdk = sdk
        self._told: OrderedDict[str, float] = OrderedDict()
        self._errors: OrderedDict[tuple[str, str], None] = OrderedDict()

    def connect(self) -> None:
        """Listens for them; in processes of a pool nothing of the kind is told."""
        from celery import signals  # type: ignore[import-untyped, unused-ignore]

        for told, receiver in (
            (signals.task_unknown, self.unknown),
            (signals.task_rejected, self.rejected),
            (signals.task_failure, self.failure),
        ):
            told.connect(receiver, weak=False, dispatch_uid=f"celery_monitoring.sentry.{receiver.__name__}")

    def unknown(self, name: object = None, **_: object) -> None:
        """A task that this worker does not have."""
        self._report(named(name), "NotRegistered", "the worker does not know this task; its message is thrown away")

    def rejected(self, message: Any = None, **_: object) -> None:
        """A message that is no task."""
        headers = message.headers if isinstance(message.headers, Mapping) else {}
        self._report(named(headers.get("task")), "InvalidMessage", "a message that is no task was thrown away")

    def failure(
        self, sender: Any = None, task_id: str = "", exception: Any = None, traceback: Any = None, **_: object
    ) -> None:
        """A task whose process was lost, or killed, or whose result could not be stored."""
        kind = type(exception).__name__
        if kind == "Reject" or _passed_integration(traceback):
            return
        _remember(self._errors, _key(exception), None)
        now = time.monotonic()
        if now - self._told.get(task_id, -_TOLD_TWICE_SECONDS) >= _TOLD_TWICE_SECONDS:
            _remember(self._told, task_id, now)
            self._report(sender.name, kind, cut(text_of(exception), LONGEST_ERROR))

    def _report(self, task: str | None, kind: str, text: str) -> None:
        event = {
            "level": "error",
            "logger": "celery_monitoring",
            "transaction": task,
            "fingerprint": [kind, task or ""],
            "exception": {"values": [{"type": kind, "value": text, "mechanism": {"type": "celery", "handled": False}}]},
        }
        with suppress(Exception):
            self._sdk.capture_event(event)

    def before_send(self, event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any] | None:
        """Celery's own log records become events, with bodies of messages; the command line may hold a password."""
        event.get("extra", {}).pop("sys.argv", None)
        record = hint.get("log_record")
        if isinstance(record, logging.LogRecord) and record.name.partition(".")[0] in (*LIBRARIES, "py"):
            if self._is_told(record):
                return None
            event.pop("extra", None)
            quotes = is_replaced(record) or is_undecodable(record)
            event["logentry"] = {"message": str(record.msg).partition("\n")[0] if quotes else message_of(record)}
            if quotes:
                event.pop("exception", None)
        return event

    def _is_told(self, record: logging.LogRecord) -> bool:
        """Whether an event of ours says what the record says."""
        text = str(record.msg)
        if record.name == "celery.worker.consumer.consumer":
            return is_replaced(record)
        if record.name == "multiprocessing":
            # The task in it is told; billiard says it sooner or later than Celery, or not at all.
            return text.startswith("Process %r pid:%r exited")
        if record.name != "celery.worker.request":
            return False
        errors = record.args if text.startswith("Task handler raised") and isinstance(record.args, tuple) else ()
        return text.startswith("Hard time limit") or any(_key(error) in self._errors for error in errors)


def _key(error: object) -> tuple[str, str]:
    return type(error).__name__, text_of(error)


def _passed_integration(traceback: Any) -> bool:
    """Whether the exception came out of the task itself: then Sentry's integration has seen it."""
    while isinstance(traceback, TracebackType):
        if str(traceback.tb_frame.f_globals.get("__name__")).startswith("sentry_sdk."):
            return True
        traceback = traceback.tb_next
    return False


def _remember(told: OrderedDict[Any, Any], key: object, value: object) -> None:
    told[key] = value
    if len(told) > _MOST_TOLD:
        told.popitem(last=False)


def without_library_records(crumb: dict[str, Any], hint: object) -> dict[str, Any] | None:
    """Celery's own log records carry the arguments of tasks."""
    del hint
    return None if str(crumb.get("category", "")).partition(".")[0] in LIBRARIES else crumb
