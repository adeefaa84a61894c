"""Real workers of the lab's application, each in a process group of its own that ends with the test."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.flower.redis_server import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 180
"""How long a busy machine may take for what takes a second on an idle one."""
_SAMPLE = re.compile(r"([\w:]+)(?:\{(.*)\})? (\S+)")
_PORT_SAID = re.compile(r"Metrics of \S+ at port (\d+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@dataclass(frozen=True)
class Worker:
    """A running worker."""

    process: subprocess.Popen[bytes]
    port: int
    heartbeat: Path
    log: Path

    def get(self, path: str = "/metrics", accept: str = "") -> tuple[int, str]:
        """Status and body of an answer."""
        return fetch(f"http://127.0.0.1:{self.port}{path}", accept)

    def samples(self) -> Samples:
        """What a scrape shows now."""
        return parsed(self.get()[1])

    def outcomes(self) -> dict[tuple[str, str], int]:
        """Executions by task (without `lab.`) and state."""
        found: dict[tuple[str, str], int] = {}
        for (name, labels), value in self.samples().items():
            if name == "celery_tasks_total":
                named = dict(labels)
                key = (named["task"].removeprefix("lab."), named["state"])
                found[key] = found.get(key, 0) + int(value)
        return found

    def kill(self) -> None:
        """Ends the worker and its pool without a chance to say anything."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def fetch(url: str, accept: str = "") -> tuple[int, str]:
    """Status and body of an HTTP answer."""
    request = urllib.request.Request(url, headers={"Accept": accept} if accept else {})
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def parsed(body: str) -> Samples:
    """The samples of an exposition."""
    matches = filter(None, map(_SAMPLE.fullmatch, body.splitlines()))
    return {(m[1], frozenset(_LABEL.findall(m[2] or ""))): float(m[3]) for m in matches}


def lab_environment(broker: str, folder: Path, **more: str) -> dict[str, str]:
    """The environment of the lab's programs."""
    return {
        **os.environ,
        "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests' / 'app'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "CELERY_BROKER_URL": broker,
        "CELERY_HEARTBEAT_FILE": str(folder / "%h.heartbeat"),
        **more,
    }


@contextmanager
def worker(
    broker: str, folder: Path, *options: str, name: str = "w1", python: str = sys.executable, **more: str
) -> Iterator[Worker]:
    """A worker that is ready; killed with its pool afterwards. Given a port that is taken, it says which it took."""
    port, log = int(more.get("CELERY_METRICS_PORT", "0")) or free_port(), folder / f"{name}.log"
    environment = lab_environment(broker, folder, **{"CELERY_METRICS_PORT": str(port), **more})
    command = [python, "-m", "celery", "-A", "lab_tasks", "worker", "-n", f"{name}@lab", "-l", "info", *options]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    one = Worker(process, port, folder / f"{name}@lab.heartbeat", log)
    try:
        if "CELERY_METRICS_PORT" in more:
            until(lambda: _PORT_SAID.search(log.read_text()) is not None, lambda: log.read_text()[-3000:])
            one = replace(one, port=int(_PORT_SAID.findall(log.read_text())[0]))
        until(lambda: one.heartbeat.exists() and one.get("/livez")[0] == 200, lambda: log.read_text()[-3000:])
        yield one
    finally:
        if process.poll() is None:
            one.kill()


def until(done: Callable[[], bool], why: Callable[[], object] = lambda: "", seconds: float = PATIENCE_SECONDS) -> None:
    """Returns when `done` is true; fails with a reason when that takes too long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if done():
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(why() or f"not within {seconds} s")


def send(broker: str, folder: Path, code: str, **more: str) -> None:
    """Runs a line of Python that sends tasks, in a process of its own as a web application would."""
    script = f"from lab_tasks import *\n{code}"
    environment = lab_environment(broker, folder, **more)
    subprocess.run([sys.executable, "-c", script], env=environment, cwd=folder, check=True, timeout=PATIENCE_SECONDS)


def total(samples: Samples, name: str, labels: Mapping[str, str] | None = None) -> float:
    """The sum over all series of a name that have these labels."""
    wanted = set((labels or {}).items())
    return sum(value for (one, has), value in samples.items() if one == name and wanted <= has)
