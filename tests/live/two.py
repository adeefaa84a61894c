"""Two environments of one application on one Redis, Prometheus and Alertmanager: each fault is told for its own.

Queues, tasks and workers have the same names in both; their databases differ. Prometheus and Alertmanager are those of
others: they load the parts that were generated for each stack.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from stackgen import pipeline
from stackgen.doctor.examine import Asked, examine
from tests.live import brokers
from tests.live.brokers import TOOLS, program
from tests.live.cluster import in_its_tree
from tests.live.exporters import exporter
from tests.live.inbox import Inbox, News, listening
from tests.live.processes import LOOPBACK, Programs, answers, free_ports
from tests.live.run import WATCHDOG, say

STACK = Path(__file__).with_name("two.yaml")
DATABASES = {"production": 1, "staging": 2}
_QUIET_SECONDS = 60.0
_PATIENCE_SECONDS = 300.0
Told = frozenset[tuple[str, str]]
"""Alerts and the environments they are about."""


@dataclass(frozen=True)
class Side:
    """One of the two stacks, with its worker and its exporters."""

    environment: str
    programs: Programs
    ports: Mapping[str, int]
    stage: pipeline.Stage

    @property
    def broker(self) -> str:
        """Its database of the one Redis."""
        return f"redis://{LOOPBACK}:{self.ports['redis']}/{DATABASES[self.environment]}"

    def start_worker(self) -> None:
        """The worker, of the same name in both."""
        command = [sys.executable, "-m", "celery", "-A", "tests.live.app", "worker", "-n", "w1@host", "-c", "1"]
        environment = {"LIVE_BROKER_URL": self.broker}
        self.programs.start(self._called("worker"), [*command, "-Q", "celery,bulk", "-l", "WARNING"], environment)

    def start_exporter(self, name: str) -> None:
        """One exporter, with the options that were generated for it."""
        ports = {name: self.ports[self._called(name)]}
        site = self.stage.prepared.plan.site
        self.programs.start(self._called(name), *exporter(name, site, self.broker, ports, self.programs.folder))

    def kill(self, name: str) -> None:
        """Ends a program at once."""
        self.programs.kill(self._called(name))

    def send(self, task: str, *args: object, queue: str = "celery", times: int = 1) -> None:
        """Sends a task to its own database."""
        from celery import Celery  # type: ignore[import-untyped]

        app = Celery("sender", broker=self.broker, set_as_current=False)
        app.conf.task_send_sent_event = True
        with app.connection_for_write() as connection:
            for _ in range(times):
                app.send_task(task, args, queue=queue, connection=connection)

    def doctor(self, prometheus: str, alertmanager: str) -> list[str]:
        """What `stackgen doctor` says of this stack."""
        found = examine(self.stage.prepared.plan, Asked(prometheus=prometheus, alertmanager=alertmanager))
        return [f"{self.environment}: {one.rule}: {one.what}" for one in found]

    def _called(self, name: str) -> str:
        return f"{name} {self.environment}"


def run(folder: Path) -> int:
    """The exit code: 0 when each fault was told for its own stack and nothing else was told."""
    programs = Programs(folder)
    names = [f"{name} {environment}" for environment in DATABASES for name in ("exporter", "redis-exporter")]
    names += ["redis", "prometheus", "alertmanager", "hook"]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    sides = {name: Side(name, programs, ports, _generated(folder, name, ports)) for name in DATABASES}
    began = time.monotonic()
    try:
        with listening(ports["hook"]) as inbox:
            _start(programs, sides, ports, folder)
            say(f"two: all runs after {time.monotonic() - began:.0f} s, logs in {folder}")
            wrong = list(_prove(sides, ports, inbox))
    finally:
        programs.kill_all()
    print(*wrong, sep="\n")
    print(f"two: {len(wrong)} findings")
    return 1 if wrong else 0


def _generated(folder: Path, environment: str, ports: Mapping[str, int]) -> pipeline.Stage:
    values = {"DATABASE": DATABASES[environment], "HOOK": ports["hook"], "ENVIRONMENT": environment}
    values |= {name: ports[f"{program} {environment}"] for name, program in _PORTS.items()}
    text = STACK.read_text()
    for name, value in values.items():
        text = text.replace(name, str(value))
    (folder / f"{environment}.yaml").write_text(text)
    stage, _ = pipeline.generate(folder / f"{environment}.yaml", folder / environment)
    return stage


_PORTS = {"REDIS_EXPORTER": "redis-exporter", "EXPORTER": "exporter"}


def _start(programs: Programs, sides: Mapping[str, Side], ports: Mapping[str, int], folder: Path) -> None:
    brokers.start("redis", programs, ports)
    for side in sides.values():
        side.start_worker()
        for name in ("exporter", "redis-exporter"):
            side.start_exporter(name)
            called = f"{name} {side.environment}"
            programs.wait(called, partial(answers, f"{_url(called, ports)}/metrics"))
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(_merged(folder)))
    command = [*in_its_tree(TOOLS / "v3", folder), program("v3", "prometheus-alertmanager")]
    command += [f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/alertmanager"]
    listen = f"--web.listen-address={LOOPBACK}:{ports['alertmanager']}"
    programs.start("alertmanager", [*command, listen, "--cluster.listen-address="])
    (folder / "prometheus.yml").write_text(yaml.safe_dump(_prometheus(folder, ports)))
    command = [program("v3", "prometheus"), f"--config.file={folder}/prometheus.yml"]
    command += [f"--storage.tsdb.path={folder}/tsdb", f"--web.listen-address={LOOPBACK}:{ports['prometheus']}"]
    programs.start("prometheus", command)
    for name in ("alertmanager", "prometheus"):
        programs.wait(name, partial(answers, f"{_url(name, ports)}/-/ready"))


def _url(name: str, ports: Mapping[str, int]) -> str:
    return f"http://{LOOPBACK}:{ports[name]}"


def _prometheus(folder: Path, ports: Mapping[str, int]) -> dict[str, object]:
    """That of others: it names the files that were generated, and nothing of ours besides."""
    return {
        "global": {"scrape_interval": "10s", "scrape_timeout": "10s", "evaluation_interval": "10s"},
        "rule_files": [f"{folder}/{name}/prometheus/rules/*.yml" for name in DATABASES],
        "scrape_config_files": [f"{folder}/{name}/prometheus/scrape.yml" for name in DATABASES],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"{LOOPBACK}:{ports['alertmanager']}"]}]}]},
    }


def _merged(folder: Path) -> dict[str, Any]:
    """Alertmanager's configuration: a root that tells nobody, and the subtrees of both."""
    merged: dict[str, Any] = {"route": {"receiver": "nobody", "routes": []}, "receivers": [{"name": "nobody"}]}
    for name in DATABASES:
        own = yaml.safe_load((folder / name / "alertmanager/subtree.yml").read_text())
        merged["route"]["routes"] += own["route"]["routes"]
        for key in ("receivers", "inhibit_rules", "time_intervals"):
            merged[key] = [*merged.get(key, []), *own.get(key, [])]
    return merged


def _prove(sides: Mapping[str, Side], ports: Mapping[str, int], inbox: Inbox) -> Iterator[str]:
    """What went wrong."""
    production, staging = sides["production"], sides["staging"]
    for side in sides.values():
        side.send("live.fine", times=5)
        side.send("live.flaky", True)
        side.send("live.flaky", False, times=20)
    watched = frozenset((WATCHDOG, name) for name in sides)
    yield from _waited("each stack's watchdog is told", watched, inbox, 0.0)
    began = time.monotonic()
    time.sleep(_QUIET_SECONDS)
    yield from (f"all is well, and told: {one}" for one in _others(inbox.since(began), frozenset()))
    for side in sides.values():
        yield from side.doctor(_url("prometheus", ports), _url("alertmanager", ports))

    began = time.monotonic()
    production.kill("exporter")
    staging.send("live.slow", 1.0, queue="bulk", times=120)
    told = frozenset({("CeleryExporterDown", "production"), ("CeleryQueueBacklog", "staging")})
    yield from _waited("production's exporter is down, staging has a backlog", told, inbox, began)
    production.start_exporter("exporter")
    yield from _ended(told, told, inbox, began)

    began = time.monotonic()
    staging.kill("worker")
    told = frozenset({("CeleryNoWorkersRunning", "staging"), ("CeleryHighFailureRate", "production")})
    failing = partial(production.send, "live.flaky", True, times=3)
    yield from _waited("staging's worker is lost, production's tasks fail", told, inbox, began, failing)
    staging.start_worker()
    # The failures stay in their window of ten minutes.
    yield from _ended(told - {("CeleryHighFailureRate", "production")}, told, inbox, began)


def _waited(
    what: str, told: Told, inbox: Inbox, began: float, meanwhile: Callable[[], None] | None = None
) -> Iterator[str]:
    """What is not told in time, and what else is."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not told <= _of(inbox.since(began), firing=True) and time.monotonic() < end:
        time.sleep(1)
        if meanwhile:
            meanwhile()
    found = inbox.since(began)
    say(f"  {what}: {time.monotonic() - (began or end - _PATIENCE_SECONDS):.0f} s")
    yield from (f"{what}: not told: {alert} for {name}" for alert, name in sorted(told - _of(found, firing=True)))
    yield from (f"{what}: also told: {one}" for one in _others(found, told))


def _ended(mended: Told, told: Told, inbox: Inbox, began: float) -> Iterator[str]:
    """What is mended and does not end in time, and what is told besides `told`."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while (left := _firing(inbox) & mended) and time.monotonic() < end:
        time.sleep(1)
    yield from (f"does not end: {alert} for {name}" for alert, name in sorted(left))
    yield from (f"also told: {one}" for one in _others(inbox.since(began), told))


def _of(news: list[News], *, firing: bool) -> Told:
    return frozenset((one.labels["alertname"], one.labels["environment"]) for one in news if one.firing is firing)


def _firing(inbox: Inbox) -> Told:
    return frozenset((labels["alertname"], labels["environment"]) for labels in inbox.firing())


def _others(news: list[News], told: Told) -> list[str]:
    """What nobody expects, with its environment."""
    found = (one for one in news if one.firing and one.labels["alertname"] != WATCHDOG)
    return [
        f"{one} for {one.labels['environment']}"
        for one in found
        if (one.labels["alertname"], one.labels["environment"]) not in told
    ]
