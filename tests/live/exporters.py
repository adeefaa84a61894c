"""How the exporters of the live proof are started: each with what was generated for it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from stackgen.catalog.site import Site
from stackgen.catalog.sources import celery_exporter_launch, redis
from tests.live.brokers import PASSWORD, WATCHER, program
from tests.live.processes import LOOPBACK

_DEAF = """
import os, time
from celery.events.receiver import EventReceiver
heard = EventReceiver.process
def process(*arguments):
    while os.path.exists({file!r}):
        time.sleep(0.2)
    return heard(*arguments)
EventReceiver.process = process
"""
"""The thread that receives events stands still while a file is there; the web server goes on."""

DEAF = "deaf"
"""A file in the run's folder: while it is there celery-exporter hears no event."""

Started = tuple[Sequence[str], Mapping[str, str]]
"""A command line, and what it needs in its environment."""


def exporter(name: str, site: Site, broker: str, ports: Mapping[str, int], folder: Path) -> Started:
    """Command line and environment of an exporter."""
    match name:
        case "exporter":
            flags = celery_exporter_launch.launch(site, "0.12.2").command
            before = _DEAF.format(file=str(folder / DEAF))
            return celery_exporter_command(ports[name], *flags, before=before), {"CE_BROKER_URL": broker}
        case "redis-exporter":
            flags = redis.launch(site, next(iter(redis.SOURCE.versions))).command
            listen = f"--web.listen-address={LOOPBACK}:{ports[name]}"
            way = {"REDIS_ADDR": broker, "REDIS_USER": WATCHER, "REDIS_PASSWORD": PASSWORD}
            return [program("redis-exporter", "prometheus-redis-exporter"), *flags, listen], way
        case "flower":
            config = f"--conf={folder}/output/flower/config.py"
            return [sys.executable, "-m", "celery", "flower", config], {"CELERY_BROKER_URL": broker}
        case "probe":
            listen_at = ("--host", LOOPBACK, "--port", str(ports[name]), "--interval", "5")
            return module(folder, broker.replace("guest:guest@", f"{WATCHER}:{PASSWORD}@"), "exporter", *listen_at)
        case "beat":
            return beat(folder, broker, ports[name])
        case _:
            raise KeyError(name)


SCHEDULERS: Mapping[str, tuple[str, ...]] = {
    "file": (),
    "django": ("-S", "django_celery_beat.schedulers:DatabaseScheduler"),
    "redbeat": ("-S", "redbeat.RedBeatScheduler"),
}
"""Options of `celery beat`, by what keeps the schedule."""


def beat(folder: Path, broker: str, port: int, kept: str = "file", tick: float = 2.0) -> Started:
    """A beat that sends its quickest entry every `tick` seconds; each has a file of its own."""
    command = [sys.executable, "-m", "celery", "-A", "tests.live.app", "beat", "--pidfile=", "-l", "WARNING"]
    environment = {
        "LIVE_BROKER_URL": broker,
        "LIVE_MODULE": f"{folder}/output/celery",
        "LIVE_TICK": str(tick),
        "LIVE_FILES": str(folder),
        "CELERY_BEAT_METRICS_PORT": str(port),
        "PYTHONPATH": str(folder),
    }
    if kept == "django":
        environment["DJANGO_SETTINGS_MODULE"] = "live_settings"
    return [*command, *(SCHEDULERS[kept] or ("-s", f"{folder}/beat-{port}"))], environment


def celery_exporter_command(port: int, *flags: str, before: str = "") -> list[str]:
    """danihodovic/celery-exporter with these flags; `before` is Python that runs first."""
    start = f"{before}from src.cli import cli; cli(auto_envvar_prefix='CE')"
    where = (f"--host={LOOPBACK}", f"--port={port}")
    return [program("celery-exporter", "python"), "-c", start, *flags, *where]


def module(folder: Path, broker: str, *arguments: str) -> Started:
    """`python -m celery_monitoring`, the file that was generated for this run."""
    environment = {"PYTHONPATH": f"{folder}/output/celery", "LIVE_BROKER_URL": broker}
    return [sys.executable, "-m", "celery_monitoring", *arguments], environment
