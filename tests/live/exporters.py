"""How the exporters of the live proof are started: each with what was generated for it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from stackgen.catalog.site import Site
from stackgen.catalog.sources import celery_exporter_launch, redis
from tests.live.brokers import Kind, program
from tests.live.processes import LOOPBACK

EXPORTERS: Mapping[Kind, tuple[str, ...]] = {
    "redis": ("exporter", "redis-exporter", "flower"),
    "rabbitmq": ("probe",),
}
"""Besides the workers, which are sources themselves, and RabbitMQ, which is one too."""

Started = tuple[Sequence[str], Mapping[str, str]]
"""A command line, and what it needs in its environment."""


def exporter(name: str, site: Site, broker: str, ports: Mapping[str, int], folder: Path) -> Started:
    """Command line and environment of an exporter."""
    match name:
        case "exporter":
            flags = celery_exporter_launch.launch(site, "0.12.2").command
            return celery_exporter_command(ports[name], *flags), {"CE_BROKER_URL": broker}
        case "redis-exporter":
            flags = redis.launch(site, next(iter(redis.SOURCE.versions))).command
            listen = f"--web.listen-address={LOOPBACK}:{ports[name]}"
            return [program("redis-exporter", "prometheus-redis-exporter"), *flags, listen], {"REDIS_ADDR": broker}
        case "flower":
            config = f"--conf={folder}/output/flower/config.py"
            return [sys.executable, "-m", "celery", "flower", config], {"CELERY_BROKER_URL": broker}
        case "probe":
            listen_at = ("--host", LOOPBACK, "--port", str(ports[name]), "--interval", "5")
            return module(folder, broker, "exporter", *listen_at)
        case _:
            raise KeyError(name)


def celery_exporter_command(port: int, *flags: str, before: str = "") -> list[str]:
    """danihodovic/celery-exporter with these flags; `before` is Python that runs first."""
    start = f"{before}from src.cli import cli; cli(auto_envvar_prefix='CE')"
    where = (f"--host={LOOPBACK}", f"--port={port}")
    return [program("celery-exporter", "python"), "-c", start, *flags, *where]


def module(folder: Path, broker: str, *arguments: str) -> Started:
    """`python -m celery_monitoring`, the file that was generated for this run."""
    environment = {"PYTHONPATH": f"{folder}/output/celery", "LIVE_BROKER_URL": broker}
    return [sys.executable, "-m", "celery_monitoring", *arguments], environment
