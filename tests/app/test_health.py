"""Our health checks beside the guide's two snippets, against real brokers and workers."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from celery import Celery  # type: ignore[import-untyped]
from redis import Redis

from stackgen.app.parts.broker import depths
from stackgen.app.parts.health import Heartbeat, heartbeat_path, queues_in_order, worker_answers
from tests.app.cluster import REPOSITORY, lab_environment, send, until, worker
from tests.flower.redis_server import free_port, redis_server

pytestmark = pytest.mark.slow

START = (
    "import sys; from stackgen.app.parts.health import health_main; "
    "from stackgen.app.parts.settings import Settings; "
    "sys.exit(health_main(sys.argv[1:], Settings(name='lab', queues=('celery', 'priority'))))"
)


def guide_check_queue_health(app: Any) -> tuple[bool, str]:
    """The guide's queue check: what workers have prefetched, taken for what is queued."""
    reserved = app.control.inspect().reserved()
    if not reserved:
        return True, "Queue empty"
    waiting = sum(len(tasks) for tasks in reserved.values())
    return waiting <= 1000, f"Queue healthy: {waiting} tasks"


def guide_check_worker_health(app: Any) -> tuple[bool, str]:
    """The guide's worker check: three broadcasts, and no word about a broker that is down."""
    inspect = app.control.inspect()
    if not inspect.ping():
        return False, "No active workers"
    return bool(inspect.stats() and inspect.active() is not None), "Workers healthy"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    with redis_server(tmp_path) as url:
        yield url


@pytest.fixture
def down() -> Any:
    """An app whose broker is down."""
    app = Celery("down", broker=f"redis://127.0.0.1:{free_port()}/0", set_as_current=False)
    # Without these the guide's check tries for eight seconds before it raises.
    app.conf.broker_transport_options = {"max_retries": 0, "socket_connect_timeout": 1}
    return app


def _app(broker: str) -> Any:
    return Celery("check", broker=broker, set_as_current=False)


def _health(broker: str, folder: Path, *arguments: str, **more: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", START, *arguments],
        env=lab_environment(broker, folder, **more),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_twelve_hundred_queued_tasks_without_a_worker_are_healthy_to_the_guide_only(
    broker: str, tmp_path: Path
) -> None:
    send(broker, tmp_path, "for n in range(1200): ok.apply_async(priority=3 * (n % 4))")
    app = _app(broker)
    assert guide_check_queue_health(app) == (True, "Queue empty")
    assert queues_in_order(app, ["celery", "none"], 1000) == (False, "celery 1200, none 0; limit 1000; over it: celery")
    assert queues_in_order(app, ["celery", "none"], 1200)[0]
    assert _health(broker, tmp_path, "queues") == (1, "celery 1200, priority 0; limit 1000; over it: celery\n")
    assert _health(broker, tmp_path, "queues", "--queue", "priority") == (0, "priority 0; limit 1000\n")


def test_a_busy_worker_with_twelve_hundred_queued_is_healthy_to_the_guide_only(broker: str, tmp_path: Path) -> None:
    with worker(broker, tmp_path, "-c", "1", "-P", "threads"):
        send(broker, tmp_path, "for n in range(1200): slow.delay(60)")
        app = _app(broker)
        assert guide_check_queue_health(app)[0]
        healthy, text = queues_in_order(app, ["celery"], 1000)
        assert not healthy, text


def test_the_guides_worker_check_asks_everybody_three_times_and_ours_one_worker_once(
    broker: str, tmp_path: Path
) -> None:
    with worker(broker, tmp_path, "-c", "1", "-P", "threads") as one:
        app = _app(broker)
        with _broadcasts(broker) as heard:
            assert guide_check_worker_health(app)[0]
        # Without a destination nobody knows how many answers to wait for, so each call lasts its whole timeout.
        assert heard == [("ping", None), ("stats", None), ("active", None)]
        with _broadcasts(broker) as heard:
            assert worker_answers(app, "w1@lab") == (True, "w1@lab answers")
        assert heard == [("ping", ["w1@lab"])]
        assert worker_answers(app, "w9@lab", 0.5) == (False, "w9@lab did not answer within 0.5 s")
        assert one.get("/readyz") == (200, "w1@lab answers\n")
        assert one.get("/livez")[0] == 200
        file = ("--file", str(one.heartbeat))
        assert _health(broker, tmp_path, "ready", *file) == (0, "w1@lab answers\n")
        assert _health(broker, tmp_path, "live", *file)[0] == 0
        one.kill()
        assert _health(broker, tmp_path, "ready", "--timeout", "0.5", *file)[0] == 1


@contextmanager
def _broadcasts(broker: str) -> Iterator[list[tuple[str, list[str] | None]]]:
    """What is broadcast to workers within the block: the command, and who is meant."""
    heard: list[tuple[str, list[str] | None]] = []
    with Redis.from_url(broker) as client, client.pubsub(ignore_subscribe_messages=True) as ear:
        ear.subscribe("/0.celery.pidbox")
        ear.get_message(timeout=5)  # that we are subscribed
        yield heard
        client.publish("/0.celery.pidbox", "the end")
        while (said := ear.get_message(timeout=5)) and said["data"] != b"the end":
            order = json.loads(base64.b64decode(json.loads(said["data"])["body"]))
            heard.append((order["method"], order["destination"]))


def test_the_guides_worker_check_raises_when_the_broker_is_down_and_ours_says_so(down: Any) -> None:
    with pytest.raises(Exception, match="refused"):
        guide_check_worker_health(down)
    for healthy, text in (worker_answers(down, "w1@lab"), queues_in_order(down, ["celery"], 1000)):
        assert not healthy
        assert text.startswith("the broker does not answer: ")


def test_a_worker_that_waits_for_its_broker_lives(tmp_path: Path) -> None:
    with redis_server(tmp_path) as broker:
        lost = worker(broker, tmp_path, "-c", "1")
        one = lost.__enter__()
    try:
        os.utime(one.heartbeat, (0, 0))
        until(lambda: one.get("/livez")[0] == 200)
        assert one.get("/readyz")[0] == 503
    finally:
        lost.__exit__(None, None, None)


def test_a_worker_whose_loop_hangs_does_not_live(tmp_path: Path) -> None:
    beat = Heartbeat(str(tmp_path / "w1.heartbeat"))
    assert beat.alive() == (False, f"no heartbeat: {beat.path}: No such file or directory")
    beat.write("w1@lab")
    assert beat.alive()[0]
    assert beat.worker() == "w1@lab"
    os.utime(beat.path, (time.time() - 60, time.time() - 60))
    assert not beat.alive()[0]


def test_liveness_loads_nothing_of_celery(tmp_path: Path) -> None:
    code = f"import sys; sys.argv[1:] = ['live']\ntry:\n exec({START!r})\nfinally:\n print(*sys.modules)"
    Heartbeat(str(tmp_path / "w1@lab.heartbeat")).write("w1@lab")

    done = subprocess.run(
        [sys.executable, "-c", code],
        env=lab_environment("", tmp_path),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert loaded & {"celery", "kombu", "billiard", "redis", "amqp", "http", "socket"} == set()


def test_health_is_of_the_worker_that_runs_here_and_of_several_only_of_the_named_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_HEARTBEAT_FILE", str(tmp_path / "%h"))
    for age, name in enumerate(("w2@lab", "w1@lab")):
        (tmp_path / name).write_text(json.dumps({"worker": name, "pid": 2**22 + 1 + age}))
        os.utime(tmp_path / name, (100 - age, 100 - age))
    (tmp_path / "w2@lab.counts").write_text("{}")
    assert Heartbeat(heartbeat_path("lab")).worker() == "w2@lab", "none runs: the last that did"
    Heartbeat(heartbeat_path("lab", "w1@lab")).write("w1@lab")
    assert Heartbeat(heartbeat_path("lab")).worker() == "w1@lab", "the other one is dead"
    Heartbeat(heartbeat_path("lab", "w2@lab")).write("w2@lab")
    said = "2 workers run here: say which with --worker: w1@lab, w2@lab\n"
    code = {"CELERY_HEARTBEAT_FILE": str(tmp_path / "%h")}
    for what in ("live", "ready"):
        assert _health("redis://", tmp_path, what, **code) == (2, said)
    assert _health("", tmp_path, "live", "--worker", "w2@lab", **code)[0] == 0
    os.utime(tmp_path / "w2@lab", (100, 100))
    assert _health("", tmp_path, "live", "--worker", "w1@lab", **code)[0] == 0
    assert _health("", tmp_path, "live", "--worker", "w2@lab", **code)[0] == 1


def test_a_worker_that_waits_for_its_broker_at_start_lives_and_is_not_ready(tmp_path: Path) -> None:
    nobody = f"redis://127.0.0.1:{free_port()}/0"
    command = [sys.executable, "-m", "celery", "-A", "lab_tasks", "worker", "-c", "1", "-n", "w1@lab"]
    environment = lab_environment(nobody, tmp_path)
    log = (tmp_path / "log").open("wb")
    with log, subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log) as program:
        try:
            until(lambda: "Trying again" in (tmp_path / "log").read_text())
            code, said = _health(nobody, tmp_path, "live")
            assert (code, "w1@lab starts, or waits for its broker" in said) == (0, True)
            assert _health(nobody, tmp_path, "ready", "--timeout", "0.5")[0] == 1
        finally:
            program.kill()
    assert _health(nobody, tmp_path, "live", "--max-age", "0")[0] == 1


def test_depths_by_passive_declaration_on_another_transport() -> None:
    app = Celery("memory", broker="memory://", set_as_current=False)
    with app.connection_for_write() as connection:
        app.send_task("any", connection=connection)
        found = depths(connection, ["celery", "none"])
    assert {queue: depth.ready for queue, depth in found.items()} == {"celery": 1, "none": 0}
