"""Flower's /metrics: task events and workers, no queues. Flower is the web interface; its metrics are a fallback.

Facts: scrapes of Flower 2.2.0 (tests/scrapes/flower-*.prom).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from pathlib import PurePosixPath

from stackgen.catalog import facts
from stackgen.catalog.corner import NO_CLUSTER
from stackgen.catalog.counting import grown, increase, per_replica
from stackgen.catalog.images import Image, by_version
from stackgen.catalog.launch import HttpHealth, Launch, Limits, Mount, Secret, Variable
from stackgen.catalog.series import (
    FINAL,
    STATES,
    TASK_DURATION_BUCKET,
    TASK_DURATION_SUM,
    TASKS,
    TASKS_NEW,
    WORKERS_ACTIVE,
)
from stackgen.catalog.site import Fact, Site
from stackgen.catalog.source import FILLED_IN, Metric, Reading, RecordingRule, Source, base_labels, counter
from stackgen.catalog.timeline import Gauge, Input, Segment

JOB = "flower"
CONFIG = "/etc/flower/config.py"
"""Where Flower's container finds its settings."""
PURGE = 60
"""Seconds after its last heartbeat when Flower forgets a worker; without it a killed worker stays online for ever."""
_JOB = f'job="{JOB}"'
_SEEN = "a public deployment that pins it; its docker.yml pushes every release, and PyPI has this one"
_TYPES = dict(zip(STATES, ("succeeded", "failed", "retried", "revoked", "rejected"), strict=True))

EVENTS = Metric(
    name="flower_events_total", type="counter", labels=("worker", "type", "task"), born="first value", lifetime=PURGE
)
RUNTIME = Metric(
    name="flower_task_runtime_seconds",
    type="histogram",
    labels=("worker", "task"),
    born="first value",
    lifetime=PURGE,
)
ONLINE = Metric(name="flower_worker_online", type="gauge", labels=("worker",), lifetime=PURGE)

_EVENTS: dict[Fact, str] = {"events_off": "the workers send no events (celery.events is false)"}
_NO_QUEUE = "which queue a task came from"
_FAILED = "how long tasks took that did not succeed"


def _matchers(state: str, site: Site) -> tuple[str, ...]:
    return (_JOB, f'type="task-{_TYPES[state]}"', site.task_matcher("task"))


def _by_state(growth: Callable[[str], str], states: Iterable[str]) -> tuple[RecordingRule, ...]:
    return tuple(RecordingRule(per_replica(growth(state), {"task": "task"}), {"state": state}) for state in states)


def _tasks(site: Site) -> tuple[RecordingRule, ...]:
    return _by_state(
        lambda state: increase(EVENTS.name, _matchers(state, site), site, "first value", TASKS.window), STATES
    )


def _tasks_new(site: Site) -> tuple[RecordingRule, ...]:
    return _by_state(lambda state: grown(EVENTS.name, _matchers(state, site), site), FINAL)


def _labels(canonical: Mapping[str, str]) -> dict[str, str]:
    labels = {"worker": "w1@host1", "task": canonical.get("task", FILLED_IN["task"])}
    if "state" in canonical:
        labels["type"] = f"task-{_TYPES[canonical['state']]}"
    return labels | ({"le": canonical["le"]} if "le" in canonical else {})


def _runtime(site: Site, part: str, names: Mapping[str, str]) -> tuple[RecordingRule, ...]:
    matchers = (_JOB, site.task_matcher("task"))
    return (RecordingRule(per_replica(increase(f"{RUNTIME.name}_{part}", matchers, site, "first value"), names)),)


def online(site: Site) -> str:
    """Workers whose heartbeats Flower hears; nothing where it hears none."""
    return f"max(count by (instance) (last_over_time({ONLINE.name}{{{_JOB}}}[{site.bridge}]) == 1))"


def started_labels(canonical: Mapping[str, str]) -> dict[str, str]:
    """The labels of the event that a task began."""
    return {**_labels(canonical), "type": "task-started"}


def _workers_stimulus(
    site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int
) -> list[Input]:
    del canonical, step
    most = max((int(s.amount) for s in segments if s.amount is not None), default=0)
    return [
        Gauge(
            ONLINE.name,
            {**base_labels(JOB, site), "worker": f"w{n}@host{n}"},
            tuple(s if s.amount is None else s._replace(amount=Fraction(int(n < s.amount))) for s in segments),
        )
        for n in range(most)
    ]


def _found(site: Site) -> dict[str, str]:
    """Where Celery finds celeryconfig.py, which is there when the broker's address alone does not say enough."""
    return {"PYTHONPATH": str(PurePosixPath(CONFIG).parent)} if site.corner.is_special else {}


def launch(site: Site, version: str) -> Launch:
    """Flower's command line; its settings, the buckets of its histogram among them, are in flower/config.py."""
    flower = site.flower
    users, name = flower.users_file, flower.users_env
    login = {name: Variable(name, "user:password, several with commas")} if name else {}
    return Launch(
        image=SOURCE.versions[version],
        user="1000:1000",
        port=flower.port,
        why="Shows tasks and workers live, and can stop them; /metrics has no password. Publish only behind a proxy.",
        command=("celery", "flower", f"--conf={CONFIG}"),
        environment={"CELERY_BROKER_URL": site.broker_url, **login, **_found(site)},
        mounts=(
            Mount("bind", "./flower", str(PurePosixPath(CONFIG).parent)),
            Mount("volume", "flower", flower.folder, read_only=False),
        ),
        secrets=(
            *((Secret.at(users, "users", "Flower's users, one user:password per line"),) if users else ()),
            *site.broker_secrets,
        ),
        networks=("frontend", "backend", "broker"),
        health=HttpHealth(f"{flower.url_prefix}/healthcheck", "python"),
        web="flower",
        limits=Limits("0.5", "512M"),
    )


SOURCE = Source(
    id="flower",
    title="Flower's metrics",
    job=JOB,
    target="flower:5555",
    link="https://flower.readthedocs.io/en/latest/prometheus-integration.html",
    metrics=(EVENTS, RUNTIME, ONLINE),
    readings=(
        Reading(
            series=WORKERS_ACTIVE,
            uses=(ONLINE,),
            rules=facts.judged(facts.WORKERS, online),
            stimulus=_workers_stimulus,
            survives=True,
            late=PURGE,
        ),
        facts.starting(EVENTS, _EVENTS),
        Reading(
            series=TASKS,
            uses=(EVENTS,),
            rules=_tasks,
            stimulus=counter(JOB, EVENTS.name, _labels),
            spoiled_by=_EVENTS,
            misses=(_NO_QUEUE,),
        ),
        Reading(
            series=TASKS_NEW,
            uses=(EVENTS,),
            rules=_tasks_new,
            stimulus=counter(JOB, EVENTS.name, _labels),
            spoiled_by=_EVENTS,
        ),
        Reading(
            series=TASK_DURATION_BUCKET,
            uses=(RUNTIME,),
            rules=lambda site: _runtime(site, "bucket", {"task": "task", "le": "le"}),
            stimulus=counter(JOB, f"{RUNTIME.name}_bucket", _labels),
            spoiled_by=_EVENTS,
            misses=(_FAILED, _NO_QUEUE),
        ),
        Reading(
            series=TASK_DURATION_SUM,
            uses=(RUNTIME,),
            rules=lambda site: _runtime(site, "sum", {"task": "task"}),
            stimulus=counter(JOB, f"{RUNTIME.name}_sum", _labels),
            spoiled_by=_EVENTS,
            misses=(_FAILED, _NO_QUEUE),
        ),
    ),
    taken=((EVENTS.name, 'type=~"task-received|task-started"'),),
    versions=by_version(
        # 2.0.1 does not start again after being killed while it saved. Docker Hub could not be asked for 2.2.0.
        Image("flower", "2.2.0", "mher/flower", "2.2.0", "2026-11-28", _SEEN),
        Image("flower", "2.0.1", "mher/flower", "2.0.1", "2026-11-22", "known, not asked"),
    ),
    output="flower",
    cannot={"redis_cluster": NO_CLUSTER},
    advice="start Flower with the generated flower/config.py",
    launch=launch,
)
