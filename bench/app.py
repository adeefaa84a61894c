"""What the app-side module costs a worker: throughput of no-op tasks with it and without it, in turn.

`python -m bench.app [ROUNDS]`; needs redis-server (`make tools`) and Celery. CPU time is of the main process and its
pool. Rounds with it and without it take turns, for one differs from the next by a tenth and more: the error of the mean
difference is printed beside it. The receivers alone are timed as the best of many, on any machine.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median, stdev

from tests.app.cluster import lab_environment, until
from tests.flower.redis_server import redis_server

TASKS = 3_000
_SEND = (
    "from lab_tasks import app, ok\n"
    "with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:\n"
    " for n in range(int({tasks})): ok.apply_async(producer=producer)\n"
)
_LIVE = (
    "import sys; from generator.app.parts.health import health_main; "
    "from generator.app.parts.settings import Settings; sys.exit(health_main(['live'], Settings(name='lab')))"
)


@dataclass(frozen=True)
class Run:
    """One run: wall and CPU microseconds per task."""

    wall: float
    cpu: float


def _cpu(main: int) -> float:
    """CPU seconds of a process and its children, by the scheduler's own nanoseconds."""
    found = 0
    for pid in [main, *map(int, Path(f"/proc/{main}/task/{main}/children").read_text().split())]:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += int((thread / "schedstat").read_text().split()[0])
    return found / 1e9


def measured(broker: str, folder: Path, *, plain: bool) -> Run:
    """Fills the queue, starts a worker, and times it from its first thousandth to its last task."""
    environment = lab_environment(broker, folder, CELERY_METRICS_PORT="0", LAB_PLAIN="1" if plain else "0")
    subprocess.run(
        [sys.executable, "-c", _SEND.format(tasks=TASKS)], env=environment, cwd=folder, check=True, timeout=120
    )
    from redis import Redis

    client = Redis.from_url(broker)
    command = [sys.executable, "-m", "celery", "-A", "lab_tasks", "worker", "-c", "1", "-l", "error"]
    with subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            until(lambda: int(str(client.llen("celery"))) < TASKS * 0.95, 60)
            first, began, used = int(str(client.llen("celery"))), time.perf_counter(), _cpu(process.pid)
            while (left := int(str(client.llen("celery")))) > TASKS * 0.02:
                time.sleep(0.005)
            wall, cpu = time.perf_counter() - began, _cpu(process.pid) - used
        finally:
            process.send_signal(signal.SIGTERM)
    return Run(wall * 1e6 / (first - left), cpu * 1e6 / (first - left))


def handlers() -> tuple[float, float]:
    """CPU microseconds per task of our receivers in a pool process, and of counting in the main process.

    The best of many rounds: the one number here that a busy machine does not spoil.
    """
    from celery import Celery, signals  # type: ignore[import-untyped]

    from generator.app.parts.metrics import WorkerMetrics
    from generator.app.parts.settings import Settings

    app = Celery("bench", broker="memory://", set_as_current=False)

    def noop() -> None: ...

    task = app.task(noop, name="bench.noop")
    told = {"delivery_info": {"routing_key": "celery"}, "celery_monitoring_sent": time.time(), "is_eager": False}
    task.request_stack.push(_context(told))
    metrics = WorkerMetrics(app, Settings(duration_buckets=(1.0, 10.0), wait_buckets=(1.0, 10.0)))
    metrics.init()
    metrics._main = -1  # as if the main process were another one: everything goes through the pipe
    metrics.fork()
    pool, main_process = [], []
    for _ in range(30):
        began = time.process_time()
        for number in range(200):
            told_id = f"{number:036d}"
            signals.task_prerun.send(sender=task, task_id=told_id, task=task, args=(), kwargs={})
            signals.task_postrun.send(
                sender=task, task_id=told_id, task=task, args=(), kwargs={}, retval=None, state="SUCCESS"
            )
        pool.append(time.process_time() - began)
        began = time.process_time()
        metrics._drain()
        main_process.append(time.process_time() - began)
    return min(pool) * 5000, min(main_process) * 5000


def _context(told: dict[str, object]) -> object:
    from celery.app.task import Context  # type: ignore[import-untyped]

    return Context(told, called_directly=False)


def liveness(folder: Path) -> tuple[float, float]:
    """Milliseconds of `health live`, and of a Python that does nothing: the best of many."""
    from generator.app.parts.health import Heartbeat

    Heartbeat(str(folder / "w1@lab.heartbeat")).write("w1@lab")
    found = []
    for code in (_LIVE, "pass"):
        taken = []
        for _ in range(10):
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, "-c", code], env=lab_environment("", folder), check=True, stdout=subprocess.DEVNULL
            )
            taken.append(time.perf_counter() - began)
        found.append(min(taken) * 1000)
    return found[0], found[1]


def main(rounds: int) -> int:
    """Prints a table; 1 when a budget is exceeded."""
    pool, main_process = handlers()
    with tempfile.TemporaryDirectory() as name, redis_server(Path(name)) as broker:
        runs: dict[bool, list[Run]] = {True: [], False: []}
        live, bare = liveness(Path(name))
        for number in range(rounds):
            for plain in (True, False) if number % 2 else (False, True):  # whatever else the machine does
                runs[plain].append(measured(broker, Path(name), plain=plain))
    print(f"{'per no-op task':16}{'without':>12}{'with':>12}{'more':>24}")
    for what in ("wall", "cpu"):
        without, with_it = ([getattr(run, what) for run in runs[plain]] for plain in (True, False))
        more = [one - other for one, other in zip(with_it, without, strict=True)]
        error = stdev(more) / len(more) ** 0.5
        print(f"{what:16}{median(without):9.0f} µs{median(with_it):9.0f} µs{mean(more):13.0f} ± {error:.0f} µs")
    cpu = median(run.cpu for run in runs[True])
    print(f"`health live` takes {live:.0f} ms, {live / bare:.1f} times a Python that does nothing")
    own = pool + main_process
    print(f"receivers alone: {pool:.1f} µs in the pool + {main_process:.1f} µs in the main process per task")
    print(f"that is {100 * own / cpu:.1f} % of the CPU of a no-op task; budgets: 50 µs, 2 %")
    return int(own > 50 or own / cpu > 0.02)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 12))
