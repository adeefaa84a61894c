"""`python -m tests.copies.live`: two real clusters behind one Prometheus; one loses its workers, then everything.

Names of queues, tasks, hosts and jobs are the same in both. Only alerts about the cluster that is broken may come.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from celery import Celery  # type: ignore[import-untyped]

from stackgen import pipeline
from tests.live import prepare
from tests.live.brokers import program
from tests.live.cluster import WORKERS, Cluster
from tests.live.processes import LOOPBACK, Failed, Programs, answers, free_ports
from tests.live.run import say

STACK = Path(__file__).with_name("live.stack.yaml")
CLUSTERS = ("eu", "us")
WORKER = WORKERS[0]
SCRAPED = {"celery-exporter": "exporter", "worker": WORKER, "redis": "redis-exporter"}
"""By source: the name of the program."""
PATIENCE = 600
"""Seconds in which an alert must come or go: heartbeats grow old in 60, missed scrapes are bridged for 90."""
_TOLD = 'ALERTS{alertstate="firing",severity!="info",cluster!=""}'


@dataclass(frozen=True)
class Both:
    """The two clusters, and the Prometheus that scrapes both."""

    programs: Programs
    port: int
    clusters: Mapping[str, Cluster]

    def start(self) -> None:
        """Everything, until it answers."""
        for cluster in self.clusters.values():
            cluster.start_broker()
            cluster.start_worker(WORKER)
            cluster.start_exporter("exporter")
            cluster.start_exporter("redis-exporter")
        self.scrape(CLUSTERS)
        for cluster in self.clusters.values():
            for name in SCRAPED.values():
                cluster.programs.wait(name, partial(answers, f"http://{LOOPBACK}:{cluster.ports[name]}/metrics"), 120)
        folder = self.programs.folder
        config = f"--config.file={folder}/output/prometheus/prometheus.yml"
        place = (f"--storage.tsdb.path={folder}/tsdb", f"--web.listen-address={LOOPBACK}:{self.port}")
        self.programs.start("prometheus", [program("v3", "prometheus"), config, *place])
        self.programs.wait("prometheus", partial(answers, f"http://{LOOPBACK}:{self.port}/-/ready"))

    def scrape(self, names: Iterable[str]) -> None:
        """Lets Prometheus find the targets of these clusters, and of no other."""
        for source, name in SCRAPED.items():
            targets = [
                {"targets": [f"{LOOPBACK}:{self.clusters[one].ports[name]}"], "labels": {"cluster": one}}
                for one in names
            ]
            new = self.programs.folder / f"{source}.new"
            new.write_text(json.dumps(targets))
            new.rename(self.programs.folder / f"{source}.json")

    def found(self, query: str, *by: str) -> set[tuple[str, ...]]:
        """The labels of what a query finds."""
        url = f"http://{LOOPBACK}:{self.port}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return {tuple(one["metric"].get(label, "") for label in by) for one in result}

    def until(self, what: str, done: Callable[[set[tuple[str, ...]]], bool], told_of: set[str]) -> None:
        """Works in both clusters until what fires is as it must be; no other cluster may ever be told of."""
        end = time.monotonic() + PATIENCE
        while not done(firing := self.found(_TOLD, "alertname", "cluster", "source")):
            if strange := {one for one in firing if one[1] not in told_of}:
                message = f"{what}: {sorted(strange)} is told"
                raise Failed(message)
            if time.monotonic() > end:
                message = f"{what}: not within {PATIENCE} s; told is {sorted(firing)}"
                raise Failed(message)
            for cluster in self.clusters.values():
                if "redis" in cluster.programs.running:
                    Celery("sender", broker=cluster.broker).send_task("live.fine", queue="celery", retry=False)
            time.sleep(3)
        say(f"{what}: {sorted({one[:2] for one in firing})}")

    def kill_all(self) -> None:
        """Ends everything."""
        for one in (self.programs, *(cluster.programs for cluster in self.clusters.values())):
            one.kill_all()


def prepared(folder: Path) -> Both:
    """Generates the configuration for free ports; nothing runs yet."""
    names = ("redis", *SCRAPED.values())
    (port, unused), each = free_ports(2), [free_ports(len(names)) for _ in CLUSTERS]
    stack = folder / "stack.yaml"
    stack.write_text(STACK.read_text().replace("/live/", f"{folder}/"))
    stage, _ = pipeline.generate(stack, folder / "output")
    prepare.move(folder, {"prometheus": port, "alertmanager": unused})
    clusters = {}
    for name, ports in zip(CLUSTERS, each, strict=True):
        (folder / name).mkdir()
        (folder / name / "output").symlink_to(folder / "output")
        clusters[name] = Cluster("redis", Programs(folder / name), dict(zip(names, ports, strict=True)), stage)
    return Both(Programs(folder), port, clusters)


def run(both: Both) -> None:
    """Breaks eu twice; raises Failed when its alerts do not come or do not go, or when us is told of."""
    both.start()
    counted = "celery:workers_active:count == 1 and celery:workers_active:count offset 30s == 1"
    both.until("both work", lambda firing: not firing and len(both.found(counted, "cluster")) == 2, {"eu", "us"})
    eu = both.clusters["eu"]
    eu.programs.kill(WORKER)
    both.until("eu lost its workers", lambda firing: ("CeleryNoWorkersRunning", "eu", "") in firing, {"eu"})
    eu.start_worker(WORKER)
    both.until("eu has them back", lambda firing: not firing, {"eu"})
    eu.programs.kill_all()
    both.scrape(["us"])
    gone = {("CeleryExporterDown", "eu", source) for source in ("celery-exporter", "redis")}
    both.until("nothing of eu is left", lambda firing: gone <= firing, {"eu"})


def main() -> int:
    """The exit code: 0 when only eu was told of."""
    with tempfile.TemporaryDirectory(prefix="stackgen-copies-") as folder:
        both = prepared(Path(folder))
        try:
            run(both)
        except Failed as error:
            say(f"failed: {error}")
            return 1
        finally:
            both.kill_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
