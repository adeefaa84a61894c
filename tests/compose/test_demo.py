"""The generated demo in a real Celery worker on a real Redis: it does what the dashboards show, and logs JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from generator import pipeline
from generator.emitters import compose
from generator.render.environment import render
from tests.flower.redis_server import redis_server

STACK = """\
version: 1
stack: {name: shop}
celery: {app: proj, broker: {kind: redis}}
queues: {celery: {}, priority: {}, dead_letter: {role: dead_letter}}
"""
SECONDS = 8


def _celery(folder: Path, broker: str, *command: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "CELERY_BROKER_URL": broker, "LOG_FOLDER": str(folder)}
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _stop(program: subprocess.Popen[bytes]) -> str:
    """Ends it with its children; gives what it said."""
    os.killpg(program.pid, signal.SIGTERM)
    try:
        return program.communicate(timeout=20)[1].decode()
    except subprocess.TimeoutExpired:
        os.killpg(program.pid, signal.SIGKILL)
        return program.communicate()[1].decode()


@pytest.mark.slow
def test_the_demo_runs_tasks_and_logs_json_without_results(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(STACK, encoding="utf-8")
    made = compose.plan(pipeline.prepare(tmp_path / "stack.yaml").plan)
    for one in (a for a in made if a.path.startswith("demo/")):
        (tmp_path / one.path.removeprefix("demo/")).write_text(render(one).text, encoding="utf-8")
    with redis_server(tmp_path) as broker:
        arguments = ("-m", "celery", "-A", "app", "worker", "--concurrency=2", "--queues=celery,priority")
        worker = _celery(tmp_path, broker, *arguments)
        traffic = _celery(tmp_path, broker, "traffic.py")
        time.sleep(SECONDS)
        assert traffic.poll() is None
        assert worker.poll() is None
        _stop(traffic)
        _stop(worker)
    (log,) = tmp_path.glob("*.log")
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    said = [line["message"] for line in lines]
    assert any(text.startswith("Task demo.quick[") and text.endswith("s: ...") for text in said)
    assert {"demo.quick"} <= {line.get("celery.task.name") for line in lines}
    assert all({"@timestamp", "log.level", "message"} <= set(line) for line in lines)
