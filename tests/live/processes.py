"""Starts the programs of a run, and ends each with all its children."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK = "127.0.0.1"
REPOSITORY = Path(__file__).resolve().parents[2]


class Failed(Exception):
    """A program of the run does not do what it must; the run cannot go on."""


@dataclass
class Programs:
    """What runs now, by name. Each program leads a group of its own, so that its children end with it."""

    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Starts a program; what it says goes to <name>.log."""
        parts = ["setpriv", "--pdeathsig", "KILL", *command]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                parts,
                cwd=REPOSITORY,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """Ends a program and its children at once, as a lost machine does."""
        process = self.running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def pause(self, name: str, *, on: bool) -> None:
        """Stops a program and its children, which keep what they hold; or lets them go on."""
        os.killpg(self.running[name].pid, signal.SIGSTOP if on else signal.SIGCONT)

    def kill_all(self) -> None:
        """Ends everything."""
        for name in list(self.running):
            self.kill(name)

    def check(self) -> None:
        """Raises Failed when a program ended by itself."""
        for name, process in self.running.items():
            if process.poll() is not None:
                message = f"{name} ended with {process.returncode}:\n{self.said(name)}"
                raise Failed(message)

    def said(self, name: str) -> str:
        """The last lines of a program's log."""
        return "\n".join((self.folder / f"{name}.log").read_text(errors="replace").splitlines()[-20:])

    def wait(self, what: str, done: Callable[[], bool], seconds: float = 60) -> None:
        """Until something is true."""
        end = time.monotonic() + seconds
        while not done():
            self.check()
            if time.monotonic() > end:
                message = f"{what}: not after {seconds:g} s"
                raise Failed(message)
            time.sleep(0.2)


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def listens(port: int) -> bool:
    """Whether somebody accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def answers(url: str) -> bool:
    """Whether an address gives 200."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
