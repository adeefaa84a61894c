"""What happens to beat, to its schedule, and to what it sends: nothing raises an error, and each must be told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from stackgen.catalog.series_schedule import ENTRY_DUE
from tests.live import acts
from tests.live.brokers import Kind
from tests.live.cluster import BEATS, Cluster
from tests.live.exporters import beat
from tests.live.processes import answers
from tests.live.scenarios import BUSY, QUIET, Expected, Scenario
from tests.live.seen import value

_HOUR = 3600.0
_IN = f'{ENTRY_DUE.name}{{entry="tick"}} - time()'
"""In how many seconds the entry is due."""
_CHANGED_SECONDS = 40
"""When a schedule changes, after another scheduler has begun."""
_BLOCKING = tuple(f"blocking-{n}" for n in range(3))
_SETTINGS = """\
SECRET_KEY = "of a test"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django_celery_beat"]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "{folder}/db.sqlite3"}}}}
"""
_HOURLY = """\
import django; django.setup()
from django_celery_beat.models import IntervalSchedule, PeriodicTask
row = PeriodicTask.objects.get(name="tick")
row.interval, _ = IntervalSchedule.objects.get_or_create(every=1, period="hours")
row.save()
"""


def _start(cluster: Cluster, name: str, **options: Any) -> None:
    if name in cluster.programs.running:
        cluster.programs.kill(name)
    cluster.programs.start(name, *beat(cluster.folder, cluster.broker, cluster.ports[name], **options))


def _again(cluster: Cluster, second: int) -> None:
    del second
    _start(cluster, "beat")


def _pauses(*, on: bool) -> acts.Act:
    return lambda cluster, second: cluster.programs.pause("beat", on=on)


def _twice(cluster: Cluster, second: int) -> None:
    del second
    _start(cluster, "second beat")
    cluster.programs.wait("second beat", lambda: answers(f"http://127.0.0.1:{cluster.ports['second beat']}/metrics"))
    cluster.scrape_beats(*BEATS)


def _once(cluster: Cluster, second: int) -> None:
    del second
    cluster.programs.kill("second beat")
    cluster.scrape_beats(BEATS[0])


def _blocks(cluster: Cluster, second: int) -> None:
    """Every process of the one worker of the lane has a task that does not end."""
    del second
    for one in _BLOCKING:
        cluster.send("live.slow", 600, queue="lane", task_id=one)


def _django(cluster: Cluster, *command: str) -> None:
    (cluster.folder / "live_settings.py").write_text(_SETTINGS.format(folder=cluster.folder))
    _, environment = beat(cluster.folder, cluster.broker, cluster.ports["beat"], "django")
    subprocess.run([sys.executable, *command], env={**os.environ, **environment}, check=True, timeout=300)


def _with(kept: str) -> acts.Act:
    """The same schedule, kept by another scheduler."""

    def act(cluster: Cluster, second: int) -> None:
        del second
        if kept == "django":
            _django(cluster, "-m", "django", "migrate", "-v", "0")
        _start(cluster, "beat", kept=kept)

    return act


def _hourly(kept: str) -> acts.Act:
    """From now on an entry that was sent every other second is sent once an hour."""

    def act(cluster: Cluster, second: int) -> None:
        if second != _CHANGED_SECONDS:
            return
        if kept == "file":
            _start(cluster, "beat", tick=_HOUR)
        elif kept == "django":
            _django(cluster, "-c", _HOURLY)
        else:
            from celery.schedules import schedule  # type: ignore[import-untyped]
            from redbeat import RedBeatSchedulerEntry  # type: ignore[import-untyped]

            entry = RedBeatSchedulerEntry.from_key("redbeat:tick", app=cluster.app)
            entry.schedule = schedule(timedelta(seconds=_HOUR), app=cluster.app)
            entry.save()

    return act


def _that_it_is_hourly(cluster: Cluster) -> str:
    due = value(cluster, _IN)
    return "" if due is not None and due > _HOUR / 2 else f"the entry that is hourly now is due in {due} s"


def _changes(kept: str) -> Scenario:
    return Scenario(
        name=f"a schedule changes at run time, kept by {kept}",
        expected=(),
        breaks=_with(kept),
        keeps=_hourly(kept),
        mends=_again,
        sees=_that_it_is_hourly,
        shows=_IN,
        stays=120,
    )


MISSED = Scenario(
    name="an entry is missed",
    expected=(Expected("CeleryScheduleMissed", "warning", {"entry": "routed"}),),
    breaks=acts.touch("refuses"),
    mends=acts.remove("refuses"),
)


def _waits(queue: str) -> Expected:
    return Expected("CeleryOldestTaskWaits", "warning", {"queue": queue})


BLOCKED = Scenario(
    name="an entry's queue is blocked",
    expected=(Expected("CeleryTaskOverdue", "warning", {"task": "live.ticking"}), _waits("lane")),
    breaks=_blocks,
    mends=acts.revoke(*_BLOCKING),
)
FLOODED = Scenario(
    name="a producer floods a queue",
    expected=(Expected("CeleryQueueBacklog", "critical", {"queue": "bulk"}),),
    also=(Expected("CeleryQueueBacklog", "warning", {"queue": "bulk"}), _waits("bulk")),
    breaks=acts.send("live.slow", 0.5, times=2000, queue="bulk"),
    mends=acts.purge("bulk"),
)
TWICE = Scenario(
    name="two beats",
    expected=(Expected("CeleryBeatTwice", "warning"),),
    breaks=_twice,
    mends=_once,
)
KILLED = Scenario(
    name="beat is killed",
    expected=(Expected("CeleryBeatDown", "critical"),),
    breaks=acts.kill("beat"),
    mends=_again,
)
STOPPED = Scenario(
    name="beat stands still",
    expected=(Expected("CeleryBeatDown", "critical"),),
    breaks=_pauses(on=True),
    mends=_pauses(on=False),
)


_FIRST = ((MISSED, BLOCKED, FLOODED, TWICE), (KILLED,), (STOPPED,))
_HEALTHY = ((BUSY,), (replace(QUIET, name="a quiet hour but for beat"),))

BATCHES: Mapping[Kind, tuple[tuple[Scenario, ...], ...]] = {
    "redis": (*_FIRST, *((_changes(kept),) for kept in ("file", "django", "redbeat")), *_HEALTHY),
    "rabbitmq": (*_FIRST, *((_changes(kept),) for kept in ("file", "django")), *_HEALTHY),
}
"""By broker: what happens side by side, and one after the other. RedBeat keeps its schedule in Redis."""
