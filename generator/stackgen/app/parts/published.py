"""When a task was sent, so that a worker knows how long it waited."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

SENT_HEADER = "celery_monitoring_sent"


def mark_published() -> None:
    """Writes the time into each message this process sends; sending again, as a retry does, counts anew."""
    from celery import signals  # type: ignore[import-untyped, unused-ignore]

    signals.before_task_publish.connect(_stamp, weak=False, dispatch_uid="celery_monitoring.published")


def _stamp(headers: dict[str, Any] | None = None, **_: object) -> None:
    if headers is not None:
        headers[SENT_HEADER] = time.time()


def wait_seconds(request: Any) -> float | None:
    """Seconds between sending, or the ETA if that is later, and now; None when the sender did not say when."""
    sent = getattr(request, SENT_HEADER, None)
    if not isinstance(sent, (int, float)):
        return None
    eta = getattr(request, "eta", None)
    return max(0.0, time.time() - (max(float(sent), _eta(eta)) if eta else float(sent)))


def _eta(value: object) -> float:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return 0.0
    return moment.timestamp()
