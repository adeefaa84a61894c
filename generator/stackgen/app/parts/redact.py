"""What of a log record or an exception may be written: never the arguments or the result of a task."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from datetime import date, timedelta
from types import TracebackType
from typing import Any

LONGEST_MESSAGE = 8192
LONGEST_ERROR = 500
LONGEST_STACK = 16_384
LONGEST_VALUE = 200
"""Characters of one argument or field that stack.yaml allows."""

LIBRARIES = frozenset({"amqp", "billiard", "celery", "kombu", "multiprocessing"})
"""Loggers of Celery and what it is made of: an object in their text is named by its type only."""

# Records that repeat arguments or bodies. For each there is a record of ours, but for the two of level debug.
_REPLACED: Mapping[str, tuple[str, ...]] = {
    "celery.worker.consumer.consumer": (
        "Received and deleted unknown message",
        "Received unregistered task",
        "Received invalid task message",
    ),
    "celery.worker.request": ("Discarding revoked task", "Task %s[%s] retry"),
    "celery.pool": ("TaskPool: Apply",),
    "celery.beat": ("Current schedule",),
}
_UNDECODABLE = "Can't decode message body"
_HIDDEN = frozenset({"args", "kwargs", "return_value"})


def is_replaced(record: logging.LogRecord) -> bool:
    """Whether Celery's record is left out, for ours says the same without arguments."""
    if record.name in ("celery.app.trace", "celery.worker.strategy") and hasattr(record, "data"):
        return True
    text = str(record.msg)
    if record.name == "py.warnings":
        return "Exception raised outside body" in record.getMessage()
    return text.startswith(_REPLACED.get(record.name, ("\0",)))


def is_undecodable(record: logging.LogRecord) -> bool:
    """Whether the record, and its exception, quote the body of a message."""
    return str(record.msg).startswith(_UNDECODABLE)


def message_of(record: logging.LogRecord) -> str:
    """The record's text, cut; of a library's values only plain ones, for a repr would show arguments."""
    if record.name.partition(".")[0] not in LIBRARIES:
        if isinstance(record.msg, Mapping):
            return cut(_said_in(record.msg), LONGEST_MESSAGE)
        return cut(_formatted(record.msg, record.args), LONGEST_MESSAGE)
    if is_undecodable(record):
        return _UNDECODABLE
    args = record.args
    if isinstance(args, Mapping):
        safe: object = {key: "<hidden>" if key in _HIDDEN else _plain(value) for key, value in args.items()}
    else:
        safe = tuple(_plain(value) for value in args or ())
    return cut(_formatted(record.msg, safe), LONGEST_MESSAGE)


def _said_in(message: Mapping[Any, object]) -> str:
    """The sentence among the fields of a message, as structlog makes them; without one, the fields' names."""
    found = next((message[key] for key in ("event", "message", "msg") if message.get(key)), None)
    return text_of(found) if found is not None else ", ".join(text_of(key) for key in message)


def _formatted(message: object, args: object) -> str:
    text = text_of(message)
    try:
        return text % args if args else text
    except (TypeError, ValueError, KeyError):
        return text  # a slip in the program's own logging call must not lose the line


def _plain(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float, str, date, timedelta)):
        return value
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {cut(text_of(value), LONGEST_ERROR)}"
    request = any(kind.__module__ == "celery.worker.request" for kind in type(value).__mro__)
    return str(value) if request else f"<{type(value).__name__}>"


def shown(value: object) -> str:
    """An allowed value as a short text; of lists and objects only the type."""
    simple = value is None or isinstance(value, (bool, int, float, str))
    return cut(str(value), LONGEST_VALUE) if simple else f"<{type(value).__name__}>"


def text_of(value: object) -> str:
    """Its str(); where that raises, its type."""
    try:
        return str(value)
    except Exception as error:
        if type(error).__name__ == "SoftTimeLimitExceeded":
            raise
        return f"<{type(value).__name__} without a text>"


def cut(text: str, limit: int) -> str:
    """At most so many characters; an ellipsis says that there were more."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def error_fields(error: BaseException | None, trace: TracebackType | None = None) -> dict[str, object]:
    """ECS `error`: type, message cut short, and the stack's places and source lines; no values of variables."""
    if error is None:
        return {}
    error = getattr(error, "exc", None) if type(error).__name__ == "ExceptionWithTraceback" else error
    found: dict[str, object] = {"type": type(error).__name__, "message": cut(text_of(error), LONGEST_ERROR)}
    if stack := _stack(error, trace):
        found["stack_trace"] = stack
    return found


def _stack(error: BaseException | None, trace: TracebackType | None) -> str:
    """Frames of the exception and of those that led to it, the newest exception first."""
    parts: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = trace or error.__traceback__
        if frames is not None:
            parts.append(f"{type(error).__name__}\n{''.join(traceback.format_tb(frames))}")
        trace = None
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    text = "\ncaused by ".join(parts)
    return text if len(text) <= LONGEST_STACK else "…" + text[-LONGEST_STACK + 1 :]
