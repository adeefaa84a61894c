"""Real workers that write logs which are rotated under them, while a follower reads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.app.workers import wait_until, worker, write_module, write_project
from tests.logs.follower import Follower
from tests.logs.judge import Event, Tally, events, parsed, tally

CANARY = "canary-0wn3d"
STEPS = 3
OWN = [f"step {number} of {STEPS}" for number in range(1, STEPS + 1)]
"""What the task `steps` writes itself; `long` writes lines that no pipe or buffer takes at once."""
LONG = "z" * 7000

MORE = f"""
import signal

@app.task
def steps(token, password=None):
    for number in range(1, {STEPS} + 1):
        log.info("step %d of {STEPS}", number)
    return {{"token": token, "password": password}}

@app.task
def long(token):
    log.warning("z" * {len(LONG)})

@app.task
def killed(token):
    log.info("step 1 of {STEPS}")
    os.kill(os.getpid(), signal.SIGKILL)
"""

# What each task must write, attempt by attempt; known from Celery's documentation, not from what was read.
_BEGINS = ("task-received",)
WRITES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "steps": ((*_BEGINS, *OWN, "task-succeeded"),),
    "long": ((*_BEGINS, LONG, "task-succeeded"),),
    "bad": ((*_BEGINS, "task-failed"),),
    "again": ((*_BEGINS, "task-retried"), (*_BEGINS, "task-failed")),
    "refused": ((*_BEGINS, "task-rejected"),),
    "ignored": ((*_BEGINS, "task-ignored"),),
    "missing": (("task-unknown",),),
    "killed": ((*_BEGINS, OWN[0], "task-failed"),),
}
MANY: Mapping[str, int] = {"steps": 150, "long": 20, "bad": 20, "again": 15, "refused": 5, "ignored": 5, "missing": 5}
CRASHES = 3
SEND = """\
import sys
from proj import app
for line in sys.stdin:
    name, task_id, queue = line.split()
    kwargs = {"password": SECRET} if name == "steps" else {}
    app.send_task(f"proj.{name}", (SECRET,), kwargs, task_id=task_id, queue=queue)
"""


class Run(NamedTuple):
    """What a run gave: the tally, every line that was read, and what stands in the files."""

    tally: Tally
    lines: list[bytes]
    files: Mapping[str, bytes]
    rotations: int

    @property
    def written(self) -> bytes:
        """The files one after the other."""
        return b"".join(self.files.values())


def plan(pools: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Task id -> name of the task and queue; a pool of threads has no child that could be killed."""
    found: dict[str, tuple[str, str]] = {}
    for queue, pool in pools.items():
        many = {**MANY, "killed": CRASHES} if pool == "prefork" else MANY
        for name, count in many.items():
            found |= {f"{queue}-{name}-{number:03}": (name, queue) for number in range(count)}
    return found


def written(sent: Mapping[str, tuple[str, str]]) -> Iterator[Event]:
    """Every event that the tasks must write."""
    for task_id, (name, _) in sent.items():
        for attempt, actions in enumerate(WRITES[name]):
            yield from (Event(task_id, attempt, action) for action in actions)


def send(folder: Path, broker: str, sent: Mapping[str, tuple[str, str]]) -> None:
    """Sends the tasks, of all kinds and queues in turn, each with the canary in it."""
    (folder / "send.py").write_text(f"SECRET = {CANARY!r}\n{SEND}", encoding="utf-8")
    turns = sorted(sent.items(), key=lambda one: (one[0].rpartition("-")[2], one[0]))
    text = "".join(f"{name} {task_id} {queue}\n" for task_id, (name, queue) in turns)
    environment = {**os.environ, "BROKER": broker, "PYTHONPATH": ""}
    subprocess.run([sys.executable, "send.py"], cwd=folder, env=environment, input=text, text=True, check=True)


def rotate(folder: Path) -> None:
    """As logrotate does without copytruncate: the older files move up, then the present one is renamed."""
    numbered = sorted(folder.glob("*.log.*"), key=lambda path: -int(path.suffix[1:]))
    for path in numbered:
        path.rename(path.with_suffix(f".{int(path.suffix[1:]) + 1}"))
    for path in folder.glob("*.log"):
        path.rename(path.with_name(f"{path.name}.1"))


@contextmanager
def followed(folder: Path) -> Iterator[Follower]:
    """A follower that reads while the block runs, and to the end after it."""
    follower, done = Follower(folder), threading.Event()
    thread = threading.Thread(target=follower.run, args=(done,))
    thread.start()
    try:
        yield follower
    finally:
        done.set()
        thread.join()
        follower.close()


def run(folder: Path, broker: str, pools: Mapping[str, str], shared: str = "", seconds: float = 60) -> Run:
    """One worker for each queue, with this pool; those of `shared` (a pool) write into one file together."""
    logs = folder / "logs"
    logs.mkdir()
    write_module(folder)
    write_project(folder, more=MORE)
    sent, rotations = plan(pools), 0
    expected = set(written(sent))
    with followed(logs) as follower, ExitStack() as stack:
        for queue, pool in pools.items():
            file = logs / f"{'shared' if pool == shared else queue}.log"
            options = ("-P", pool, "-Q", queue, "-n", f"{queue}@lab", "-f", str(file), "-l", "INFO")
            stack.enter_context(worker(folder, broker, *options))
            wait_until(file, f"{queue}@lab ready")
        sender = threading.Thread(target=send, args=(folder, broker, sent))
        sender.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end and not expected <= set(_events(follower)):
            time.sleep(0.25)
            rotate(logs)
            rotations += 1
        sender.join()
    assert follower.unfinished() == []
    files = {path.name: path.read_bytes() for path in logs.iterdir()}
    return Run(tally(expected, _events(follower)), follower.lines, files, rotations)


def _events(follower: Follower) -> list[Event]:
    return list(events(parsed(list(follower.lines)), (*OWN, LONG)))


def table(ran: Run) -> str:
    """The run as a table, for people."""
    rows = (
        ("events", ran.tally.written, ran.tally.read, len(ran.tally.lost), len(ran.tally.duplicated)),
        ("lines", *_of_lines(ran)),
    )
    head = f"{'':8}{'written':>10}{'read':>10}{'lost':>10}{'duplicated':>12}"
    told = [f"{name:8}{wrote:10}{read:10}{lost:10}{twice:12}" for name, wrote, read, lost, twice in rows]
    return "\n".join([head, *told, f"the files were renamed {ran.rotations} times"])


def _of_lines(ran: Run) -> tuple[int, int, int, int]:
    """Of all lines: in the files, read, lost, duplicated."""
    there, read = Counter(ran.written.splitlines()), Counter(ran.lines)
    return there.total(), read.total(), (there - read).total(), (read - there).total()
