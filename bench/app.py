"""What the app-side module costs a worker: no-op tasks with their counting and without it, in turn.

`python -m bench.app [PAIRS]`; needs redis-server (`make tools`) and Celery. One worker runs both kinds of block, and a
pair of blocks differs by what counting costs and by what else the machine did; so the median of all pairs is printed,
with the range that holds it in 95 of 100 such runs. The receivers alone are timed as the best of many.
"""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.app.cluster import lab_environment, until
from tests.flower.redis_server import redis_server

MOST_MICROSECONDS, MOST_SHARE = 50, 0.02
BLOCK = 100
"""No-op tasks between two readings."""
_SEND = (
    "from bench.counted import app, noop, block\n"
    "with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:\n"
    " block.apply_async(('start',), {{'counted': True}}, producer=producer)\n"
    " for after, then in {order}:\n"
    "  for n in range({tasks}): noop.apply_async(producer=producer)\n"
    "  block.apply_async((after,), {{'counted': then == 'with'}}, producer=producer)\n"
)
_LIVE = (
    "import sys; from stackgen.app.parts.health import health_main; "
    "from stackgen.app.parts.settings import Settings; sys.exit(health_main(['live'], Settings(name='lab')))"
)


class Cost(NamedTuple):
    """Microseconds per no-op task."""

    without: float
    more: float
    """What counting adds: the median of all pairs."""
    least: float
    most: float


def counting(broker: str, folder: Path, pairs: int) -> tuple[Cost, Cost]:
    """Wall and CPU time per task of a worker with one pool process, from pairs of blocks with counting and without."""
    turns = [("with", "without") if number % 2 else ("without", "with") for number in range(pairs)]
    order = ["with", *(which for turn in turns for which in turn)]  # the first block, while it warms up, is not used
    results = folder / "blocks.jsonl"
    environment = lab_environment(broker, folder, CELERY_METRICS_PORT="0", BENCH_RESULTS=str(results))
    code = _SEND.format(order=list(zip(order, [*order[1:], "end"], strict=True)), tasks=BLOCK)
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=folder, check=True, timeout=600)
    command = [sys.executable, "-m", "celery", "-A", "bench.counted", "worker", "-c", "1", "-l", "error"]
    with subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            until(
                lambda: results.read_text(encoding="utf-8").count("\n") > len(order),
                seconds=60 + len(order) * BLOCK / 100,
            )
        finally:
            process.send_signal(signal.SIGTERM)
    _, _, *blocks = map(json.loads, results.read_text(encoding="utf-8").splitlines())
    assert [which for which, *_ in blocks] == order[1:]
    wall, cpu = (_cost([(block[0], block[kind] * 1e6 / BLOCK) for block in blocks]) for kind in (1, 2))
    return wall, cpu


def _cost(blocks: Sequence[tuple[str, float]]) -> Cost:
    """From blocks of which each two make a pair; the range is that of the binomial distribution, whatever the noise."""
    pairs = [dict(blocks[n : n + 2]) for n in range(0, len(blocks), 2)]
    more = sorted(pair["with"] - pair["without"] for pair in pairs)
    reach = math.ceil(0.98 * math.sqrt(len(more)))
    middle = len(more) / 2
    low, high = max(0, math.floor(middle) - reach), min(len(more) - 1, math.ceil(middle) - 1 + reach)
    return Cost(median(pair["without"] for pair in pairs), median(more), more[low], more[high])


def handlers() -> tuple[float, float]:
    """CPU microseconds per task of our receivers in a pool process, and of counting in the main process.

    The best of many rounds: the one number here that a busy machine does not spoil.
    """
    from celery import Celery, signals  # type: ignore[import-untyped]

    from stackgen.app.parts.metrics import WorkerMetrics
    from stackgen.app.parts.settings import Settings

    app = Celery("bench", broker="memory://", set_as_current=False)

    def noop() -> None: ...

    task = app.task(noop, name="bench.noop")
    told = {"delivery_info": {"routing_key": "celery"}, "celery_monitoring_sent": time.time(), "is_eager": False}
    task.request_stack.push(_context(told))
    metrics = WorkerMetrics(app, Settings(duration_buckets=(1.0, 10.0), wait_buckets=(1.0, 10.0)))
    metrics.init()
    metrics._main = -1  # as if the main process were another one: everything goes through the pipe
    assert metrics._wire is not None
    metrics._here = metrics._wire
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
    from stackgen.app.parts.health import Heartbeat

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


def main(pairs: int) -> int:
    """Prints a table; 1 when a budget is exceeded."""
    pool, main_process = handlers()
    with tempfile.TemporaryDirectory() as name, redis_server(Path(name)) as broker:
        live, bare = liveness(Path(name))
        wall, cpu = counting(broker, Path(name), pairs)
    print(f"{'per no-op task':16}{'without':>12}{'counting adds':>20}{'of it':>24}")
    for what, cost in (("wall", wall), ("CPU", cpu)):
        share = " to ".join(f"{100 * some / cost.without:.1f}" for some in (cost.least, cost.most))
        added = f"{cost.more:.1f} µs ({cost.least:.1f} to {cost.most:.1f})"
        print(f"{what:16}{cost.without:9.0f} µs{added:>28}{share:>18} %")
    print(f"`health live` takes {live:.0f} ms, {live / bare:.1f} times a Python that does nothing")
    print(f"receivers alone: {pool:.1f} µs in the pool + {main_process:.1f} µs in the main process per task")
    print(f"budgets: {MOST_MICROSECONDS} µs of CPU, {MOST_SHARE:.0%} of the throughput")
    return int(cpu.more > MOST_MICROSECONDS or wall.more / wall.without > MOST_SHARE)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 240))
