"""The endpoint of real workers, compared with what their tasks did."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from stackgen.app.parts.endpoint import PORTS
from stackgen.app.parts.resources import descendants, memory_limit
from tests.app.cluster import Worker, send, total, until, worker
from tests.contract.take import EVERYWHERE, EXPECTED
from tests.flower.redis_server import redis_server

pytestmark = pytest.mark.slow

PREFORK_ONLY = """
for n in range(2): soft.delay(); hard.delay(); killed.delay()
"""
EXPECTED_PREFORK = EXPECTED | {("soft", "FAILURE"): 2, ("hard", "FAILURE"): 2, ("killed", "FAILURE"): 2}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


DATABASES = count()


@pytest.fixture
def broker(server: str) -> str:
    """A database of the test's own."""
    return f"{server.removesuffix('0')}{next(DATABASES)}"


def _expect(one: Worker, wanted: dict[tuple[str, str], int]) -> None:
    until(lambda: one.outcomes() == wanted, 25, lambda: (one.outcomes(), one.log.read_text()[-1500:]))


def _timed(one: Worker, runs: int) -> None:
    """A run is counted by how it ended and then timed: the last one may be between the two when it is looked at."""

    def timed() -> float:
        return total(one.samples(), "celery_task_duration_seconds_count")

    until(lambda: timed() >= runs, 5, lambda: f"{timed()} of {runs} runs were timed")
    assert timed() == runs


def test_prefork_counts_every_end_exactly_once(broker: str, tmp_path: Path) -> None:
    with worker(broker, tmp_path, "-c", "3", "-Q", "celery,priority") as one:
        send(broker, tmp_path, PREFORK_ONLY + EVERYWHERE)
        _expect(one, EXPECTED_PREFORK)
        _timed(one, sum(EXPECTED_PREFORK.values()) - 2)
        samples = one.samples()
        assert (
            total(samples, "celery_task_timeouts_total", {"task": "lab.hard", "kind": "hard", "queue": "celery"}) == 2
        )
        assert total(samples, "celery_task_timeouts_total", {"task": "lab.soft", "kind": "soft"}) == 2
        assert total(samples, "celery_task_timeouts_total") == 4
        assert total(samples, "celery_tasks_total", {"queue": "priority"}) == 1
        ran = sum(EXPECTED_PREFORK.values()) - 2
        assert total(samples, "celery_task_wait_time_seconds_count") == ran
        assert total(samples, "celery_task_duration_seconds_count") == ran
        assert 2 <= total(samples, "celery_task_duration_seconds_sum", {"task": "lab.hard"}) < 8
        assert total(samples, "celery_tasks_running") == 0
        # The pool replaces killed processes in its own time.
        until(lambda: total(one.samples(), "celery_worker_processes") == 4, 30, lambda: one.get()[1])


@pytest.mark.parametrize("pool", ["threads", "solo", "gevent", "eventlet"])
def test_other_pools_count_every_end_exactly_once(broker: str, tmp_path: Path, pool: str) -> None:
    with worker(broker, tmp_path, "-P", pool, "-c", "3", "-Q", "celery,priority") as one:
        send(broker, tmp_path, EVERYWHERE)
        _expect(one, EXPECTED)
        _timed(one, sum(EXPECTED.values()) - 2)
        assert total(one.samples(), "celery_worker_processes") == 1
        status, body = one.get(accept="application/openmetrics-text;version=1.0.0")
        assert (status, body.endswith("# EOF\n"), "# TYPE celery_tasks counter\n" in body) == (200, True, True)


def test_recycled_and_autoscaled_children_leave_nothing_and_lose_nothing(broker: str, tmp_path: Path) -> None:
    with worker(broker, tmp_path, "--autoscale", "4,1", "--max-tasks-per-child", "5") as one:
        send(broker, tmp_path, "for n in range(30): ok.delay()")
        _expect(one, {("ok", "SUCCESS"): 30})
        assert total(one.samples(), "celery_tasks_running") == 0
        assert total(one.samples(), "celery_worker_cpu_seconds_total") > 0


def test_a_revoked_task_that_runs_is_counted_and_a_running_one_shown(broker: str, tmp_path: Path) -> None:
    with worker(broker, tmp_path, "-c", "1") as one:
        send(broker, tmp_path, "slow.apply_async((30,), task_id='a\\tb')")
        until(lambda: total(one.samples(), "celery_tasks_running", {"task": "lab.slow"}) == 1, 10)
        send(broker, tmp_path, "app.control.revoke('a\\tb', terminate=True)")
        _expect(one, {("slow", "REVOKED"): 1})
        assert total(one.samples(), "celery_tasks_running") == 0


def test_two_workers_on_one_host_take_two_ports_and_a_dead_one_frees_its_own(broker: str, tmp_path: Path) -> None:
    with worker(broker, tmp_path, "-c", "2", "--max-tasks-per-child", "1") as one:
        send(broker, tmp_path, "for n in range(2): ok.delay()")
        _expect(one, {("ok", "SUCCESS"): 2})
        with worker(broker, tmp_path, name="w2", CELERY_METRICS_PORT=str(one.port)) as two:
            assert one.port < two.port < one.port + PORTS
            assert two.samples().keys() != one.samples().keys()
        children = list(descendants(one.process.pid))
        os.kill(one.process.pid, signal.SIGKILL)
        one.process.wait()
        with pytest.raises(OSError, match="refused"):
            one.get()
        for child in children:
            with suppress(ProcessLookupError):  # a child ends by itself after its task
                os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize(
    ("groups", "files", "limit"),
    [
        ("0::/a/b", {"sys/fs/cgroup/a/b/memory.max": "max", "sys/fs/cgroup/a/memory.max": "5000"}, 5000),
        ("0::/../x", {"sys/fs/cgroup/memory.max": "7000"}, 7000),
        ("4:cpu:/z\n3:memory:/a", {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "6000"}, 6000),
        ("3:memory:/a", {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712"}, 8192000),
        ("0::/", {}, 8192000),
    ],
)
def test_memory_limit_is_the_smallest_that_holds(
    tmp_path: Path, groups: str, files: dict[str, str], limit: int
) -> None:
    for name, text in {**files, "proc/self/cgroup": groups, "proc/meminfo": "MemTotal:   8000 kB\n"}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert memory_limit(tmp_path) == limit
