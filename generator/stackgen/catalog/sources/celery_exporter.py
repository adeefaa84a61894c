"""danihodovic/celery-exporter: tasks, queues and workers from Celery's events, without a change to the application.

Facts: its source at tag v0.12.2 and the head of 2026-08-21, and scrapes of both under load, idle and broken
(tests/scrapes/). The package `celery-exporter` on PyPI is another program, dead since 2021.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from stackgen.catalog import facts, promql
from stackgen.catalog.corner import NO_CLUSTER
from stackgen.catalog.counting import increase, latest, per_replica
from stackgen.catalog.images import Image, by_version
from stackgen.catalog.launch import HttpHealth, Launch
from stackgen.catalog.series import (
    QUEUE_LENGTH,
    QUEUE_WORKERS,
    TASK_DURATION_BUCKET,
    TASK_DURATION_SUM,
    TASK_WAIT_BUCKET,
    TASKS,
    TASKS_STARTED,
    WINDOW,
    WORKERS_ACTIVE,
)
from stackgen.catalog.site import Fact, Site
from stackgen.catalog.source import FILLED_IN, Metric, Reading, RecordingRule, Source, base_labels, counter, gauge
from stackgen.catalog.timeline import Gauge, Input, Segment

JOB = "celery-exporter"
WORKER_TIMEOUT = 60
"""Seconds without heartbeat (Celery sends one every 2 s) after which we ask the exporter to call a worker down."""
PURGE = 600
"""Seconds after which the exporter drops all series of a worker that is down, its default."""

_IMAGE = "danihodovic/celery-exporter"
_JOB = f'job="{JOB}"'
_EVENT = ("name", "hostname", "queue_name")
_BY_TASK = {"task": "name", "queue": "queue_name"}
_NO_EVENTS = "the workers send no events (celery.events is false)"
_NO_SENT = (
    "only the task-sent event names the queue, and celery.sent_events is false: every task would read as queue celery"
)
_SOLO = "a busy worker of the solo pool does not answer inspect and counts as 0"

QUEUE_LENGTH_METRIC = Metric(name="celery_queue_length", type="gauge", labels=("queue_name",))
ACTIVE_WORKERS = Metric(name="celery_active_worker_count", type="gauge", labels=("queue_name",))
WORKER_UP = Metric(name="celery_worker_up", type="gauge", labels=("hostname",), lifetime=PURGE)
RUNTIME = Metric(name="celery_task_runtime", type="histogram", labels=_EVENT, born="first value", lifetime=PURGE)
WAIT = Metric(
    name="celery_task_queue_wait_time",
    type="histogram",
    labels=_EVENT,
    born="first value",
    lifetime=PURGE,
    since="next",
)


def _event(state: str, *more: str) -> Metric:
    # A label set is created at 0 with its first event of any kind, but `exception` only with its first failure.
    return Metric(
        name=f"celery_task_{state}_total",
        type="counter",
        labels=(*_EVENT, *more),
        born="first value",
        lifetime=PURGE,
    )


STARTED = _event("started")
ENDED = {
    "SUCCESS": _event("succeeded"),
    "FAILURE": _event("failed", "exception"),
    "RETRY": _event("retried"),
    "REVOKED": _event("revoked"),
    "REJECTED": _event("rejected"),
}
OTHERS = (
    _event("sent"),
    _event("received"),
    Metric(name="celery_worker_tasks_active", type="gauge", labels=("hostname",), lifetime=PURGE),
    Metric(name="celery_active_process_count", type="gauge", labels=("queue_name",)),
)


def matchers(site: Site) -> tuple[str, ...]:
    """What selects the events of tasks and queues that are not ignored."""
    # A task revoked before anybody received it is named None.
    return (_JOB, 'name!="None"', site.task_matcher("name"), site.passing("queue_name"))


def _count(metric: str, site: Site, names: Mapping[str, str], window: int = WINDOW) -> str:
    listed = "" if "task" in names else site.listed("queue_name")
    return per_replica(increase(metric, (*matchers(site), listed), site, "first value", window), names)


def heartbeats(site: Site) -> str:
    """Hosts with a heartbeat; nothing where there is none."""
    return f"max(count by (instance) (last_over_time({WORKER_UP.name}{{{_JOB}}}[{site.bridge}]) == 1))"


def consumers(site: Site) -> str:
    """Workers that say they consume a queue, by queue."""
    return latest(ACTIVE_WORKERS.name, (_JOB, site.held("queue_name")), site, {"queue": "queue_name"})


def begun(site: Site) -> str:
    """Tasks that workers began lately."""
    return f"increase({promql.select(STARTED.name, *matchers(site))}[{facts.lately(site)}])"


def _workers_stimulus(
    site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int
) -> list[Input]:
    del canonical, step
    most = max((int(s.amount) for s in segments if s.amount is not None), default=0)
    hosts = [
        Gauge(
            WORKER_UP.name,
            {**base_labels(JOB, site), "hostname": f"host{n}"},
            tuple(_flag(s, n) for s in segments),
        )
        for n in range(most)
    ]
    answers = Gauge(ACTIVE_WORKERS.name, {**base_labels(JOB, site), "queue_name": site.queues[0]}, segments)
    return [*hosts, answers]


def _flag(segment: Segment, host: int) -> Segment:
    if segment.amount is None or segment.missed:
        return segment
    return Segment(Fraction(1 if host < segment.amount else 0), segment.steps)


def _tasks(site: Site) -> tuple[RecordingRule, ...]:
    return tuple(
        RecordingRule(_count(m.name, site, _BY_TASK, TASKS.window), {"state": state}) for state, m in ENDED.items()
    )


def _tasks_stimulus(site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
    state = canonical["state"]
    more = {"exception": "ValueError"} if state == "FAILURE" else {}
    return counter(JOB, ENDED[state].name, lambda c: {**event_labels(c), **more})(site, canonical, segments, step)


def event_labels(canonical: Mapping[str, str]) -> dict[str, str]:
    """The labels of an event of this task and queue."""
    labels = {"name": canonical.get("task", FILLED_IN["task"]), "hostname": "generic"}
    labels["queue_name"] = canonical.get("queue", FILLED_IN["queue"])
    return labels | ({"le": canonical["le"]} if "le" in canonical else {})


def queue_labels(canonical: Mapping[str, str]) -> dict[str, str]:
    """The labels of a gauge of this queue."""
    return {"queue_name": canonical["queue"]}


_EVENTS: dict[Fact, str] = {"events_off": _NO_EVENTS}
_QUEUED: dict[Fact, str] = {"events_off": _NO_EVENTS, "sent_events_off": _NO_SENT}

READINGS = (
    Reading(
        series=WORKERS_ACTIVE,
        uses=(WORKER_UP,),
        rules=facts.judged(facts.WORKERS, heartbeats),
        stimulus=_workers_stimulus,
        survives=True,
        caveat="Workers are counted by host name; give every worker its own (containers do).",
    ),
    Reading(
        series=QUEUE_WORKERS,
        uses=(ACTIVE_WORKERS,),
        rules=facts.judged(facts.CONSUMERS, consumers),
        stimulus=gauge(JOB, ACTIVE_WORKERS, queue_labels),
        spoiled_by={"pool_solo": _SOLO},
    ),
    Reading(
        series=QUEUE_LENGTH,
        uses=(QUEUE_LENGTH_METRIC,),
        rules=lambda site: (
            RecordingRule(
                latest(QUEUE_LENGTH_METRIC.name, (_JOB, site.held("queue_name")), site, {"queue": "queue_name"})
            ),
        ),
        stimulus=gauge(JOB, QUEUE_LENGTH_METRIC, queue_labels),
        at_least={"redis_priorities": "it counts only the first of Redis's priority lists"},
        caveat="Messages that workers have prefetched are not counted.",
    ),
    Reading(
        series=TASKS_STARTED,
        uses=(STARTED,),
        rules=lambda site: (RecordingRule(_count(STARTED.name, site, {"queue": "queue_name"})),),
        stimulus=counter(JOB, STARTED.name, event_labels),
        spoiled_by=_QUEUED,
    ),
    Reading(
        series=TASKS,
        uses=tuple(ENDED.values()),
        rules=_tasks,
        stimulus=_tasks_stimulus,
        spoiled_by=_EVENTS,
        caveat="Celery 5.7 reports each hard time limit twice, so FAILURE counts it twice.",
    ),
    Reading(
        series=TASK_DURATION_BUCKET,
        uses=(RUNTIME,),
        rules=lambda site: (RecordingRule(_count(f"{RUNTIME.name}_bucket", site, {**_BY_TASK, "le": "le"})),),
        stimulus=counter(JOB, f"{RUNTIME.name}_bucket", event_labels),
        spoiled_by=_EVENTS,
        caveat="Only tasks that succeeded are timed.",
    ),
    Reading(
        series=TASK_DURATION_SUM,
        uses=(RUNTIME,),
        rules=lambda site: (RecordingRule(_count(f"{RUNTIME.name}_sum", site, _BY_TASK)),),
        stimulus=counter(JOB, f"{RUNTIME.name}_sum", event_labels),
        spoiled_by=_EVENTS,
    ),
    Reading(
        series=TASK_WAIT_BUCKET,
        uses=(WAIT,),
        rules=lambda site: (RecordingRule(_count(f"{WAIT.name}_bucket", site, {"queue": "queue_name", "le": "le"})),),
        stimulus=counter(JOB, f"{WAIT.name}_bucket", event_labels),
        spoiled_by=_QUEUED,
        caveat="ETA, countdown and retry back-off do not count as waiting.",
    ),
)


def _bounds(buckets: tuple[Fraction, ...]) -> str:
    return ",".join(promql.number(b) for b in buckets)


def launch(site: Site, version: str) -> Launch:
    """The exporter's command line; the broker's URL comes from the environment, never from here."""
    flags = [
        f"--queues={','.join(site.queues)}",
        f"--buckets={_bounds(site.duration_buckets)}",
        "--retry-interval=5",
        f"--worker-timeout={WORKER_TIMEOUT}",
        f"--purge-offline-worker-metrics={PURGE}",
        "--generic-hostname-task-sent-metric",
    ]
    flags += site.corner.exporter_flags()
    if version != "0.12.2":
        flags += [f"--queue-wait-buckets={_bounds(site.wait_buckets)}", "--generic-hostname-worker-task-metric"]
    return Launch(
        image=SOURCE.versions[version],
        user="1000:1000",
        entrypoint=("python", "/app/cli.py"),  # its Dockerfile at v0.12.2
        command=tuple(flags),
        environment={"CE_BROKER_URL": site.broker_url},  # src/cli.py has no option for a file
        secrets=site.broker_secrets,
        networks=("backend", "broker"),
        health=HttpHealth("/health", "python"),
        notes=(
            "Every queue is named, or a queue without workers would have no series.",
            "Bucket bounds contain every threshold: a quantile cannot be judged between bounds.",
            "Without a retry interval the exporter exits with its broker and forgets every count.",
        ),
    )


SOURCE = Source(
    id="celery-exporter",
    title="danihodovic/celery-exporter",
    job=JOB,
    target="celery-exporter:9808",
    link="https://github.com/danihodovic/celery-exporter",
    metrics=(QUEUE_LENGTH_METRIC, ACTIVE_WORKERS, WORKER_UP, RUNTIME, WAIT, STARTED, *ENDED.values(), *OTHERS),
    readings=READINGS,
    versions=by_version(
        Image("celery-exporter", "0.12.2", _IMAGE, "0.12.2", "2026-08-20", "its issue 345 and releases"),
        Image("celery-exporter", "next", _IMAGE, "", "2026-08-21", "its main branch, not released"),
    ),
    advice="start celery-exporter with the generated flags (exporters/celery-exporter.yml)",
    names_by_comma=True,
    cannot={"redis_cluster": NO_CLUSTER},
    launch=launch,
)
