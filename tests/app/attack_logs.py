"""`python -m tests.app.attack_logs`: a worker under load while its log is taken away, rotated, filled up and locked.

For each attack: no task fails, every event is in some file or counted as lost, lines are whole, and the throughput of
the last seconds is that of the first. Needs Redis.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.app.workers import start_sending, write_module
from tests.flower.redis_server import redis_server

SECONDS = 16
_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE = 24, 1
PROJECT = """\
import logging, os, socket
from celery import Celery
app = Celery("proj", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
app.conf.update(result_expires=600, worker_prefetch_multiplier=16)
from celery_monitoring import setup
setup(app)
one, other = socket.socketpair()
@app.task
def talk():
    with open("/dev/null") as file:
        logging.getLogger("shop").warning("told")
        one.send(b"x")
        assert other.recv(1) == b"x" and file.read() == ""
"""
SEND = """\
import json, time
from proj import talk
done, end = [], time.monotonic() + SECONDS
while time.monotonic() < end:
    begin = time.monotonic()
    states = []
    for answer in [talk.delay() for _ in range(20)]:
        answer.get(timeout=30, propagate=False)
        states.append(answer.state)
    done.append((states.count("SUCCESS"), len(states), time.monotonic() - begin))
open("done.json", "w").write(json.dumps(done))
"""


@dataclass(frozen=True)
class Attack:
    """What is done while tasks run, and to which log."""

    name: str
    harm: Callable[[Path], None]
    log: str = "log/w.log"
    file_limit: int = 0
    """Bytes a file may have, as on a full disk; 0 for any number."""
    closed_folder: bool = False
    """Whether the worker may not write the folder of its log."""


def _folder_away(folder: Path) -> None:
    for number in range(8):
        time.sleep(0.5)
        (folder / "log").rename(folder / f"away{number}")
        time.sleep(0.5)
        (folder / "log").mkdir()


def _logrotate(folder: Path) -> None:
    """Renames, and makes the new file 50 ms later, in a folder that the worker may not write."""
    log = folder / "log"
    for number in range(20):
        time.sleep(0.4)
        with _writable(log):
            (log / "w.log").rename(log / f"w.log.{number}")
        time.sleep(0.05)
        with _writable(log):
            (log / "w.log").touch(0o640)


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """For us: root needs no leave, and the worker then never has it."""
    if os.geteuid():
        folder.chmod(0o755)
    yield
    folder.chmod(0o555)


def _room_again(folder: Path) -> None:
    """The limit is one of each file: a new one has room."""
    for number in range(3):
        time.sleep(4)
        (folder / "log" / "w.log").rename(folder / "log" / f"w.log.{number}")


def _no_harm(folder: Path) -> None:
    del folder


ATTACKS = (
    Attack("the folder is taken away and comes back, eight times", _folder_away),
    Attack("logrotate, in a folder of root's, twenty times", _logrotate, closed_folder=True),
    Attack("a full disk, three times room again", _room_again, file_limit=400_000),
    Attack("a device that is always full", _no_harm, log="/dev/full"),
    Attack("a log that cannot be opened", _no_harm, log="nowhere/w.log"),
)


@contextmanager
def _worker(folder: Path, broker: str, attack: Attack) -> Iterator[subprocess.Popen[bytes]]:
    if attack.closed_folder:
        (folder / "log" / "w.log").touch()
        (folder / "log").chmod(0o555)

    def limit() -> None:
        if attack.closed_folder:
            ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE)  # root, too, then heeds modes
        if attack.file_limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (attack.file_limit, attack.file_limit))

    command = [sys.executable, "-m", "celery", "-A", "proj", "worker", "-c", "2", "--without-gossip"]
    environment = {**os.environ, "BROKER": broker, "PYTHONPATH": ""}
    with (
        (folder / "out.txt").open("ab") as out,
        (folder / "err.txt").open("ab") as err,
        subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=err,
            preexec_fn=limit,  # noqa: PLW1509  no other thread runs here
        ) as program,
    ):
        try:
            yield program
        finally:
            program.terminate()
            program.wait(30)


def _read(folder: Path) -> tuple[int, int, int, int]:
    """Events of ends that were written, records said to be lost, lines that are no JSON, and words about the log."""
    ends = lost = torn = told = 0
    for path in sorted([*folder.glob("*/w.log*"), folder / "out.txt"]):
        for line in path.read_bytes().splitlines():
            try:
                found = json.loads(line)
            except ValueError:
                torn += 1
                continue
            ends += found["message"] == "task proj.talk succeeded"
            told += "cannot be opened" in found["message"]
            if said := re.match(r"(\d+) records of this process could not be written", found["message"]):
                lost += int(said[1])
    return ends, lost, torn, told


def attack(one: Attack, broker: str, folder: Path) -> list[str]:
    """What went wrong."""
    folder.chmod(0o755)
    (folder / "log").mkdir()
    log = one.log if one.log.startswith("/") else str(folder / one.log)
    write_module(folder, f"{{logs: {{path: {log}}}}}")
    (folder / "proj.py").write_text(PROJECT, encoding="utf-8")
    with _worker(folder, broker, one) as program:
        sender = start_sending(folder, broker, f"SECONDS = {SECONDS}\n{SEND}", wait=False)
        time.sleep(2)
        one.harm(folder)
        sender.wait(SECONDS + 60)
        alive = program.poll() is None
    rounds = json.loads((folder / "done.json").read_text(encoding="utf-8"))
    good, sent = sum(one[0] for one in rounds), sum(one[1] for one in rounds)
    third = max(1, len(rounds) // 3)
    speeds = [20 * third / sum(one[2] for one in part) for part in (rounds[1 : third + 1], rounds[-third:])]
    ends, lost, torn, told = _read(folder)
    print(
        f"{one.name}: {good} of {sent} tasks; {speeds[0]:.0f} then {speeds[1]:.0f} tasks/s; "
        f"{ends} ends written, {lost} records told as lost, {torn} torn lines, {told} words about the log"
    )
    wrong = []
    if good != sent or not alive:
        wrong.append(f"{sent - good} tasks failed; worker alive: {alive}")
    if torn:
        wrong.append(f"{torn} torn lines")
    if ends < sent and not lost and one.log != "/dev/full":
        wrong.append(f"{sent - ends} events lost without a word")
    if one.log.startswith("nowhere") and not told:
        wrong.append("nobody said why there is no log")
    return [f"{one.name}: {what}" for what in wrong]


def main() -> int:
    """0 when every attack came to nothing."""
    wrong: list[str] = []
    home = Path(tempfile.mkdtemp(prefix="attack-"))
    home.chmod(0o755)
    try:
        for number, one in enumerate(ATTACKS):
            folder = home / str(number)
            folder.mkdir()
            (home / f"redis{number}").mkdir()
            with redis_server(home / f"redis{number}") as broker:
                wrong += attack(one, broker, folder)
    finally:
        with suppress(OSError):
            shutil.rmtree(home)
    print("\n".join(wrong) or "no task failed, nothing was lost without a word")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
