"""Faults planted in the running system, one beside the other, and what the doctor says of each."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from stackgen.catalog.series import QUEUE_WORKERS
from stackgen.catalog.sources import celery_exporter_launch
from stackgen.doctor.finding import Finding
from tests.live.cluster import WORKERS, Cluster
from tests.live.exporters import celery_exporter_command

_PATIENCE_SECONDS = 180.0
_AHEAD = "import time; right = time.time; time.time = lambda: right() + 30; "
"""A program with a clock that is half a minute ahead."""


@dataclass(frozen=True)
class Fault:
    """What was planted, and how the doctor names it."""

    name: str
    rule: str
    word: str = ""

    def is_in(self, found: list[Finding]) -> str:
        """What the doctor says of it; "" when it says nothing."""
        return next((f"{one.rule}: {one.what}" for one in found if one.rule == self.rule and self.word in one.what), "")


ON_REDIS = (
    Fault("a worker without events", "events-off"),
    Fault("a second exporter", "two-exporters", "old-exporter"),
    Fault("a queue that stack.yaml does not name", "unknown-queue", "forgotten"),
    Fault("a threshold changed by hand", "rules-differ", "CeleryQueueBacklog"),
    Fault("a recording rule deleted", "series-missing", QUEUE_WORKERS.name),
    Fault("secrets that everybody reads", "secret-file", "every user"),
    Fault("a clock 30 s ahead", "clock-skew", "s ahead"),
)
WITH_EVENTS = (Fault("senders without task_send_sent_event", "sent-events-off"),)
ON_RABBITMQ = (
    Fault("a queue that stack.yaml does not name", "unknown-queue", "forgotten"),
    Fault("a wrong password", "unreachable", "it refuses"),
)


def examined(cluster: Cluster) -> dict[str, str]:
    """By fault: what the doctor says; "" when it does not see it."""
    if cluster.kind == "rabbitmq":
        return _waited_for(cluster, ON_RABBITMQ, cluster.broker.replace("guest@", "wrong@"))
    _plant(cluster)
    found = _waited_for(cluster, ON_REDIS)
    cluster.programs.kill(WORKERS[0])
    cluster.start_worker(WORKERS[0])
    _start_exporter(cluster, "exporter", *_flags(cluster))
    cluster.sent_events(on=False)
    return found | _waited_for(cluster, WITH_EVENTS)


def _plant(cluster: Cluster) -> None:
    for name in (*WORKERS, "flower"):  # Flower would tell the worker to send events
        cluster.programs.kill(name)
    cluster.start_worker(WORKERS[0], events=False)
    _start_exporter(cluster, "exporter", *_flags(cluster), before=_AHEAD)
    _start_exporter(cluster, "second exporter", *_flags(cluster))
    _configuration(cluster)
    (cluster.folder / ".secrets").chmod(0o755)


def _flags(cluster: Cluster) -> tuple[str, ...]:
    return celery_exporter_launch.launch(cluster.stage.prepared.plan.site, "0.12.2").command


def _start_exporter(cluster: Cluster, name: str, *flags: str, before: str = "") -> None:
    if name in cluster.programs.running:
        cluster.programs.kill(name)
    command = celery_exporter_command(cluster.ports[name], *flags, before=before)
    cluster.programs.start(name, command, {"CE_BROKER_URL": cluster.broker})


def _configuration(cluster: Cluster) -> None:
    """A threshold and a rule edited by hand, and the second exporter scraped."""
    folder = cluster.folder / "output/prometheus"
    (path,) = folder.glob("rules/celery-queues-*.yml")
    rules = yaml.safe_load(path.read_text())
    for group in rules["groups"]:
        group["rules"] = [rule for rule in group["rules"] if rule.get("record") != QUEUE_WORKERS.name]
        for rule in group["rules"]:
            if rule.get("alert") == "CeleryQueueBacklog":
                rule["for"] = "1h"
    path.write_text(yaml.safe_dump(rules))
    settings = yaml.safe_load((folder / "prometheus.yml").read_text())
    target = f"127.0.0.1:{cluster.ports['second exporter']}"
    settings["scrape_configs"].append({"job_name": "old-exporter", "static_configs": [{"targets": [target]}]})
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    cluster.programs.running["prometheus"].send_signal(signal.SIGHUP)


def _waited_for(cluster: Cluster, faults: tuple[Fault, ...], broker: str = "") -> dict[str, str]:
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        for queue in ("celery", "forgotten"):
            cluster.send("live.fine", queue=queue)
        found = cluster.examined(broker)
        said = {fault.name: fault.is_in(found) for fault in faults}
        if all(said.values()) or time.monotonic() > end:
            return said
        time.sleep(1)


def table(found: Mapping[str, str]) -> str:
    """Planted faults and what the doctor says, as plain text."""
    width = max(map(len, found))
    lines = [("PLANTED", "THE DOCTOR SAYS"), *((name, words or "nothing") for name, words in found.items())]
    return "\n" + "\n".join(f"{name.ljust(width)}  {words[:110]}" for name, words in lines)
