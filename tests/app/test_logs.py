"""The JSON lines of real workers: every line parses, every field is known, and no argument or result is in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.cluster import until
from tests.app.workers import lines, send, wait_until, worker, write_module, write_project
from tests.flower.redis_server import redis_server
from tests.logs.judge import wrong_fields

pytestmark = pytest.mark.slow

SECRET = "canary-hunter2"
ACTIONS = {
    f"task-{name}"
    for name in ("received", "succeeded", "failed", "retried", "revoked", "rejected", "unknown", "ignored")
}
ALLOWED = "{logs: {allow_arguments: {proj.good: [order, basket]}}}"
# The guide's "Structured Logging", word for word but for the module's own logger.
GUIDE = """
from celery.signals import task_prerun, task_postrun, task_failure
import logging, json
logger = logging.getLogger(__name__)

@task_prerun.connect
def task_prerun_handler(sender=None, task_id=None, task=None, args=None, kwargs=None, **extra):
    logger.info(json.dumps({'event': 'task_started', 'task_id': task_id, 'task_name': task.name,
                            'args': str(args), 'kwargs': str(kwargs)}))

@task_postrun.connect
def task_postrun_handler(sender=None, task_id=None, task=None, retval=None, **extra):
    logger.info(json.dumps({'event': 'task_completed', 'task_id': task_id, 'task_name': task.name,
                            'result': str(retval)}))
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as address:
        yield address


def _ran(folder: Path, broker: str, pool: str, database: int) -> str:
    """Everything the worker printed, after it was told to stop."""
    broker = broker.replace("/0", f"/{database}")
    write_module(folder, ALLOWED)
    write_project(folder)
    send(folder, broker, limits=pool == "prefork")
    last = "TimeLimitExceeded" if pool == "prefork" else "strange failed"
    with worker(folder, broker, "-P", pool):
        words = ("good succeeded", "bad failed", "again failed", "missing unknown", "strange failed", "decode", last)
        wait_until(folder / "out.txt", *words)
    return (folder / "out.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=["prefork", "threads", "solo"])
def text(request: pytest.FixtureRequest, broker: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    database = ["prefork", "threads", "solo"].index(request.param)
    return _ran(tmp_path_factory.mktemp("worker"), broker, request.param, database)


def test_every_line_parses_and_has_declared_fields_only(text: str) -> None:
    assert {wrong for line in lines(text) for wrong in wrong_fields(line)} == set()


def test_no_secret_is_in_any_line(text: str) -> None:
    assert SECRET not in text


def test_everything_that_happens_to_a_task_is_written(text: str) -> None:
    assert {line["event"].get("action") for line in lines(text)} - {None} == ACTIONS


def test_a_success_has_its_duration_queue_worker_and_wait(text: str) -> None:
    (line,) = [one for one in lines(text) if one["message"] == "task proj.good succeeded"]
    assert line["event"]["outcome"] == "success"
    assert 0 < line["event"]["duration"] < 60e9
    assert line["celery"]["queue"] == "celery"
    assert line["celery"]["worker"].startswith("celery@")
    assert 0 <= line["celery"]["task"]["wait_seconds"] < 60
    assert line["celery"]["task"]["arguments"] == {"order": "7", "basket": "<list>"}


def test_a_failure_has_its_type_a_short_message_and_where(text: str) -> None:
    (line,) = [one for one in lines(text) if one["message"] == "task proj.bad failed"]
    assert line["error"]["type"] == "ValueError"
    assert len(line["error"]["message"]) == 500
    assert "in bad" in line["error"]["stack_trace"]
    assert len(line["error"]["stack_trace"]) < 2000


def test_a_retry_is_no_failure_and_counts(text: str) -> None:
    again = [one for one in lines(text) if one.get("celery", {}).get("task", {}).get("name") == "proj.again"]
    ends = [(one["event"]["action"], one["celery"]["task"]["retries"]) for one in again if "outcome" in one["event"]]
    assert ends == [("task-retried", 0), ("task-failed", 1)]


def test_a_line_of_the_task_itself_knows_its_task(text: str) -> None:
    told = [one for one in lines(text) if one["message"] in ("inside", "printed words")]
    assert [one["celery"]["task"]["name"] for one in told] == ["proj.good"] * 2


def test_a_task_ended_by_its_time_limit_is_written_once(text: str) -> None:
    failed = [one for one in lines(text) if one["message"] == "task proj.endless failed"]
    assert [one["error"]["type"] for one in failed] == ["TimeLimitExceeded"] * ("endless" in text)


def test_the_guides_snippet_leaks_and_is_not_json(broker: str, tmp_path: Path) -> None:
    broker = broker.replace("/0", "/5")
    write_module(tmp_path)
    write_project(tmp_path, monitored=False, more=GUIDE)
    send(tmp_path, broker)
    with worker(tmp_path, broker, "-P", "solo", "-l", "INFO"):
        text = wait_until(tmp_path / "err.txt", "task_started", "task_completed")
    assert SECRET in text
    with pytest.raises(json.JSONDecodeError):
        lines(next(line for line in text.splitlines() if "task_completed" in line))


def test_a_renamed_file_is_left_alone_and_no_line_is_lost_or_torn(broker: str, tmp_path: Path) -> None:
    broker, file, many = broker.replace("/0", "/6"), tmp_path / "celery.log", 20
    write_module(tmp_path, f"{{logs: {{path: {file}}}}}")
    write_project(tmp_path)
    with worker(tmp_path, broker):
        wait_until(file, "ready")
        send(tmp_path, broker, many=many)
        wait_until(file, "long_line received")
        file.rename(tmp_path / "celery.log.1")
        until(lambda: _all(tmp_path).count("long_line succeeded") == many)
    found = lines(_all(tmp_path))
    assert len([one for one in found if one["message"] == "y" * 6000]) == 20 * many
    assert file.exists()
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == ""


def _all(folder: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("celery.log*")))
