"""`python -m tests.logs.taken`: takes tests/logs/taken.jsonl anew, from real workers: each way a task can end.

What is called like a task id says what was done; a line without one is known by its message.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stackgen.app.parts.lines import as_line
from tests.app.workers import wait_until, worker, write_module, write_project
from tests.flower.redis_server import free_port, redis_server

FILE = Path(__file__).with_name("taken.jsonl")
HOST = "lab"
"""In the place of the machine's name."""
MORE = """
import signal
from celery import signals
from celery.exceptions import SoftTimeLimitExceeded

def _mend():
    raise KeyError("cause")

@app.task
def chained():
    try:
        _mend()
    except KeyError as error:
        raise RuntimeError("effect") from error

@app.task(soft_time_limit=1, time_limit=30)
def soft():
    time.sleep(20)

@app.task(bind=True, max_retries=1, soft_time_limit=1, time_limit=30)
def soft_again(self):
    try:
        time.sleep(0 if self.request.retries else 20)
    except SoftTimeLimitExceeded as error:
        log.exception("too slow")
        raise self.retry(exc=error, countdown=0)

@app.task
def killed():
    os.kill(os.getpid(), signal.SIGKILL)

@app.task
def quits():
    log.critical("the task is at its end")
"""
SEND = """
import time
from proj import app
def send(name, **more):
    app.send_task(f"proj.{name}", task_id=name, **more)
send("good", args=("c",))
send("bad", args=("c",))
send("chained")
send("again", args=("c",))
send("refused", args=("c",))
send("ignored", args=("c",))
send("missing")
send("soft")
send("soft_again")
send("endless", args=("c",))
send("quits")
app.send_task("proj.good", args=("c",), task_id="expired", expires=-1)
with app.connection() as connection:
    connection.SimpleQueue("celery").put({"a": 1})
    broken = {"routing_key": "celery", "content_type": "application/json", "content_encoding": "utf-8"}
    connection.Producer().publish("{", headers={"task": "proj.good", "id": "broken"}, **broken)
time.sleep(5)
send("killed")
"""


def take(folder: Path) -> list[dict[str, Any]]:
    """Every line of a worker that has seen all of it, and of one that found no broker."""
    write_module(folder)
    write_project(folder, more=MORE)
    log, away = folder / "worker.log", folder / "away.log"
    with redis_server(folder) as broker:
        with worker(folder, broker, "-n", f"w@{HOST}", "-f", str(log), "-l", "INFO"):
            wait_until(log, "ready")
            environment = {**os.environ, "BROKER": broker, "PYTHONPATH": ""}
            subprocess.run([sys.executable, "-c", SEND], cwd=folder, env=environment, check=True)
            wait_until(log, '"id":"killed"', "WorkerLostError", '"TimeLimitExceeded"', "SoftTimeLimitExceeded")
        nobody = f"redis://127.0.0.1:{free_port()}/0"
        once = "app.conf.broker_connection_retry_on_startup = False\n"
        with (folder / "proj.py").open("a", encoding="utf-8") as project:
            project.write(once)
        with worker(folder, nobody, "-n", f"away@{HOST}", "-f", str(away), "-l", "INFO") as ended:
            ended.wait(30)
    texts = [_anywhere(path.read_text(encoding="utf-8")) for path in (log, away)]
    return [json.loads(one) for text in texts for one in text.splitlines()]


def _anywhere(text: str) -> str:
    """The text without what is the machine's: its name, and folders in stack traces."""
    named = re.sub(r'"host":{"name":"[^"]*"}', f'"host":{{"name":"{HOST}"}}', text)
    return re.sub(r'(File \\")[^"]*/', r"\1", named)


def known(line: Mapping[str, Any]) -> str:
    """What tells a line apart: the task's id and what happened, or the message."""
    task = line.get("celery", {}).get("task", {})
    action = line.get("event", {}).get("action")
    return f"{task.get('id')} {action}" if action else f"{task['id']}: {line['message']}" if task else line["message"]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        FILE.write_bytes(b"".join(as_line(one) for one in take(Path(made))))
