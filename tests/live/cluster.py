"""A whole Celery system with the generated monitoring: real programs on free loopback ports, in one folder."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from generator import pipeline
from generator.app.parts.resources import memory_limit
from generator.catalog.sources import celery_exporter, redis
from generator.doctor.examine import Asked, examine
from generator.doctor.finding import Finding
from tests.live.processes import LOOPBACK, REPOSITORY, Programs, answers, free_ports, listens

STACK = Path(__file__).with_name("stack.yaml")
TOOLS = REPOSITORY / ".tools"
WORKERS = ("w1@alpha", "w2@beta", "w3@gamma")
"""celery-exporter knows a worker by what stands behind the @, so each has a host of its own."""
FIXED = {"prometheus": "localhost:9090", "alertmanager": "alertmanager:9093"}
"""Addresses that stack.yaml cannot move: written over in the generated prometheus.yml."""
_PORT = re.compile(rf"{re.escape(LOOPBACK)}:(29\d\d\d)")
_NAMES = {
    "29808": "exporter",
    "29121": "redis-exporter",
    "29099": "hook",
    **{str(29801 + n): worker for n, worker in enumerate(WORKERS)},
}
HOARD_MEGABYTES = 700


@dataclass
class Cluster:
    """The system; every method is one thing that can happen to it."""

    programs: Programs
    ports: dict[str, int]
    stage: pipeline.Stage
    folder: Path

    @property
    def broker(self) -> str:
        """The broker's address."""
        return f"redis://{LOOPBACK}:{self.ports['redis']}/0"

    @property
    def prometheus(self) -> str:
        """Prometheus' address."""
        return f"http://{LOOPBACK}:{self.ports['prometheus']}"

    @property
    def _app(self) -> Any:
        """The Celery application, with the generated module: its senders note when a task was sent."""
        os.environ |= {"LIVE_BROKER_URL": self.broker, "LIVE_MODULE": f"{self.folder}/output/celery"}
        from tests.live.app import app

        return app

    def start(self) -> None:
        """Starts everything and waits until all of it answers."""
        self.start_redis()
        for worker in WORKERS:
            self.start_worker(worker)
        self.start_exporter()
        self._start_redis_exporter()
        self._start_alertmanager()
        self._start_prometheus()
        for name in (*WORKERS, "exporter", "redis-exporter", "alertmanager", "prometheus"):
            path = "-/ready" if name in FIXED else "metrics"
            url = f"http://{LOOPBACK}:{self.ports[name]}/{path}"
            self.programs.wait(name, partial(answers, url))

    def start_redis(self) -> None:
        """The broker, which keeps nothing on disk."""
        keeps_nothing = ("--save", "", "--appendonly", "no", "--dir", str(self.folder))
        self.programs.start(
            "redis",
            [program("redis", "redis-server"), "--bind", LOOPBACK, "--port", str(self.ports["redis"]), *keeps_nothing],
            libraries("redis"),
        )
        self.programs.wait("redis", lambda: listens(self.ports["redis"]))

    def start_worker(self, name: str, queues: str = "celery,bulk") -> None:
        """One worker with three pool processes."""
        command = [sys.executable, "-m", "celery", "-A", "tests.live.app", "worker", "-n", name, "-c", "3", "-E"]
        environment = {
            "LIVE_BROKER_URL": self.broker,
            "LIVE_MODULE": f"{self.folder}/output/celery",
            "CELERY_METRICS_PORT": str(self.ports[name]),
            "CELERY_HEARTBEAT_FILE": f"{self.folder}/%h.heartbeat",
        }
        self.programs.start(name, [*command, "-Q", queues, "-l", "WARNING"], environment)

    def start_exporter(self) -> None:
        """celery-exporter with the generated flags."""
        start = "from src.cli import cli; cli(auto_envvar_prefix='CE')"
        flags = celery_exporter.launch(self.stage.prepared.plan.site, "0.12.2").command
        where = (f"--host={LOOPBACK}", f"--port={self.ports['exporter']}")
        command = [program("celery-exporter", "python"), "-c", start, *flags, *where]
        self.programs.start("exporter", command, {"CE_BROKER_URL": self.broker})

    def _start_redis_exporter(self) -> None:
        version = next(iter(redis.SOURCE.versions))
        flags = redis.launch(self.stage.prepared.plan.site, version).command
        listen = f"--web.listen-address={LOOPBACK}:{self.ports['redis-exporter']}"
        command = [program("redis-exporter", "prometheus-redis-exporter"), *flags, listen]
        self.programs.start("redis-exporter", command, {"REDIS_ADDR": self.broker})

    def _start_alertmanager(self) -> None:
        command = [
            *_in_its_tree(TOOLS / "v3", self.folder),
            program("v3", "prometheus-alertmanager"),
            f"--config.file={self.folder}/output/alertmanager/alertmanager.yml",
            f"--storage.path={self.folder}/alertmanager",
            f"--web.listen-address={LOOPBACK}:{self.ports['alertmanager']}",
            "--cluster.listen-address=",
        ]
        self.programs.start("alertmanager", command)

    def _start_prometheus(self) -> None:
        command = [
            program("v3", "prometheus"),
            f"--config.file={self.folder}/output/prometheus/prometheus.yml",
            f"--storage.tsdb.path={self.folder}/prometheus",
            f"--web.listen-address={LOOPBACK}:{self.ports['prometheus']}",
        ]
        self.programs.start("prometheus", command)

    def examined(self) -> list[Finding]:
        """What `stackgen doctor` says of this system."""
        os.environ["LIVE_BROKER_URL"] = self.broker
        asked = Asked(
            prometheus=self.prometheus,
            exporter=f"http://{LOOPBACK}:{self.ports['exporter']}",
            alertmanager=f"http://{LOOPBACK}:{self.ports['alertmanager']}",
            broker="LIVE_BROKER_URL",
        )
        return examine(self.stage.prepared.plan, asked)

    def send(self, task: str, *args: object, queue: str = "celery") -> None:
        """Sends a task; the broker may be away."""
        from kombu.exceptions import OperationalError

        try:
            self._app.send_task(task, args, queue=queue, retry=False)
        except (OperationalError, OSError):
            return

    def consume(self, queue: str, *, on: bool) -> None:
        """Lets the first worker consume a queue, or not."""
        control = self._app.control
        (control.add_consumer if on else control.cancel_consumer)(queue, destination=[WORKERS[0]], reply=False)

    def waiting(self, queue: str) -> int:
        """Messages in a queue."""
        with self._app.connection_for_read() as connection:
            return int(connection.default_channel.client.llen(queue))

    def purge(self, queue: str) -> None:
        """Empties a queue."""
        with self._app.connection_for_write() as connection:
            connection.default_channel.client.delete(queue)


def program(tree: str, name: str) -> str:
    """A program that tests/live/install.sh put into .tools."""
    found = TOOLS / tree / ("bin" if tree == "celery-exporter" else "usr/bin") / name
    if not found.exists():
        sys.exit(f"{found} is not there: run tests/live/install.sh")
    return str(found)


def libraries(tree: str) -> dict[str, str]:
    """Where an unpacked program finds the libraries that came with it."""
    return {"LD_LIBRARY_PATH": ":".join(str(path) for path in (TOOLS / tree / "usr/lib").glob("*-linux-gnu"))}


def prepared(folder: Path) -> Cluster:
    """Generates the configuration for free ports; nothing runs yet."""
    names = (*_NAMES.values(), "redis", "prometheus", "alertmanager")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    stack = folder / "stack.yaml"
    share = f"{HOARD_MEGABYTES * 2**20 / memory_limit():.2%}"
    text = STACK.read_text().replace("warning: 50%", f"warning: {share}")
    stack.write_text(_PORT.sub(lambda m: f"{LOOPBACK}:{ports[_NAMES[m[1]]]}", text))
    stage, _ = pipeline.generate(stack, folder / "output")
    config = folder / "output/prometheus/prometheus.yml"
    text = config.read_text()
    for name, fixed in FIXED.items():
        text = text.replace(fixed, f"{LOOPBACK}:{ports[name]}")
    config.write_text(text)
    return Cluster(Programs(folder), ports, stage, folder)


def _in_its_tree(tools: Path, folder: Path) -> list[str]:
    """Debian's Alertmanager looks for its message templates in /usr/share: there it is given its own, privately."""
    own, place = tools / "usr/share/prometheus", Path("/usr/share/prometheus")
    if not own.is_dir() or (place / "alertmanager/default.tmpl").exists():
        return []
    share = folder / "share"
    shutil.copytree(own, share / "prometheus", symlinks=True, ignore=shutil.ignore_patterns("ui", "web"))
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    mount = 'mount --bind "$1" /usr/share && shift && exec "$@"'
    return ["unshare", "--mount", *user, "sh", "-c", mount, "sh", str(share)]
