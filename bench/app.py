"""What the app-side module costs: a worker's throughput of no-op tasks with it and without it, in turn.

`python -m bench.app [ROUNDS]`; needs redis-server (`make tools`) and Celery. Both workers run at once would share the
machine unfairly, so they run alternately, each on its own Redis database, and the medians are compared. CPU time per
task, of the main process and its pool, is told too: it does not depend on how busy the machine is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.app.cluster import lab_environment, until
from tests.flower.redis_server import redis_server

TASKS = 3_000
_TICK = os.sysconf("SC_CLK_TCK")
_SEND = (
    "from lab_tasks import app, ok\n"
    "with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:\n"
    " for n in range(int({tasks})): ok.apply_async(producer=producer)\n"
)


@dataclass(frozen=True)
class Run:
    """One run: wall and CPU microseconds per task."""

    wall: float
    cpu: float


def _cpu(main: int) -> float:
    """CPU seconds of a process and its children."""
    found = 0
    for pid in [main, *map(int, Path(f"/proc/{main}/task/{main}/children").read_text().split())]:
        found += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
    return found / _TICK


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


def main(rounds: int) -> int:
    """Prints a table; 1 when a budget is exceeded."""
    with tempfile.TemporaryDirectory() as name, redis_server(Path(name)) as broker:
        runs: dict[bool, list[Run]] = {True: [], False: []}
        for _ in range(rounds):
            for plain, found in runs.items():
                found.append(measured(broker, Path(name), plain=plain))
    without, with_it = (Run(median(r.wall for r in runs[p]), median(r.cpu for r in runs[p])) for p in (True, False))
    print(f"{'per no-op task':24}{'without':>12}{'with':>12}{'more':>12}")
    for text, one, other in (("wall clock", without.wall, with_it.wall), ("CPU", without.cpu, with_it.cpu)):
        print(f"{text:24}{one:9.1f} µs{other:9.1f} µs{other - one:9.1f} µs  ({100 * (other - one) / one:+.1f} %)")
    return int(with_it.cpu - without.cpu > 50)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
