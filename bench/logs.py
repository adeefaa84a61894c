"""What logging costs: no-op tasks of plain Celery, and with celery_monitoring.py, worker after worker in turn.

`python -m bench.logs [ROUNDS] [another celery_monitoring.py]`; needs redis-server (`make tools`) and Celery. Only the
logs are switched on. Printed is the median of the rounds' ratios to plain Celery's, with least and most.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.app.workers import start_sending, worker
from tests.flower.redis_server import redis_server

TASKS, WARM = 500, 100
_PROJECT = """\
import dataclasses, json, os, sys, time
from pathlib import Path
from celery import Celery
app = Celery("proj", broker=os.environ["BROKER"])
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=32)
if folder := os.environ.get("MODULE"):
    sys.path.insert(0, folder)
    from celery_monitoring import SETTINGS, setup
    logs = dataclasses.replace(SETTINGS.logs, path=os.environ["LOG"], level=os.environ["LEVEL"].lower())
    setup(app, dataclasses.replace(SETTINGS, logs=logs, metrics=dataclasses.replace(SETTINGS.metrics, enabled=False)))
@app.task
def noop():
    pass
@app.task
def mark():
    threads = [thread for pid in (os.getpid(), os.getppid()) for thread in Path(f"/proc/{pid}/task").iterdir()]
    cpu = sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
    with open("marks.jsonl", "a") as file:
        file.write(json.dumps([time.perf_counter(), cpu]) + "\\n")
"""
_SEND = f"""\
from proj import app, noop, mark
with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
    for count in ({WARM}, {TASKS}):
        for _ in range(count): noop.apply_async(producer=producer)
        mark.apply_async(producer=producer)
"""


@dataclass(frozen=True)
class Run:
    """One worker's run: seconds of the clock and of the processor, and bytes of log, each for all tasks."""

    wall: float
    cpu: float
    size: int


def run(home: Path, broker: str, module: Path | None, level: str) -> Run:
    """One worker from its start to its end."""
    folder = Path(tempfile.mkdtemp(dir=home))
    (folder / "proj.py").write_text(_PROJECT, encoding="utf-8")
    start_sending(folder, broker, _SEND)
    log, marks = folder / "w.log", folder / "marks.jsonl"
    more = {"MODULE": str(module.parent) if module else "", "LOG": str(log), "LEVEL": level}
    with worker(folder, broker, "-c", "1", "-l", level, *([] if module else ["-f", str(log)]), **more):
        while not marks.exists() or marks.read_text(encoding="utf-8").count("\n") < 2:
            time.sleep(0.1)
    first, last = map(json.loads, marks.read_text(encoding="utf-8").splitlines())
    return Run(last[0] - first[0], last[1] - first[1], log.stat().st_size if log.exists() else 0)


def _ratios(runs: Sequence[Run], plain: Sequence[Run]) -> str:
    found = []
    for name in ("wall", "cpu"):
        ratios = sorted(getattr(ours, name) / getattr(theirs, name) for ours, theirs in zip(runs, plain, strict=True))
        found.append(f"{name} {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    return f"{', '.join(found)}, {runs[-1].size / (TASKS + WARM):.0f} bytes a task"


def main(argv: Sequence[str]) -> int:
    """Prints the ratios at both levels."""
    rounds = int(argv[0]) if argv else 9
    modules = {"plain": None, "now": Path("output/celery/celery_monitoring.py").resolve()}
    if len(argv) > 1:
        modules["other"] = Path(argv[1]).resolve()
    with tempfile.TemporaryDirectory() as name, redis_server(Path(name)) as broker:
        for level in ("INFO", "WARNING"):
            runs: dict[str, list[Run]] = {which: [] for which in modules}
            for _ in range(rounds):
                for which, module in modules.items():
                    runs[which].append(run(Path(name), broker, module, level))
            for which, done in runs.items():
                print(f"{level:8}{which:6}{_ratios(done, runs['plain'])}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
