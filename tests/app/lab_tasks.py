"""The application of the lab: tasks that end in every way a task can end. Started as `celery -A lab_tasks worker`."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from celery import Celery  # type: ignore[import-untyped]
from celery.exceptions import Ignore, Reject  # type: ignore[import-untyped]

from stackgen.app.parts.metrics import install_metrics
from stackgen.app.parts.published import mark_published
from stackgen.app.parts.settings import MetricSettings, Settings

BOUNDS = (0.05, 0.5, 1.0, 10.0, 60.0)
SETTINGS = Settings(
    name="lab",
    queues=("celery", "priority"),
    duration_buckets=BOUNDS,
    wait_buckets=BOUNDS,
    metrics=MetricSettings(enabled=True, host="127.0.0.1", port=9809),
)

app = Celery("lab", broker=os.environ.get("CELERY_BROKER_URL"), backend=os.environ.get("CELERY_RESULT_URL"))
app.conf.update(
    task_ignore_result="CELERY_RESULT_URL" not in os.environ,
    broker_connection_retry_on_startup=True,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    result_backend_transport_options={"retry_policy": {"max_retries": 0}},
    task_create_missing_queues=True,
)
if seconds := os.environ.get("LAB_VISIBILITY"):
    app.conf.broker_transport_options = {
        "visibility_timeout": int(seconds),
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    }
if folder := os.environ.get("LAB_MODULE"):
    sys.path.insert(0, folder)
    import celery_monitoring  # type: ignore[import-not-found]  # the generated file

    celery_monitoring.setup(app)
elif os.environ.get("LAB_PLAIN") != "1":
    mark_published()
    install_metrics(app, SETTINGS)


@app.task(name="lab.ok")  # type: ignore[untyped-decorator]
def ok() -> int:
    """Succeeds."""
    return 1


@app.task(name="lab.fail")  # type: ignore[untyped-decorator]
def fail() -> None:
    """Fails."""
    message = "as asked"
    raise ValueError(message)


@app.task(name="lab.again", bind=True, max_retries=2)  # type: ignore[untyped-decorator]
def again(self: Any) -> None:
    """Is retried twice, then succeeds."""
    if self.request.retries < 2:
        raise self.retry(countdown=0)


@app.task(name="lab.soft", soft_time_limit=0.5, time_limit=30)  # type: ignore[untyped-decorator]
def soft() -> None:
    """Runs into its soft limit."""
    time.sleep(20)


@app.task(name="lab.hard", time_limit=1)  # type: ignore[untyped-decorator]
def hard() -> None:
    """Runs into its hard limit."""
    time.sleep(20)


@app.task(name="lab.killed")  # type: ignore[untyped-decorator]
def killed() -> None:
    """Takes its process with it."""
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="lab.reject", acks_late=True)  # type: ignore[untyped-decorator]
def reject() -> None:
    """Rejects its message."""
    reason = "as asked"
    raise Reject(reason, requeue=False)


@app.task(name="lab.late", acks_late=True)  # type: ignore[untyped-decorator]
def late(seconds: float) -> None:
    """Sleeps, and is acknowledged when it ends."""
    time.sleep(seconds)


@app.task(name="lab.ignore")  # type: ignore[untyped-decorator]
def ignore() -> None:
    """Leaves its outcome open."""
    raise Ignore


@app.task(name="lab.slow")  # type: ignore[untyped-decorator]
def slow(seconds: float) -> None:
    """Takes its time."""
    time.sleep(seconds)


@app.task(name="lab.dies_twice", acks_late=True, reject_on_worker_lost=True)  # type: ignore[untyped-decorator]
def dies_twice(seen: str) -> None:
    """Takes its process with it, twice."""
    with Path(seen).open("a+", encoding="utf-8") as file:
        file.write("x")
        file.seek(0)
        times = len(file.read())
    if times < 3:
        os.kill(os.getpid(), signal.SIGKILL)


class Unspeakable(Exception):
    """Cannot be told."""

    def __str__(self) -> str:
        message = "neither this"
        raise ValueError(message)


@app.task(name="lab.unspeakable")  # type: ignore[untyped-decorator]
def unspeakable() -> None:
    """Fails with an exception whose text fails."""
    raise Unspeakable
