"""The Celery application of the live proof: tasks that do well, fail, retry, take long and run into limits."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from celery import Celery  # type: ignore[import-untyped]
from celery.schedules import crontab  # type: ignore[import-untyped]

BROKER = os.environ.get("LIVE_BROKER_URL", "memory://")
TICK_SECONDS = float(os.environ.get("LIVE_TICK", "2"))
FILES = Path(os.environ.get("LIVE_FILES", os.devnull))
"""The folder of the run: while one of the files below is in it, a task misbehaves."""
REFUSES, DAWDLES, KILLS = FILES / "refuses", FILES / "dawdles", FILES / "kills"
VISIBILITY = os.environ.get("LIVE_VISIBILITY")
"""Seconds after which Redis delivers again what is not acknowledged; an hour unless it is said."""


REDIS_OPTIONS = {
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    **({"visibility_timeout": int(VISIBILITY)} if VISIBILITY else {}),
}


def route(name: str, *_: object, **__: object) -> None:
    """Routes nothing, and breaks for one task, as a router of a bad release does."""
    if name == "live.routed" and REFUSES.is_file():
        message = "no route"
        raise LookupError(message)


app = Celery("live", broker=BROKER)
app.conf.update(
    task_send_sent_event=True,
    worker_send_task_events=os.environ.get("LIVE_EVENTS", "1") == "1",
    worker_enable_remote_control=os.environ.get("LIVE_REMOTE", "1") == "1",
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options=REDIS_OPTIONS if BROKER.startswith("redis:") else {},
    beat_max_loop_interval=2,
    redbeat_redis_url=BROKER,
    redbeat_lock_timeout=20,
    task_routes=(route,),
    beat_schedule={
        "tick": {"task": "live.fine", "schedule": TICK_SECONDS},
        "report": {"task": "live.fine", "schedule": crontab(minute=0, hour=7, day_of_week="mon-fri")},
        "lane": {"task": "live.ticking", "schedule": 20.0, "options": {"queue": "lane"}},
        "routed": {"task": "live.routed", "schedule": 5.0},
        "report often": {"task": "live.reporting", "schedule": 20.0},
    },
)

if folder := os.environ.get("LIVE_MODULE"):
    sys.path.insert(0, folder)
    import celery_monitoring  # type: ignore[import-not-found]  # generated for this run

    celery_monitoring.setup(app)


@app.task(name="live.fine")  # type: ignore[untyped-decorator]
def fine() -> None:
    """Succeeds at once."""


@app.task(name="live.ticking")  # type: ignore[untyped-decorator]
def ticking() -> None:
    """Sent by beat, and missed when it does not run."""


@app.task(name="live.routed")  # type: ignore[untyped-decorator]
def routed() -> None:
    """Sent by beat, while it can be routed."""


@app.task(name="live.flaky")  # type: ignore[untyped-decorator]
def flaky(fails: bool) -> None:
    """Fails when it is told to."""
    if fails:
        message = "planned"
        raise ValueError(message)


@app.task(name="live.retrying", bind=True, max_retries=1)  # type: ignore[untyped-decorator]
def retrying(self: Any, again: bool) -> None:
    """Needs a second attempt when it is told to."""
    if again and not self.request.retries:
        raise self.retry(countdown=0)


@app.task(name="live.slow")  # type: ignore[untyped-decorator]
def slow(seconds: float) -> None:
    """Takes its time, as tasks of its queue do."""
    time.sleep(seconds)


@app.task(name="live.dawdling")  # type: ignore[untyped-decorator]
def dawdling(seconds: float) -> None:
    """Takes longer than it may, when it is told to; stack.yaml judges it."""
    time.sleep(seconds)


@app.task(name="live.limited", soft_time_limit=1, time_limit=2)  # type: ignore[untyped-decorator]
def limited(seconds: float, stubborn: bool = False) -> None:
    """Runs into its soft limit, or ignores that and runs into the hard one."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            time.sleep(0.1)
        except Exception:
            if not stubborn:
                raise


@app.task(name="live.hoard")  # type: ignore[untyped-decorator]
def hoard(megabytes: int, seconds: float) -> int:
    """Holds memory."""
    held = b"x" * (megabytes << 20)  # zeros would not be resident
    time.sleep(seconds)
    return len(held)


@app.task(name="live.burn")  # type: ignore[untyped-decorator]
def burn(seconds: float) -> None:
    """Uses CPU time, however long that takes."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


@app.task(name="live.reporting")  # type: ignore[untyped-decorator]
def reporting() -> None:
    """Sent by beat, and done at once unless it dawdles."""
    end = time.monotonic() + 50
    while DAWDLES.is_file() and time.monotonic() < end:
        time.sleep(0.2)


@app.task(name="live.hanging", soft_time_limit=5)  # type: ignore[untyped-decorator]
def hanging(seconds: float) -> None:
    """Takes no notice of its limit."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            time.sleep(end - time.monotonic())
        except Exception:
            continue


@app.task(name="live.outlasting", acks_late=True)  # type: ignore[untyped-decorator]
def outlasting(seconds: float) -> None:
    """Is acknowledged when it ends."""
    time.sleep(seconds)


@app.task(name="live.poison", acks_late=True, reject_on_worker_lost=True)  # type: ignore[untyped-decorator]
def poison() -> None:
    """Ends its process, after which its message comes back; while it may."""
    if KILLS.is_file():
        os.kill(os.getpid(), signal.SIGKILL)
