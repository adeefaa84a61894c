"""What a real worker says of what runs, what waits inside it, and what it was given again."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from stackgen.app.parts.counts import Counts
from stackgen.app.parts.entries import Entries
from stackgen.app.parts.exposition import exposed
from stackgen.app.parts.published import LONGEST_ENTRY
from stackgen.app.parts.wire import Wire
from tests.app.beats import beat, write_beat
from tests.app.cluster import Worker, fetch, parsed, send, total, until, worker
from tests.app.workers import worker as plain_worker
from tests.app.workers import write_module
from tests.flower.redis_server import free_port

SLOW = {"task": "lab.slow"}


def _at_least(one: Worker, name: str, least: float, labels: dict[str, str] | None = None) -> None:
    until(lambda: total(one.samples(), name, labels) >= least, lambda: one.get()[1])


@pytest.mark.slow
def test_a_full_pool_tells_what_runs_what_waits_and_what_it_consumes(broker: str, tmp_path: Path) -> None:
    with worker(broker, tmp_path, "-c", "2", "-Q", "celery,priority", "--prefetch-multiplier", "4") as one:
        send(broker, tmp_path, "for n in range(5): slow.apply_async((90,), time_limit=600, soft_time_limit=500)")
        send(broker, tmp_path, "for n in range(3): ok.apply_async(countdown=900, queue='priority')")
        _at_least(one, "celery_task_running_seconds", 6, SLOW)
        _at_least(one, "celery_worker_reserved_seconds", 1, {"queue": "celery"})
        _at_least(one, "celery_worker_delayed", 3)
        samples = one.samples()
        mine = {"worker": "w1@lab"}
        found = {name: total(samples, f"celery_worker_{name}", mine) for name in ("slots", "slots_busy", "reserved")}
        assert found == {"slots": 2, "slots_busy": 2, "reserved": 3}
        assert total(samples, "celery_worker_delayed", {"queue": "priority"}) == 3
        consumed = {dict(labels)["queue"] for (name, labels) in samples if name == "celery_worker_consumes"}
        assert consumed == {"celery", "priority"}
        assert total(samples, "celery_task_limit_seconds", SLOW) == 600
        assert total(samples, "celery_task_visibility_seconds") == 0, "acknowledged before it runs"
        assert 5 < total(samples, "celery_worker_idle_seconds") < 120
        send(broker, tmp_path, "app.control.cancel_consumer('priority')")
        until(lambda: total(one.samples(), "celery_worker_consumes") == 1, lambda: one.get()[1])


@pytest.mark.slow
@pytest.mark.parametrize(("pool", "waiting"), [("threads", 2), ("gevent", 1)])  # gevent takes no more than one
def test_other_pools_know_their_slots(broker: str, tmp_path: Path, pool: str, waiting: int) -> None:
    with worker(broker, tmp_path, "-P", pool, "-c", "3") as one:
        send(broker, tmp_path, "for n in range(5): slow.delay(90)")
        _at_least(one, "celery_worker_slots_busy", 3)
        assert total(one.samples(), "celery_worker_slots") == 3
        _at_least(one, "celery_task_running_seconds", 6, SLOW)
        _at_least(one, "celery_worker_reserved", waiting)


@pytest.mark.slow
def test_a_message_that_outlasts_the_visibility_timeout_is_started_again(broker: str, tmp_path: Path) -> None:
    with worker(broker, tmp_path, "-c", "3", LAB_VISIBILITY="6") as one:
        send(broker, tmp_path, "late.delay(90)")
        _at_least(one, "celery_task_running_seconds", 6, {"task": "lab.late"})
        assert total(one.samples(), "celery_task_visibility_seconds", {"timeout": "6s"}) == 6
        _at_least(one, "celery_task_message_starts", 1, {"task": "lab.late"})
        assert total(one.samples(), "celery_worker_slots_busy") >= 2


@pytest.mark.slow
def test_runs_of_an_entry_are_told_by_its_name(broker: str, tmp_path: Path) -> None:
    write_beat(tmp_path, "\n@app.task(name='proj.tick', bind=True, max_retries=1)\ndef tick(self):\n    pass\n")
    write_module(tmp_path, "{}\nsources: [celery-exporter, worker, beat]")
    port = free_port()
    with beat(tmp_path, broker), plain_worker(tmp_path, broker, CELERY_METRICS_PORT=str(port)):
        entry = {"entry": "tick", "task": "proj.tick"}
        until(lambda: total(_page(port), "celery_entry_success_timestamp_seconds", entry) > time.time() - 60)
        assert total(_page(port), "celery_entry_start_timestamp_seconds", entry) > time.time() - 60


def _page(port: int) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return parsed(fetch(f"http://127.0.0.1:{port}/metrics")[1])


def test_the_longest_special_line_still_fits_into_the_pipe() -> None:
    wire = Wire(Counts((1.0,), (1.0,)))
    about = {"limits": [1 << 31, 1 << 31], "again": True, "entry": "\0" * LONGEST_ENTRY}
    wire.begin(("x" * 100 + "#1", os.getpid()), ("\0" * 5000, "\0" * 5000), 1.0, time.monotonic(), about)
    wire.drain()
    assert wire.counts.untold == 0
    assert wire.counts.running()[0][3] == about


def test_a_run_is_told_while_it_runs_and_a_longer_one_before_it_too() -> None:
    entries, nightly = Entries(), ("nightly", "shop.report")
    entries.begin(nightly)
    entries.end(nightly, "SUCCESS", 90.0)
    entries.begin(nightly)
    entries.end(nightly, "FAILURE", 20.0)
    text = exposed(entries.families([(nightly, 30.0)])).decode()
    labels = '{entry="nightly",task="shop.report"}'
    assert f"celery_entry_runtime_seconds{labels} 90.0\n" in text
    assert f"celery_entry_running{labels} 1.0\n" in text
    after = Entries()
    after.resume(entries.state())
    assert f"celery_entry_success_timestamp_seconds{labels}" in exposed(after.families([])).decode()


def test_what_ran_before_in_a_process_runs_no_more_though_its_end_was_lost() -> None:
    wire = Wire(Counts((1.0,), (1.0,)))
    for number in range(3):
        wire.begin((f"id-{number}#0", os.getpid()), ("t", "q"), None, time.monotonic(), {"entry": "nightly"})
    wire.drain()
    assert len(wire.counts.running()) == 1
