"""What danihodovic/celery-exporter exposes."""

from __future__ import annotations

from stackgen.catalog.source import Metric
from stackgen.catalog.sources.celery_exporter_launch import PURGE

_EVENT = ("name", "hostname", "queue_name")

QUEUE_LENGTH_METRIC = Metric(name="celery_queue_length", type="gauge", labels=("queue_name",), always=True)
ACTIVE_WORKERS = Metric(name="celery_active_worker_count", type="gauge", labels=("queue_name",), always=True)
WORKER_UP = Metric(name="celery_worker_up", type="gauge", labels=("hostname",), lifetime=PURGE)
RUNTIME = Metric(name="celery_task_runtime", type="histogram", labels=_EVENT, born="first value", lifetime=PURGE)
WAIT = Metric(
    name="celery_task_queue_wait_time",
    type="histogram",
    labels=_EVENT,
    born="first value",
    lifetime=PURGE,
    since="next",
)


def _event(state: str, *more: str) -> Metric:
    # A label set is created at 0 with its first event of any kind, but `exception` only with its first failure.
    return Metric(
        name=f"celery_task_{state}_total",
        type="counter",
        labels=(*_EVENT, *more),
        born="first value",
        lifetime=PURGE,
    )


STARTED, RECEIVED = _event("started"), _event("received")
ENDED = {
    "SUCCESS": _event("succeeded"),
    "FAILURE": _event("failed", "exception"),
    "RETRY": _event("retried"),
    "REVOKED": _event("revoked"),
    "REJECTED": _event("rejected"),
}
TASKS_ACTIVE = Metric(name="celery_worker_tasks_active", type="gauge", labels=("hostname",), lifetime=PURGE)
OTHERS = (
    _event("sent"),
    RECEIVED,
    TASKS_ACTIVE,
    Metric(name="celery_active_process_count", type="gauge", labels=("queue_name",)),
)
