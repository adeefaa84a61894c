"""The Celery application of chaos.py: every execution that ends is written down before anybody else hears of it."""

from __future__ import annotations

import os
import time

from celery import Celery  # type: ignore[import-untyped]

app = Celery("ledger", broker=os.environ.get("LIVE_BROKER_URL", "memory://"))
app.conf.update(
    task_send_sent_event=True,
    worker_send_task_events=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
)


@app.task(name="ledger.pays")  # type: ignore[untyped-decorator]
def pays() -> None:
    """Succeeds."""
    _note("ledger.pays", "SUCCESS")


@app.task(name="ledger.owes")  # type: ignore[untyped-decorator]
def owes() -> None:
    """Fails."""
    _note("ledger.owes", "FAILURE")
    message = "planned"
    raise ValueError(message)


def _note(task: str, state: str) -> None:
    """One line, which the kernel appends as a whole."""
    line = f"{time.time()} {task} {state}\n"
    ledger = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(ledger, line.encode())
    finally:
        os.close(ledger)
