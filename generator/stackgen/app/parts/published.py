"""When a task was sent, so that a worker knows how long it waited."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

SENT_HEADER = "celery_monitoring_sent"
ENTRY_HEADER = "celery_monitoring_entry"
"""Which entry of beat's schedule it is; a retry keeps it."""
LONGEST_ENTRY = 120
"""Bytes of an entry's name that a worker takes: it must fit into a line of a pipe beside two other names."""
_SENDING = threading.local()
_LATEST = 1 << 40
"""A header may hold anything: not a number, or one that no clock shows."""


def mark_published() -> None:
    """Writes the time into each message this process sends; sending again, as a retry does, counts anew."""
    from celery import signals  # type: ignore[import-untyped, unused-ignore]

    signals.before_task_publish.connect(_stamp, weak=False, dispatch_uid="celery_monitoring.published")


def _stamp(headers: dict[str, Any] | None = None, properties: dict[str, Any] | None = None, **_: object) -> None:
    if headers is None:
        return
    headers[SENT_HEADER] = now = time.time()
    if entry := getattr(_SENDING, "entry", None):
        headers[ENTRY_HEADER] = entry
    if properties is not None:  # RabbitMQ tells it of the message that is next in a queue
        properties.setdefault("timestamp", int(due_moment(now, headers.get("eta")) or now))


@contextmanager
def sending_entry(name: str) -> Iterator[None]:
    """What this thread sends meanwhile is a run of this entry."""
    _SENDING.entry = name
    try:
        yield
    finally:
        _SENDING.entry = None


def wait_seconds(request: Any, began: float | None = None) -> float | None:
    """Seconds between sending, or the ETA if that is later, and the beginning, now if that is not known.

    None when the sender did not say when, or said something that is no time.
    """
    due = due_moment(getattr(request, SENT_HEADER, None), getattr(request, "eta", None))
    return None if due is None else max(0.0, (began or time.time()) - due)


def due_moment(sent: Any, eta: object) -> float | None:
    """When a message was sent, or its ETA if that is later; None when the sender did not say."""
    if type(sent) not in (int, float) or not 0 <= sent < _LATEST:
        return None
    return max(float(sent), _eta(eta)) if eta else float(sent)


def _eta(value: object) -> float:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        return moment.timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0
