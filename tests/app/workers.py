"""Real workers with the generated celery_monitoring.py, on a real Redis, ended with the test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stackgen import pipeline
from stackgen.emitters import celery as celery_module
from stackgen.render.environment import render
from tests.app.cluster import PATIENCE_SECONDS

STACK = """\
version: 1
stack: {name: shop}
celery: {app: proj, broker: {kind: redis}}
queues: {celery: {}}
"""

# The secrets are put together when the program runs: a stack trace shows source lines.
TASKS = """\
import os, sys, time
from celery import Celery
from celery.exceptions import Ignore, Reject
from celery.utils.log import get_task_logger
SECRET = "-".join(("canary", "hunter2"))
app = Celery("proj", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
log = get_task_logger("proj")

@app.task
def good(card, order=None, basket=None):
    log.info("inside")
    print("printed", "words")
    return {"token": SECRET}

@app.task
def bad(card, order=None):
    secret = SECRET + "-local"
    raise ValueError("declined " + "x" * 2000)

@app.task(bind=True, max_retries=1)
def again(self, card):
    raise self.retry(exc=ConnectionError("later"), countdown=0)

@app.task
def refused(card):
    raise Reject("no", requeue=False)

@app.task
def ignored(card):
    raise Ignore()

@app.task(time_limit=1)
def endless(card):
    time.sleep(60)

@app.task
def strange(card):
    return object()

@app.task
def long_line(card):
    for _ in range(20):
        log.warning("y" * 6000)
"""

SEND = """\
import proj
from proj import *
good.delay(SECRET, order=7, basket=[SECRET])
bad.delay(SECRET, order=SECRET)
again.delay(SECRET)
refused.delay(SECRET)
ignored.delay(SECRET)
strange.delay(SECRET)
good.apply_async((SECRET,), expires=-1)
app.send_task("missing", (SECRET,), {"key": SECRET})
with app.connection() as connection:
    connection.SimpleQueue("celery").put({SECRET: 1})
    broken = {"routing_key": "celery", "content_type": "application/json", "content_encoding": "utf-8"}
    connection.Producer().publish(SECRET + "{", headers={"task": "proj.good", "id": "x", "argsrepr": SECRET}, **broken)
for _ in range(MANY):
    long_line.delay(SECRET)
if LIMITS:
    endless.delay(SECRET)
"""


def write_module(folder: Path, app: str = "{}") -> dict[str, str]:
    """Writes celery_monitoring.py and what belongs to it; gives their texts."""
    stack = folder / "stack.yaml"
    stack.write_text(STACK + f"app: {app}\n", encoding="utf-8")
    texts = {}
    for artefact in celery_module.artefacts(pipeline.prepare(stack).plan):
        name = Path(artefact.path).name
        texts[name] = render(artefact).text
        (folder / name).write_text(texts[name], encoding="utf-8")
    return texts


def write_project(folder: Path, *, monitored: bool = True, more: str = "") -> None:
    """Writes proj.py, with our setup or without it."""
    ours = "from celery_monitoring import setup\nsetup(app)\n" if monitored else ""
    (folder / "proj.py").write_text(TASKS + ours + more, encoding="utf-8")


def send(folder: Path, broker: str, *, many: int = 0, limits: bool = False) -> None:
    """Sends one task of each kind, each with the secret in it, and broken messages."""
    (folder / "send.py").write_text(f"MANY, LIMITS = {many}, {limits}\n{SEND}", encoding="utf-8")
    subprocess.run(
        [sys.executable, "send.py"], cwd=folder, env=_environment(broker, {}), check=True, timeout=PATIENCE_SECONDS
    )


def start_sending(folder: Path, broker: str, text: str, *, wait: bool = True) -> subprocess.Popen[bytes]:
    """Runs a program beside the application; when asked to wait, until it is done."""
    (folder / "send.py").write_text(text, encoding="utf-8")
    program = subprocess.Popen([sys.executable, "send.py"], cwd=folder, env=_environment(broker, {}))
    if wait and program.wait(30):
        message = f"send.py ended with {program.returncode}"
        raise AssertionError(message)
    return program


def _environment(broker: str, more: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, "BROKER": broker, "PYTHONWARNINGS": "ignore", "PYTHONPATH": "", **more}


@contextmanager
def worker(
    folder: Path, broker: str, *options: str, before: Sequence[str] = (), **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker whose output goes to out.txt and err.txt; it is told to stop at the end, and killed if it does not."""
    pool = ("worker", "-c", "2", "--without-gossip", "--without-mingle")
    with celery(folder, broker, *pool, *options, before=before, **more) as program:
        yield program


@contextmanager
def celery(
    folder: Path, broker: str, *options: str, before: Sequence[str] = (), **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """`celery -A proj …`; its output goes to out.txt and err.txt."""
    command = [*before, str(Path(sys.executable).with_name("celery")), "-A", "proj", *options]
    with (
        (folder / "out.txt").open("wb") as out,
        (folder / "err.txt").open("wb") as err,
        subprocess.Popen(
            command, cwd=folder, env=_environment(broker, more), stdout=out, stderr=err, start_new_session=True
        ) as program,
    ):
        try:
            yield program
        finally:
            program.terminate()
            try:
                program.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(program.pid, signal.SIGKILL)


def wait_until(file: Path, *words: str, seconds: float = PATIENCE_SECONDS) -> str:
    """The file's text, when it holds all of the words."""
    end = time.monotonic() + seconds
    text = ""
    while time.monotonic() < end:
        text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        if all(word in text for word in words):
            return text
        time.sleep(0.1)
    missing = [word for word in words if word not in text]
    message = f"{missing} not in {file.name} after {seconds} s:\n{text[-3000:]}"
    raise AssertionError(message)


def lines(text: str) -> list[dict[str, Any]]:
    """Every line as JSON; a line that is none is a failure."""
    return [json.loads(line) for line in text.splitlines()]
