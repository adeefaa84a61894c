"""The generated demo in a real Celery worker on a real Redis: it does what the dashboards show, and logs JSON."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from stackgen import pipeline
from stackgen.emitters import celery, compose
from stackgen.render.environment import render
from tests.app.cluster import PATIENCE_SECONDS, until
from tests.flower.redis_server import redis_server
from tests.logs.judge import parsed, wrong_fields

STACK = """\
version: 1
stack: {name: shop}
celery: {app: proj, broker: {kind: redis}}
queues: {celery: {}, priority: {}, dead_letter: {role: dead_letter}}
"""


@contextmanager
def _running(folder: Path, broker: str, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is asked to end and may finish what it does; then its children are killed."""
    environment = {**os.environ, "CELERY_BROKER_URL": broker}
    with (folder / "said").open("ab") as said:
        program = subprocess.Popen(
            [sys.executable, *command], cwd=folder, env=environment, stdout=said, stderr=said, start_new_session=True
        )
    try:
        yield program
        program.terminate()
        program.wait(PATIENCE_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()


def _succeeded(folder: Path, task: str) -> bool:
    lines = [line for log in folder.glob("*.log") for line in log.read_text().splitlines()]
    return any("task-succeeded" in line and task in line for line in lines)


@pytest.mark.slow
def test_the_demo_runs_tasks_and_logs_json_without_results(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(STACK, encoding="utf-8")
    plan = pipeline.prepare(tmp_path / "stack.yaml").plan
    files = (*compose.artefacts(plan), *celery.artefacts(plan))
    for one in (a for a in files if a.path.startswith(("demo/", "celery/"))):
        (tmp_path / one.path.partition("/")[2]).write_text(render(one).text, encoding="utf-8")
    with redis_server(tmp_path) as broker:
        options = ("--concurrency=2", "--queues=celery,priority", "--loglevel=INFO", f"--logfile={tmp_path}/%h.log")
        worker = _running(tmp_path, broker, "-m", "celery", "-A", "app", "worker", *options)
        with worker as works, _running(tmp_path, broker, "traffic.py") as sends:

            def done() -> bool:
                assert (works.poll(), sends.poll()) == (None, None), (tmp_path / "said").read_text()
                return _succeeded(tmp_path, "demo.quick")

            until(done, lambda: f"no demo.quick has succeeded: {(tmp_path / 'said').read_text()}")
    (log,) = tmp_path.glob("*.log")
    lines = parsed(log.read_bytes().splitlines())
    assert {wrong for line in lines for wrong in wrong_fields(line)} == set()
    ended = [line for line in lines if line["event"].get("action") == "task-succeeded"]
    assert "demo.quick" in {line["celery"]["task"]["name"] for line in ended}
    assert {line["service"]["name"] for line in lines} == {"shop"}
