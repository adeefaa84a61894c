"""The endpoint of real workers, compared with what their tasks did."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from stackgen.app.parts.endpoint import PORTS
from stackgen.app.parts.resources import descendants, memory_limit
from tests.app.cluster import Worker, fetch, lab_environment, parsed, send, total, until, worker
from tests.contract.take import EVERYWHERE, EXPECTED
from tests.flower.redis_server import free_port

pytestmark = pytest.mark.slow

PREFORK_ONLY = """
for n in range(2): soft.delay(); hard.delay(); killed.delay()
"""
EXPECTED_PREFORK = EXPECTED | {("soft", "FAILURE"): 2, ("hard", "FAILURE"): 2, ("killed", "FAILURE"): 2}


def _expect(one: Worker, wanted: dict[tuple[str, str], int]) -> None:
    until(lambda: one.outcomes() == wanted, lambda: (one.outcomes(), one.log.read_text()[-1500:]))


def _timed(one: Worker, runs: int) -> None:
    """A run is counted by how it ended and then timed: the last one may be between the two when it is looked at."""

    def timed() -> float:
        return total(one.samples(), "celery_task_duration_seconds_count")

    until(lambda: timed() >= runs, lambda: f"{timed()} of {runs} runs were timed")
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
        until(lambda: total(one.samples(), "celery_worker_processes") == 4, lambda: one.get()[1])


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
        until(lambda: total(one.samples(), "celery_tasks_running", {"task": "lab.slow"}) == 1)
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


def test_a_second_worker_says_at_warning_level_which_port_is_to_be_scraped(broker: str, tmp_path: Path) -> None:
    with worker(broker, tmp_path, "-c", "1") as one:
        port = str(one.port)
        with worker(broker, tmp_path, "-l", "warning", name="w2", CELERY_METRICS_PORT=port) as two:
            assert f"port {port} is taken: let Prometheus scrape this one too" in two.log.read_text()


LATE = """
from celery import Celery, signals
from lab_tasks import SETTINGS, install_metrics
app, other = Celery("lab", broker={broker!r}), Celery("other", broker={broker!r})
app.conf.task_ignore_result = True
@app.task(name="lab.ok")
def ok(): pass
@signals.{when}.connect
def late(**_): install_metrics({which}, SETTINGS)
"""


@pytest.mark.parametrize(
    ("pool", "when", "counted"),
    [("prefork", "worker_init", True), ("prefork", "worker_ready", False), ("threads", "worker_ready", False)],
)
def test_setup_counts_until_worker_init_and_says_when_it_is_too_late(
    broker: str, tmp_path: Path, pool: str, when: str, counted: bool
) -> None:
    (tmp_path / "late.py").write_text(LATE.format(broker=broker, when=when, which="app"))
    with _late(broker, tmp_path, "-P", pool) as (port, log):
        send(broker, tmp_path, "for n in range(5): ok.delay()")
        until(lambda: log.read_text().count("lab.ok") > 5, log.read_text)
        if counted:
            until(lambda: total(parsed(fetch(f"http://127.0.0.1:{port}/metrics")[1]), "celery_tasks_total") == 5)
        assert ("setup(app) was called too late" in log.read_text()) is not counted


def test_of_several_apps_that_were_set_up_the_one_that_works_is_asked(broker: str, tmp_path: Path) -> None:
    text = LATE.format(broker=broker, when="import_modules", which="app").replace("def late", "def unused")
    text = text.replace("broker='redis", "broker='redis://localhost:1/0' or 'redis", 2).replace(
        f"Celery(\"lab\", broker='redis://localhost:1/0' or {broker!r}", f'Celery("lab", broker={broker!r}'
    )
    (tmp_path / "late.py").write_text(text + "install_metrics(other, SETTINGS)\ninstall_metrics(app, SETTINGS)\n")
    with _late(broker, tmp_path) as (port, log):
        until(lambda: fetch(f"http://127.0.0.1:{port}/readyz") == (200, "w1@lab answers\n"), log.read_text)


@contextmanager
def _late(broker: str, folder: Path, *options: str) -> Iterator[tuple[int, Path]]:
    port, log = free_port(), folder / "log"
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "late",
        "worker",
        "-n",
        "w1@lab",
        "-l",
        "info",
        "-c",
        "2",
        *options,
    ]
    environment = lab_environment(broker, folder, CELERY_METRICS_PORT=str(port), LAB_PLAIN="1")
    environment["PYTHONPATH"] += f":{folder}"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=out, stderr=out, start_new_session=True
        ) as program,
    ):
        try:
            until(lambda: "ready." in log.read_text(), log.read_text)
            yield port, log
        finally:
            os.killpg(program.pid, signal.SIGKILL)


def test_killed_executions_that_are_delivered_again_are_counted(broker: str, tmp_path: Path) -> None:
    with worker(broker, tmp_path, "-c", "1") as one:
        send(broker, tmp_path, "dies_twice.delay(" + repr(str(tmp_path / "seen")) + ")")
        _expect(one, {("dies_twice", "FAILURE"): 2, ("dies_twice", "SUCCESS"): 1})
        assert total(one.samples(), "celery_tasks_running") == 0
        assert one.log.read_text().count("its process is gone, and it counts as failed") == 2


def test_with_the_result_backend_down_failures_are_counted_and_nothing_runs_for_ever(
    broker: str, tmp_path: Path
) -> None:
    down = f"redis://127.0.0.1:{free_port()}/0?socket_connect_timeout=1"
    with worker(broker, tmp_path, "-c", "2", CELERY_RESULT_URL=down) as one:
        send(broker, tmp_path, "for n in range(3):\n for one in ok, fail: one.apply_async(ignore_result=False)")
        _expect(one, {(name, "FAILURE"): 3 for name in ("ok", "fail")})
        assert total(one.samples(), "celery_tasks_running") == 0


def test_an_exception_that_cannot_be_told_is_a_failure(broker: str, tmp_path: Path) -> None:
    with worker(broker, tmp_path, "-c", "2") as one:
        send(broker, tmp_path, "for n in range(3): unspeakable.delay()")
        _expect(one, {("unspeakable", "FAILURE"): 3})


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
