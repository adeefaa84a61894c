"""Real beats with the generated celery_monitoring.py: a project with a schedule, and each scheduler that keeps it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.app.cluster import Samples, fetch, parsed, until
from tests.app.workers import celery, write_module
from tests.flower.redis_server import free_port

PROJECT = """\
import os
from celery import Celery
from celery.schedules import crontab
app = Celery("proj", broker=os.environ["BROKER"], set_as_current=True)
app.conf.redbeat_redis_url = os.environ["BROKER"]
app.conf.redbeat_lock_timeout = 20
app.conf.beat_max_loop_interval = 2
app.conf.broker_transport_options = {"max_retries": 0, "socket_timeout": 60}
app.conf.beat_schedule = {
    "tick": {"task": "proj.tick", "schedule": 1.0},
    "report": {"task": "proj.report", "schedule": crontab(minute=0, hour=7, day_of_week="mon-fri")},
    "refused": {"task": "proj.refused", "schedule": 2.0, "options": {"serializer": "unheard-of"}},
}
from celery_monitoring import setup
setup(app)
"""
SETTINGS = """\
from pathlib import Path
SECRET_KEY = "of a test"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django_celery_beat"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).with_name("db.sqlite3")}}
"""
SCHEDULERS: Mapping[str, tuple[str, ...]] = {
    "file": (),
    "django": ("-S", "django_celery_beat.schedulers:DatabaseScheduler"),
    "redbeat": ("-S", "redbeat.RedBeatScheduler"),
}
"""Options of `celery beat`, by what keeps the schedule."""


@dataclass(frozen=True)
class Beat:
    """A beat that answers."""

    process: subprocess.Popen[bytes]
    port: int

    def get(self, path: str = "/metrics") -> tuple[int, str]:
        """Status and body of an answer."""
        return fetch(f"http://127.0.0.1:{self.port}{path}")

    def samples(self) -> Samples:
        """What a scrape shows now."""
        return parsed(self.get()[1])

    def of(self, name: str) -> dict[str, float]:
        """A metric of the entries, by their names."""
        return {dict(labels)["entry"]: value for (one, labels), value in self.samples().items() if one == name}

    def wait(self, name: str, entry: str, least: float) -> None:
        """Returns when the metric of an entry is at least so large."""
        until(lambda: self.of(name).get(entry, -1) >= least, lambda: self.get()[1])


def write_beat(folder: Path, more: str = "") -> None:
    """Writes the project, and Django's database."""
    write_module(folder, "{}\nsources: [celery-exporter, beat]")
    (folder / "proj.py").write_text(PROJECT + more, encoding="utf-8")
    (folder / "settings.py").write_text(SETTINGS, encoding="utf-8")


def django(folder: Path, *command: str) -> None:
    """Runs Python in the project, with Django's settings."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(folder)}
    subprocess.run([sys.executable, *command], cwd=folder, env=environment, check=True, timeout=180)


@contextmanager
def beat(folder: Path, broker: str, kept: str = "file", *, ticks: bool = True) -> Iterator[Beat]:
    """A beat that has ticked; or one that answers, and need not have."""
    if kept == "django" and not (folder / "db.sqlite3").exists():
        django(folder, "-m", "django", "migrate", "-v", "0")
    port = free_port()
    known = {"CELERY_BEAT_METRICS_PORT": str(port), "DJANGO_SETTINGS_MODULE": "settings"}
    with celery(folder, broker, "beat", "--pidfile=", *SCHEDULERS[kept], **known) as process:
        one = Beat(process, port)
        ticked = ("celery_beat_tick_late_seconds", frozenset[tuple[str, str]]())
        until(lambda: ticked in one.samples() or not ticks, lambda: (folder / "out.txt").read_text()[-3000:])
        yield one
