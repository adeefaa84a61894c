"""`stackgen doctor --audit`: settings of real workers and a real Redis under which work is lost or done twice."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from celery import Celery  # type: ignore[import-untyped]

from stackgen.catalog.corner import Corner
from stackgen.doctor import finding
from stackgen.doctor.audit import check
from stackgen.doctor.settings_seen import Settings, Worker, look
from tests.app.cluster import until
from tests.app.workers import worker
from tests.flower.redis_server import redis_server

HEALTHY = """\
app.conf.task_acks_late = True
app.conf.worker_prefetch_multiplier = 1
app.conf.task_time_limit = 600
app.conf.broker_transport_options = {"visibility_timeout": 7200}
"""
BAD = """\
app.conf.task_acks_late = True
app.conf.broker_transport_options = {"visibility_timeout": 20, "secret": "hunter2"}
app.conf.result_backend = os.environ["BROKER"]
app.conf.result_expires = None
app.conf.enable_utc = False
"""
APP = """\
import os, time
from celery import Celery
app = Celery("proj", broker=os.environ["BROKER"])
@app.task(name="proj.slow", **({{"time_limit": 900}} if {limited} else {{}}))
def slow():
    time.sleep(900)
@app.task(name="proj.quick")
def quick():
    return 1
"""
FINE = Worker("w1@h", {"worker_prefetch_multiplier": 4, "task_time_limit": 60}, {"a.b": {}}, processes=2)
KEEPS = {"policy": "noeviction", "maxmemory": "0", "appendonly": "1", "save": ""}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    """A Redis of the test's own, for its settings are changed."""
    with redis_server(tmp_path) as url:
        yield url


def _write(folder: Path, settings: str, *, limited: bool) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "proj.py").write_text(APP.format(limited=limited) + settings)
    return folder


def _look(url: str, workers: int) -> Settings:
    """What is found when so many workers answer."""
    for _ in range(60):
        found = look(url, Corner(kind="redis"))
        if len(found.workers) + len(found.twice) >= workers:
            return found
        time.sleep(1)
    message = f"no {workers} workers"
    raise AssertionError(message)


@pytest.mark.slow
def test_of_a_healthy_application_nothing_is_said(broker: str, tmp_path: Path) -> None:
    with redis.Redis.from_url(broker) as client:
        client.config_set("appendonly", "yes")
    with worker(_write(tmp_path / "app", HEALTHY, limited=False), broker):
        assert list(check(_look(broker, 1))) == []


@pytest.mark.slow
def test_each_bad_setting_is_named_and_no_secret(broker: str, tmp_path: Path) -> None:
    with redis.Redis.from_url(broker) as client, ExitStack() as running:
        client.config_set("maxmemory-policy", "allkeys-lru")
        for name, limited in (("one", False), ("two", True)):
            folder = _write(tmp_path / name, BAD, limited=limited)
            running.enter_context(worker(folder, broker, "-n", f"{name}@lab"))
        found = list(check(_look(broker, 2)))
    assert {one.rule for one in found} == {
        *("acks-late-prefetch", "no-time-limit", "visibility-timeout", "results-kept", "utc-off"),
        *("redis-evicts", "redis-forgets"),
    }
    said = {one.rule: one.what for one in found}
    assert "holds 4 × 2 = 8 messages" in said["acks-late-prefetch"]
    assert "two@lab: proj.slow may run for 15m, and Redis's visibility timeout is 20s" in said["visibility-timeout"]
    assert "one@lab ends none of its 2 tasks" in said["no-time-limit"]
    text = finding.text(found)
    assert "hunter2" not in text
    assert broker not in text


@pytest.mark.slow
def test_two_workers_of_one_name_are_named(broker: str, tmp_path: Path) -> None:
    with ExitStack() as running:
        for name in ("one", "two"):
            running.enter_context(worker(_write(tmp_path / name, HEALTHY, limited=True), broker, "-n", "w1@lab"))
        found = [one for one in check(_look(broker, 2)) if one.rule == "node-name-twice"]
    assert [one.what.split(": ")[0] for one in found] == ["more than one worker is called w1@lab"]


@pytest.mark.parametrize(
    ("settings", "tasks", "rules"),
    [
        ({}, {"a.b": {}}, []),
        ({}, {"a.b": {"acks_late": "True"}}, ["acks-late-prefetch"]),
        ({"worker_prefetch_multiplier": 1}, {"a.b": {"acks_late": "True"}}, []),
        ({"worker_prefetch_multiplier": 0}, {"a.b": {"acks_late": "True"}}, ["acks-late-prefetch"]),
        ({"task_acks_late": True}, {"a.b": {"acks_late": "False"}}, []),
        ({"task_time_limit": None}, {"a.b": {}}, ["no-time-limit"]),
        ({"task_time_limit": None}, {"a.b": {"time_limit": "60"}, "c.d": {}}, []),
        ({"result_backend": "x", "result_expires": 3600}, {"a.b": {}}, []),
        ({"enable_utc": True}, {"a.b": {}}, []),
    ],
)
def test_a_setting_is_bad_only_with_what_makes_it_so(
    settings: Mapping[str, object], tasks: Mapping[str, Mapping[str, str]], rules: list[str]
) -> None:
    one = replace(FINE, settings={**FINE.settings, **settings}, tasks=tasks)
    assert [f.rule for f in check(Settings((one,), redis=KEEPS))] == rules


def test_a_late_task_that_runs_longer_than_the_visibility_timeout_is_named() -> None:
    settings = {"task_acks_late": True, "worker_prefetch_multiplier": 1, "task_soft_time_limit": 60}
    one = replace(FINE, settings=settings, running={"a.b": 4000.0})
    assert [f.rule for f in check(Settings((one,), redis=KEEPS))] == ["visibility-timeout"]
    assert list(check(Settings((one,)))) == [], "RabbitMQ has none"


def test_an_eta_beyond_the_visibility_timeout_is_named() -> None:
    found = list(check(Settings((replace(FINE, held={"a.b": 7200.0, "c.d": 60.0}),), redis=KEEPS)))

    assert [(f.rule, f.what.partition(",")[0]) for f in found] == [
        ("visibility-timeout", f"{FINE.name}: a.b waits in it for its ETA for another 2h")
    ]
    assert list(check(Settings((replace(FINE, held={"a.b": 3000.0}),), redis=KEEPS))) == []


@pytest.mark.slow
def test_what_a_worker_holds_until_its_eta_is_seen(broker: str, tmp_path: Path) -> None:
    folder = _write(tmp_path / "app", HEALTHY, limited=False)
    with worker(folder, broker):
        _look(broker, 1)
        Celery("sender", broker=broker, set_as_current=False).send_task("proj.quick", countdown=7200)
        until(lambda: bool(_look(broker, 1).workers[0].held))
        (held,) = _look(broker, 1).workers[0].held.items()
    assert held[0] == "proj.quick"
    assert held[1] == pytest.approx(7200, abs=120)
