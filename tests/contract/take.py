"""`python -m tests.contract.take`: takes tests/scrapes/worker-*.prom and beat-*.prom anew, from the generated module.

One worker of each pool runs tasks that end in every way its pool can end them, and one is still running when it is
scraped; another prefork worker has had nothing to do. One beat for each scheduler.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.app.beats import SCHEDULERS, beat, write_beat
from tests.app.cluster import send, total, until, worker
from tests.app.workers import write_module
from tests.contract.scrape import SCRAPES
from tests.flower.redis_server import redis_server

POOLS = ("prefork", "threads", "solo", "gevent", "eventlet")
EVERYWHERE = """
for n in range(20): ok.delay()
for n in range(7): fail.delay()
for n in range(3): again.delay()
for n in range(2): reject.delay(); ignore.delay()
for n in range(2): ok.apply_async(expires=-5)
app.send_task("lab.ok", queue="priority")
"""
"""What any pool can do."""
EXPECTED = {
    ("ok", "SUCCESS"): 21,
    ("ok", "REVOKED"): 2,
    ("fail", "FAILURE"): 7,
    ("again", "RETRY"): 6,
    ("again", "SUCCESS"): 3,
    ("reject", "REJECTED"): 2,
    ("ignore", "IGNORED"): 2,
}
"""By task and state: how often that ends so."""
LIMITS = {"prefork": "soft.delay(); hard.delay(); killed.delay()", "gevent": "hard.delay()", "eventlet": "hard.delay()"}
"""By pool: the time limits that it keeps, and for prefork a process that is killed."""


def main() -> int:
    """Writes the files."""
    with tempfile.TemporaryDirectory() as name, redis_server(Path(name)) as broker:
        write_module(Path(name), "{metrics: {enabled: true, host: 127.0.0.1}}")
        for number, pool in enumerate(POOLS):
            _take(f"{broker.removesuffix('0')}{number}", Path(name), pool)
        _take_busy(f"{broker.removesuffix('0')}{len(POOLS)}", Path(name))
        for number, kept in enumerate(SCHEDULERS, len(POOLS) + 1):
            _take_beat(f"{broker.removesuffix('0')}{number}", Path(name, kept), kept)
    return 0


def _take(broker: str, folder: Path, pool: str) -> None:
    more = {"LAB_MODULE": str(folder)}
    with worker(broker, folder, "-P", pool, "-c", "3", "-Q", "celery,priority", name=pool, **more) as one:
        if pool == "prefork":
            _write("worker-idle", one.get()[1])
        limits = LIMITS.get(pool, "")
        send(broker, folder, EVERYWHERE + limits, **more)
        wanted = sum(EXPECTED.values()) + (len(limits.split(";")) if limits else 0)
        until(lambda: sum(one.outcomes().values()) == wanted, one.outcomes)
        if pool != "solo":  # it does not answer while a task runs
            send(broker, folder, "slow.delay(60)", **more)
            until(lambda: total(one.samples(), "celery_task_running_seconds") > 5)
        _write("worker-load" if pool == "prefork" else f"worker-load-{pool}", one.get()[1])


def _take_busy(broker: str, folder: Path) -> None:
    """A full pool whose tasks outlast the visibility timeout, with messages that wait inside it."""
    more = {"LAB_MODULE": str(folder), "LAB_VISIBILITY": "6"}
    with worker(broker, folder, "-c", "2", "-Q", "celery,priority", name="busy", **more) as one:
        send(broker, folder, "ok.apply_async(headers={'celery_monitoring_entry': 'nightly'})", **more)
        until(lambda: one.outcomes() == {("ok", "SUCCESS"): 1})
        send(broker, folder, "late.apply_async((120,), time_limit=600)", **more)
        until(lambda: total(one.samples(), "celery_task_message_starts") >= 1)
        send(broker, folder, "for n in range(3): ok.delay(); ok.apply_async(countdown=900, queue='priority')", **more)
        until(lambda: total(one.samples(), "celery_worker_reserved_seconds") > 1)
        _write("worker-busy", one.get()[1])


def _take_beat(broker: str, folder: Path, kept: str) -> None:
    folder.mkdir()
    write_beat(folder)
    with beat(folder, broker, kept) as one:
        one.wait("celery_beat_entry_sent_total", "tick", 3)
        _write("beat-load" if kept == "file" else f"beat-load-{kept}", one.get()[1])


def _write(name: str, page: str) -> None:
    lines = [line for line in page.splitlines() if not line.startswith("# HELP")]
    (SCRAPES / f"{name}.prom").write_text("\n".join(lines) + "\n")
    print(f"{name}: {len(lines)} lines")


if __name__ == "__main__":
    sys.exit(main())
