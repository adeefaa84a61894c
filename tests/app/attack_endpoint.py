"""Part of `make app-attack`: 1,000 slow connections, 100 scrapes at once, ports taken, messages with absurd names.

Prints tasks a second before, during and after each; 1 when a task failed or was lost, or throughput did not recover
within ten seconds.
"""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from redis import Redis

from stackgen.app.parts.endpoint import PORTS
from tests.app.cluster import Worker, fetch, lab_environment, until, worker
from tests.app.workers import write_module
from tests.flower.redis_server import free_port, redis_server

TASKS = 30_000
_SENDING = "with app.connection_for_write() as c, app.amqp.Producer(c) as p:\n for n in range({tasks}): "
_PLAIN = _SENDING + "ok.apply_async(producer=p)"
_ABSURD = _SENDING + "ok.apply_async(producer=p, task_id=str(n) + '\U0001f600\\t\\n' * 300)"
_RECOVERY = 10.0


def main() -> int:
    """Runs all attacks on a worker of its own each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    good = [_attacked("1,000 slow connections", _PLAIN, slow), _attacked("100 scrapes at once", _PLAIN, scrapes)]
    good += [_attacked("absurd ids", _ABSURD, nothing), ports_taken()]
    return int(not all(good))


@contextmanager
def slow(one: Worker) -> Iterator[None]:
    """A thousand connections, as fast as they are taken, that begin a request and never end it."""
    stop = threading.Event()
    with ExitStack() as stack:

        def connect() -> None:
            for _ in range(1000):
                if stop.is_set():
                    return
                client = stack.enter_context(socket.create_connection(("127.0.0.1", one.port), 60))
                client.sendall(b"GET /metrics HTTP/1.1\r\nX: ")

        thread = threading.Thread(target=connect)
        thread.start()
        yield
        stop.set()
        thread.join()


@contextmanager
def scrapes(one: Worker) -> Iterator[None]:
    """Threads that do nothing but scrape."""
    stop = threading.Event()

    def scrape() -> None:
        while not stop.is_set():
            try:
                one.get()
            except OSError:
                time.sleep(0.1)

    threads = [threading.Thread(target=scrape) for _ in range(100)]
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join()


@contextmanager
def nothing(one: Worker) -> Iterator[None]:
    """The messages are the attack."""
    del one
    yield


def _attacked(name: str, code: str, attack: Callable[[Worker], AbstractContextManager[None]]) -> bool:
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as broker:
        write_module(Path(folder), "{metrics: {enabled: true, host: 127.0.0.1}, logs: {level: error}}")
        _send(broker, Path(folder), code, TASKS)
        with (
            worker(broker, Path(folder), "-c", "1", "-l", "error", LAB_MODULE=folder) as one,
            Redis.from_url(broker) as client,
        ):
            before = _rate(client, 3.0)
            with attack(one):
                during = _rate(client, 3.0)
            after, waited = 0.0, 0.0
            while after < 0.7 * before and waited < _RECOVERY:
                after = _rate(client, 1.0)
                waited += 1.0
            client.ltrim("celery", 0, 500)
            until(lambda: client.llen("celery") == 0)
            failed = sum(number for (_, state), number in one.outcomes().items() if state != "SUCCESS")
            alive = one.process.poll() is None and fetch(f"http://127.0.0.1:{one.port}/livez")[0] == 200
    good = alive and failed == 0 and after >= 0.7 * before
    rates = f"{before:.0f} before, {during:.0f} during, {after:.0f} tasks/s after {waited:.0f} s"
    print(f"{name}: {rates}; {failed} failed; {'good' if good else 'NOT GOOD'}", flush=True)
    return good


def ports_taken() -> bool:
    """Every port that a worker tries is taken: it works, says so, and serves when one is free again."""
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as broker, ExitStack() as stack:
        first = free_port()
        taken = []
        for port in range(first, first + PORTS):
            one = stack.enter_context(socket.socket())
            if one.connect_ex(("127.0.0.1", port)):
                one = stack.enter_context(socket.socket())
                one.bind(("127.0.0.1", port))
                one.listen()
            taken.append(one)
        _send(broker, Path(folder), _PLAIN, 7000)
        environment = lab_environment(broker, Path(folder), CELERY_METRICS_PORT=str(first))
        command = [sys.executable, "-m", "celery", "-A", "lab_tasks", "worker", "-c", "1", "-l", "warning"]
        log = Path(folder, "log")
        with (
            log.open("wb") as out,
            subprocess.Popen(command, env=environment, cwd=folder, stdout=out, stderr=out) as program,
        ):
            try:
                with Redis.from_url(broker) as client:
                    until(lambda: client.llen("celery") == 0)
                for one in taken:
                    one.close()
                until(lambda: "celery_tasks_total" in fetch(f"http://127.0.0.1:{first}/metrics")[1])
                counted = "7000.0" in fetch(f"http://127.0.0.1:{first}/metrics")[1]
            finally:
                program.terminate()
        good = counted and "No metrics endpoint" in log.read_text()
    print(f"ports taken: said, and served once one was free; {'good' if good else 'NOT GOOD'}")
    return good


def _send(broker: str, folder: Path, code: str, tasks: int) -> None:
    script = f"from lab_tasks import *\n{code.format(tasks=tasks)}"
    subprocess.run([sys.executable, "-c", script], env=lab_environment(broker, folder), cwd=folder, check=True)


def _rate(client: Redis, seconds: float) -> float:
    """Tasks that leave the queue in a second."""
    first, began = int(client.llen("celery")), time.monotonic()
    time.sleep(seconds)
    return (first - int(client.llen("celery"))) / (time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
