"""One Python with one Celery: 200 tasks that end in every way, what a worker holds, and processes of one task each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.app.cluster import fetch, parsed, until
from tests.app.workers import write_module
from tests.flower.redis_server import free_port

PROJECT = """\
import os, signal, time
from celery import Celery
from celery.exceptions import Ignore, Reject
app = Celery("proj", broker=os.environ["CELERY_BROKER_URL"])
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True, worker_prefetch_multiplier=1)
if not os.environ.get("PLAIN"):
    from celery_monitoring import setup
    setup(app)

@app.task
def ok(): return 1

@app.task
def fail(): raise ValueError("as asked")

@app.task(bind=True, max_retries=2)
def again(self):
    if self.request.retries < 2:
        raise self.retry(countdown=0)

@app.task(acks_late=True)
def reject(): raise Reject("as asked", requeue=False)

@app.task
def ignore(): raise Ignore()

@app.task(soft_time_limit=1, time_limit=30)
def soft(): time.sleep(20)

@app.task(time_limit=1)
def hard(): time.sleep(20)

@app.task(time_limit=30)
def long(): time.sleep(9)

@app.task
def killed():
    with open("kills", "a") as file:
        file.write("x")
    os.kill(os.getpid(), signal.SIGKILL)
"""
SEND = """\
from proj import *
ids = ["revoked-%d" % n for n in range(3)]
app.control.revoke(ids)
time.sleep(1)
for n in range(120): ok.delay()
for n in range(30): fail.delay()
for n in range(10): again.delay(); ignore.delay(); reject.delay()
for n in range(5): ok.apply_async(expires=-5)
for one in ids: ok.apply_async(task_id=one)
for n in range(4): soft.delay(); hard.delay(); killed.delay()
"""
ENDED = {
    "ok SUCCESS": 120,
    "fail FAILURE": 30,
    "again RETRY": 20,
    "again SUCCESS": 10,
    "ignore IGNORED": 10,
    "reject REJECTED": 10,
    "ok REVOKED": 8,
    "soft FAILURE": 4,
    "hard FAILURE": 4,
    "killed FAILURE": 4,
}
"""What 200 messages become."""
LOGGED = {"succeeded": 130, "failed": 42, "retried": 20, "ignored": 10, "rejected": 10, "revoked": 8}
HELD = """\
from proj import *
for n in range(3): ok.apply_async(countdown=40)
long.apply_async(headers={"celery_monitoring_entry": "nightly"})
"""
IN_WORKER = {
    "celery_worker_slots": 4,
    "celery_worker_slots_busy": 1,
    "celery_worker_consumes celery": 1,
    "celery_worker_delayed celery": 3,
    "celery_task_limit_seconds celery": 30,
    "celery_entry_running": 1,
}
"""What a worker holds once these were sent, and one has run for a while."""
MORE = "from proj import *\nfor n in range(20): ok.delay()\nfor n in range(5): fail.delay()\n"
MORE_ENDED = {"ok SUCCESS": 20, "fail FAILURE": 5}


class Differs(Exception):
    """The worker did not count, log or answer as it must; or Celery did not run here at all."""


def examine(python: Path, folder: Path, broker: str) -> None:
    """Raises Differs when anything of this Python and Celery is not exact."""
    write_module(folder, "{metrics: {enabled: true, host: 127.0.0.1}}")
    (folder / "proj.py").write_text(PROJECT)
    if not _plain(python, folder, broker):
        message = "Celery itself does not start"
        raise Differs(message)
    first = {**_environment(folder, broker), "CELERY_HEARTBEAT_FILE": str(folder / "%h.heartbeat")}
    with _worker(python, folder, first, "-c", "4") as port:
        _run(python, folder, first, "-c", SEND)
        # On a busy machine Celery runs one again whose process died before it could say that it had begun.
        _same("counts", ENDED, lambda: _less(_counts(port), folder), 60)
        _same("log events", LOGGED, lambda: _events(folder / "log"), 10)
        _run(python, folder, first, "-c", HELD)
        _same("what the worker holds", IN_WORKER, lambda: _held(port), 30)
        for what in ("live", "ready"):
            _same(f"health {what}", {what: 0}, lambda what=what: {what: _health(python, folder, first, what)}, 10)
    _same("health of none", {"code": 1}, lambda: {"code": _health(python, folder, first, "live")}, 5)
    _run(python, folder, first, "-c", "from proj import *; app.control.purge()")  # what it held is given back
    second = {**first, "CELERY_HEARTBEAT_FILE": str(folder / "second-%h.heartbeat")}
    with _worker(python, folder, second, "-c", "2", "--max-tasks-per-child", "1") as port:
        _run(python, folder, second, "-c", MORE)
        _same("counts of short-lived processes", MORE_ENDED, lambda: _counts(port), 60)


def _less(counts: dict[str, int], folder: Path) -> dict[str, int]:
    """The counts without the killed executions that there were beyond those that were sent."""
    killed, kills = "killed FAILURE", folder / "kills"
    more = kills.stat().st_size - ENDED[killed] if kills.exists() else 0
    return {**counts, killed: counts.get(killed, 0) - max(more, 0)}


def _environment(folder: Path, broker: str) -> dict[str, str]:
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return {**kept, "PYTHONPATH": str(folder), "CELERY_BROKER_URL": broker, "PYTHONWARNINGS": "ignore"}


def _plain(python: Path, folder: Path, broker: str) -> bool:
    """Whether a worker without our module does a task."""
    environment = {**_environment(folder, broker), "PLAIN": "1"}
    with _started(python, folder, environment, "plain.log", "-c", "1"):
        try:
            until(lambda: "ready." in (folder / "plain.log").read_text(), seconds=40)
        except AssertionError:
            return False
    return True


@contextmanager
def _worker(python: Path, folder: Path, environment: dict[str, str], *options: str) -> Iterator[int]:
    port = free_port()
    with _started(python, folder, {**environment, "CELERY_METRICS_PORT": str(port)}, "log", *options):
        try:
            until(lambda: fetch(f"http://127.0.0.1:{port}/livez")[0] == 200, seconds=40)
        except AssertionError:
            message = f"no endpoint: {(folder / 'log').read_text()[-1500:]}"
            raise Differs(message) from None
        yield port


@contextmanager
def _started(python: Path, folder: Path, environment: dict[str, str], log: str, *options: str) -> Iterator[None]:
    command = [str(python), "-m", "celery", "-A", "proj", "worker", "-n", "w@here", "-l", "info", *options]
    with (
        (folder / log).open("wb") as out,
        subprocess.Popen(
            [*command, "--without-gossip", "--without-mingle"],
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=out,
            start_new_session=True,
        ) as program,
    ):
        try:
            yield
        finally:
            program.terminate()
            try:
                program.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(program.pid, signal.SIGKILL)


def _run(python: Path, folder: Path, environment: dict[str, str], *arguments: str) -> int:
    done = subprocess.run(
        [str(python), *arguments], cwd=folder, env=environment, capture_output=True, timeout=180, check=False
    )
    return done.returncode


def _health(python: Path, folder: Path, environment: dict[str, str], what: str) -> int:
    return _run(python, folder, environment, "-m", "celery_monitoring", "health", what)


def _counts(port: int) -> dict[str, int]:
    found: Counter[str] = Counter()
    for (name, labels), value in parsed(fetch(f"http://127.0.0.1:{port}/metrics")[1]).items():
        if name == "celery_tasks_total":
            named = dict(labels)
            found[f"{named['task'].removeprefix('proj.')} {named['state']}"] += int(value)
    return dict(found)


def _held(port: int) -> dict[str, int]:
    """Gauges of the endpoint by queue, as far as they are asked for."""
    found = {}
    for (name, labels), value in parsed(fetch(f"http://127.0.0.1:{port}/metrics")[1]).items():
        key = f"{name} {dict(labels).get('queue', '')}".strip()
        if key in IN_WORKER:
            found[key] = int(value)
    return found


def _events(log: Path) -> dict[str, int]:
    found: Counter[str] = Counter()
    for line in log.read_text().splitlines():
        if line.startswith("{"):
            found[str(json.loads(line).get("event", {}).get("action", "")).removeprefix("task-")] += 1
    return {action: found[action] for action in LOGGED}


def _same(what: str, wanted: dict[str, int], look: object, seconds: float) -> None:
    assert callable(look)
    try:
        until(lambda: look() == wanted, seconds=seconds)
    except AssertionError:
        found = look()
        wrong = {key: (found.get(key, 0), wanted.get(key, 0)) for key in {*found, *wanted}}
        message = f"{what}: " + ", ".join(f"{k} {a} of {b}" for k, (a, b) in sorted(wrong.items()) if a != b)
        raise Differs(message) from None
