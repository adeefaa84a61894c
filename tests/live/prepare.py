"""What a run needs before anything is started: free ports, and everything that is generated for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from stackgen import pipeline
from stackgen.app.parts.resources import memory_limit
from tests.live.brokers import PORTS
from tests.live.chapters import Chapter
from tests.live.cluster import BEATS, HOARD_MEGABYTES, WORKERS, Cluster
from tests.live.processes import LOOPBACK, Programs, free_ports

STACK = Path(__file__).with_name("stack.yaml")
FIXED = {"prometheus": "localhost:9090", "alertmanager": "alertmanager:9093"}
"""Addresses that stack.yaml cannot move: written over in the generated prometheus.yml."""
_PORT = re.compile(r"\b29\d\d\d\b")
_NAMES = {
    "29808": "exporter",
    "29121": "redis-exporter",
    "29555": "flower",
    "29810": "probe",
    "29692": "rabbitmq-metrics",
    "29099": "hook",
    **{str(29801 + n): worker for n, worker in enumerate(WORKERS)},
}


def prepared(folder: Path, chapter: Chapter, *, short: bool = False) -> Cluster:
    """Generates the configuration for free ports; nothing runs yet."""
    names = tuple(dict.fromkeys((*_NAMES.values(), *PORTS[chapter.kind], *FIXED, "second exporter", *BEATS)))
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    stack = folder / "stack.yaml"
    stack.write_text(
        _PORT.sub(lambda m: str(ports[_NAMES[m[0]]]), _stack(chapter, short=short)).replace("/live/", f"{folder}/")
    )
    (folder / "users").write_text("live:proof\n")
    stage, _ = pipeline.generate(stack, folder / "output")
    pipeline.secret_files(stack, folder)
    move(folder, ports)
    cluster = Cluster(chapter.kind, Programs(folder), ports, stage, chapter.exporters)
    cluster.scrape_beats(BEATS[0])
    return cluster


def move(folder: Path, ports: Mapping[str, int]) -> None:
    """Writes the ports of Prometheus and Alertmanager over those in what was generated in the folder."""
    config = folder / "output/prometheus/prometheus.yml"
    text = config.read_text()
    for name, fixed in FIXED.items():
        text = text.replace(fixed, f"{LOOPBACK}:{ports[name]}")
    config.write_text(text)


def _stack(chapter: Chapter, *, short: bool) -> str:
    share = f"{HOARD_MEGABYTES * 2**20 / memory_limit():.2%}"
    text = STACK.read_text().replace("warning: 50%", f"warning: {share}")
    if short:  # none of its scenarios has a warning that must wait for the critical alert that mutes it
        text = text.replace("group_wait: 25s", "group_wait: 5s")
    written = yaml.safe_load(text)
    for name in chapter.otherwise:
        written |= yaml.safe_load(STACK.with_name(name).read_text())
    written["thresholds"] |= chapter.thresholds
    return text if not chapter.otherwise else yaml.safe_dump(written, sort_keys=False)
