"""A whole Celery system with the generated monitoring: real programs on free loopback ports, in one folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from stackgen import pipeline
from stackgen.app.parts.broker import depths
from stackgen.catalog.sources.beat import JOB as BEAT_JOB
from stackgen.catalog.sources.worker import JOB as WORKER_JOB
from stackgen.doctor.examine import Asked, examine
from stackgen.doctor.finding import Finding
from tests.live import brokers
from tests.live.brokers import TOOLS, Kind, program
from tests.live.exporters import exporter, module
from tests.live.processes import LOOPBACK, REPOSITORY, Programs, answers

WORKERS = ("w1@alpha", "w2@beta", "w3@gamma")
"""celery-exporter knows a worker by what stands behind the @, so each has a host of its own."""
BEATS = ("beat", "second beat")
HOARD_MEGABYTES = 700


@dataclass
class Cluster:
    """The system; every method is one thing that can happen to it."""

    kind: Kind
    programs: Programs
    ports: dict[str, int]
    stage: pipeline.Stage
    exporters: tuple[str, ...] = ()
    """Besides the workers, which are sources themselves, and RabbitMQ, which is one too."""

    @property
    def folder(self) -> Path:
        """Where everything of this run is."""
        return self.programs.folder

    @property
    def broker(self) -> str:
        """The broker's address."""
        return brokers.address(self.kind, self.ports)

    @property
    def prometheus(self) -> str:
        """Prometheus' address."""
        return self._url("prometheus")

    def _url(self, name: str) -> str:
        return f"http://{LOOPBACK}:{self.ports[name]}"

    @property
    def app(self) -> Any:
        """The Celery application, with the generated module: its senders note when a task was sent."""
        os.environ |= {"LIVE_BROKER_URL": self.broker, "LIVE_MODULE": f"{self.folder}/output/celery"}
        from tests.live.app import app

        return app

    def start(self) -> None:
        """Starts everything and waits until all of it answers."""
        self.start_broker()
        for worker in WORKERS:
            self.start_worker(worker)
        for name in self.exporters:
            self.start_exporter(name)
        self._start_alertmanager()
        self._start_prometheus()
        for name in (*WORKERS, *self.exporters):
            self.programs.wait(name, partial(answers, f"{self._url(name)}/metrics"))
        for name in ("alertmanager", "prometheus"):
            self.programs.wait(name, partial(answers, f"{self._url(name)}/-/ready"))

    def start_broker(self) -> None:
        """The broker, for the first time or again."""
        brokers.start(self.kind, self.programs, self.ports)

    def declare(self) -> None:
        """Every queue of stack.yaml, as programs that send declare them when they start."""
        with self.app.connection_for_write() as connection:
            for queue in self.stage.prepared.plan.site.queues:
                self.app.amqp.queues[queue](connection.default_channel).declare()

    def let_in(self, password: str) -> None:
        """Changes the password of the user as whom some exporters ask the broker."""
        brokers.let_in(self.kind, self.programs, self.ports, password)

    def let_use(self, share: str) -> None:
        """The share of the machine's memory that RabbitMQ may use before it blocks who publishes."""
        change = f"vm_memory_monitor:set_vm_memory_high_watermark({share})."
        brokers.erlang_call(self.programs, self.ports, change)

    def start_worker(
        self,
        name: str,
        queues: str = "celery,bulk",
        *,
        events: bool = True,
        remote: bool = True,
        **more: str,
    ) -> None:
        """One worker with three pool processes; without events, or without remote control, or with more settings."""
        command = [sys.executable, "-m", "celery", "-A", "tests.live.app", "worker", "-n", name, "-c", "3"]
        environment = {
            "LIVE_BROKER_URL": self.broker,
            "LIVE_MODULE": f"{self.folder}/output/celery",
            "LIVE_EVENTS": "1" if events else "0",
            "LIVE_REMOTE": "1" if remote else "0",
            "LIVE_FILES": str(self.folder),
            **more,
            "CELERY_METRICS_PORT": str(self.ports[name]),
            "CELERY_HEARTBEAT_FILE": f"{self.folder}/%h.heartbeat",
        }
        self.programs.start(name, [*command, "-Q", queues, "-l", "WARNING"], environment)

    def start_exporter(self, name: str) -> None:
        """One exporter, with what was generated for it."""
        command, environment = exporter(name, self.stage.prepared.plan.site, self.broker, self.ports, self.folder)
        self.programs.start(name, command, environment)

    def _start_alertmanager(self) -> None:
        command = [
            *in_its_tree(TOOLS / "v3", self.folder),
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

    def scrape_workers(self, path: str) -> None:
        """Makes Prometheus ask the workers for their metrics at this path."""
        self._scrape(WORKER_JOB, lambda job: job.update(metrics_path=path))

    def scrape_beats(self, *names: str) -> None:
        """Makes Prometheus ask these beats, as a DNS name with their addresses does."""
        targets = [f"{LOOPBACK}:{self.ports[name]}" for name in names]
        self._scrape(BEAT_JOB, lambda job: job.update(dns_sd_configs=[], static_configs=[{"targets": targets}]))

    def _scrape(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        config = self.folder / "output/prometheus/prometheus.yml"
        settings = yaml.safe_load(config.read_text())
        for job in settings["scrape_configs"]:
            if job["job_name"] == name:
                change(job)
        config.write_text(yaml.safe_dump(settings))
        if "prometheus" in self.programs.running:
            self.programs.running["prometheus"].send_signal(signal.SIGHUP)

    def examined(self, broker: str = "") -> list[Finding]:
        """What `stackgen doctor` says of this system; of another broker address if one is given."""
        os.environ["LIVE_BROKER_URL"] = broker or self.broker
        asked = Asked(
            prometheus=self.prometheus,
            exporter=self._url("exporter") if "exporter" in self.programs.running else None,
            alertmanager=self._url("alertmanager"),
            broker="LIVE_BROKER_URL",
            secrets=self.folder / ".secrets",
        )
        return examine(self.stage.prepared.plan, asked)

    def health(self, *arguments: str) -> tuple[int, str]:
        """Exit code and words of `python -m celery_monitoring health …`."""
        command, environment = module(self.folder, self.broker, "health", *arguments)
        done = subprocess.run(
            command,
            env={**os.environ, **environment, "CELERY_HEARTBEAT_FILE": f"{self.folder}/%h.heartbeat"},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, (done.stdout + done.stderr).strip()

    def send(self, task: str, *args: object, queue: str = "celery", **options: object) -> None:
        """Sends a task; the broker may be away."""
        from kombu.exceptions import OperationalError

        try:
            self.app.send_task(task, args, queue=queue, retry=False, **options)
        except (OperationalError, OSError):
            return

    def sent_events(self, *, on: bool) -> None:
        """Whether our senders say that they sent a task."""
        self.app.conf.task_send_sent_event = on

    def consume(self, queue: str, *, on: bool, worker: str = WORKERS[0]) -> None:
        """Lets a worker consume a queue, or not."""
        control = self.app.control
        (control.add_consumer if on else control.cancel_consumer)(queue, destination=[worker], reply=False)

    def resize(self, worker: str, by: int) -> None:
        """Gives a worker more pool processes, or fewer."""
        control = self.app.control
        (control.pool_grow if by > 0 else control.pool_shrink)(abs(by), destination=[worker], reply=False)

    def revoke(self, *ids: str) -> None:
        """Ends tasks that run."""
        self.app.control.revoke(list(ids), terminate=True)

    def waiting(self, queue: str) -> int:
        """Messages in a queue."""
        with self.app.connection_for_read() as connection:
            return depths(connection, [queue])[queue].ready

    def purge(self, queue: str) -> None:
        """Empties a queue."""
        with self.app.connection_for_write() as connection:
            connection.default_channel.queue_purge(queue)


def in_its_tree(tools: Path, folder: Path) -> list[str]:
    """Debian's Alertmanager looks for its message templates in /usr/share: there it is given its own, privately."""
    own, place = tools / "usr/share/prometheus", Path("/usr/share/prometheus")
    if not own.is_dir() or (place / "alertmanager/default.tmpl").exists():
        return []
    share = folder / "share"
    shutil.copytree(own, share / "prometheus", symlinks=True, ignore=shutil.ignore_patterns("ui", "web"))
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    mount = 'mount --bind "$1" /usr/share && shift && exec "$@"'
    return ["unshare", "--mount", *user, "sh", "-c", mount, "sh", str(share)]
