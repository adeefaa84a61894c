"""The generated demo in a real Celery worker on a real Redis: it does what the dashboards show, and logs JSON."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stackgen import pipeline
from stackgen.emitters import celery, compose
from stackgen.render.environment import render
from tests.flower.redis_server import redis_server
from tests.logs.judge import parsed, wrong_fields

STACK = """\
version: 1
stack: {name: shop}
celery: {app: proj, broker: {kind: redis}}
queues: {celery: {}, priority: {}, dead_letter: {role: dead_letter}}
"""
PATIENCE_SECONDS = 60
"""How long a slow machine may take to run the first task of traffic."""


def _celery(folder: Path, broker: str, *command: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "CELERY_BROKER_URL": broker}
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


def _wait_for_a_success(folder: Path) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        lines = [line for log in folder.glob("*.log") for line in log.read_text().splitlines()]
        if any("task-succeeded" in line and "demo.quick" in line for line in lines):
            return
        time.sleep(0.2)
    message = f"no demo.quick has succeeded within {PATIENCE_SECONDS} s"
    raise AssertionError(message)


@pytest.mark.slow
def test_the_demo_runs_tasks_and_logs_json_without_results(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(STACK, encoding="utf-8")
    plan = pipeline.prepare(tmp_path / "stack.yaml").plan
    files = (*compose.artefacts(plan), *celery.artefacts(plan))
    for one in (a for a in files if a.path.startswith(("demo/", "celery/"))):
        (tmp_path / one.path.partition("/")[2]).write_text(render(one).text, encoding="utf-8")
    with redis_server(tmp_path) as broker:
        options = ("--concurrency=2", "--queues=celery,priority", "--loglevel=INFO", f"--logfile={tmp_path}/%h.log")
        arguments = ("-m", "celery", "-A", "app", "worker", *options)
        worker = _celery(tmp_path, broker, *arguments)
        traffic = _celery(tmp_path, broker, "traffic.py")
        _wait_for_a_success(tmp_path)
        assert traffic.poll() is None
        assert worker.poll() is None
        _stop(traffic)
        _stop(worker)
    (log,) = tmp_path.glob("*.log")
    lines = parsed(log.read_bytes().splitlines())
    assert {wrong for line in lines for wrong in wrong_fields(line)} == set()
    done = [line for line in lines if line["event"].get("action") == "task-succeeded"]
    assert "demo.quick" in {line["celery"]["task"]["name"] for line in done}
    assert {line["service"]["name"] for line in lines} == {"shop"}
