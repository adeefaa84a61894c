"""danihodovic/celery-exporter: tasks, queues and workers from Celery's events, without a change to the application.

Facts: its source at v0.12.2 and the head of 2026-08-21, scrapes of both under load, idle and broken (tests/scrapes/).
The package `celery-exporter` on PyPI is another program, dead since 2021.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from stackgen.catalog import facts, promql
from stackgen.catalog.corner import NO_CLUSTER
from stackgen.catalog.counting import grown, increase, latest, per_replica
from stackgen.catalog.series import (
    FINAL,
    QUEUE_LENGTH,
    QUEUE_WORKERS,
    TASK_DURATION_BUCKET,
    TASK_DURATION_SUM,
    TASK_WAIT_BUCKET,
    TASKS,
    TASKS_NEW,
    TASKS_STARTED,
    TASKS_UNKNOWN,
    WINDOW,
    WORKER_TASKS,
    WORKERS_ACTIVE,
)
from stackgen.catalog.site import Fact, Site
from stackgen.catalog.source import FILLED_IN, Reading, RecordingRule, Source, base_labels, counter, gauge
from stackgen.catalog.sources.celery_exporter_launch import VERSIONS, WORKER_TIMEOUT, launch
from stackgen.catalog.sources.celery_exporter_metrics import (
    ACTIVE_WORKERS,
    ENDED,
    OTHERS,
    QUEUE_LENGTH_METRIC,
    RECEIVED,
    RUNTIME,
    STARTED,
    TASKS_ACTIVE,
    WAIT,
    WORKER_UP,
)
from stackgen.catalog.timeline import Gauge, Input, Segment, steady

JOB = "celery-exporter"

_JOB = f'job="{JOB}"'
_BY_TASK = {"task": "name", "queue": "queue_name"}
_NO_EVENTS = "the workers send no events (celery.events is false)"
_NO_SENT = "only task-sent events name the queue, and celery.sent_events is false: every task reads as queue celery"
_FAILED = ("how long tasks took that did not succeed",)
_SOLO = "a busy worker of the solo pool does not answer inspect and counts as 0"


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


def _tasks_new(site: Site) -> tuple[RecordingRule, ...]:
    new = {state: grown(ENDED[state].name, matchers(site), site) for state in FINAL}
    return tuple(RecordingRule(per_replica(expr, {"task": "name"}), {"state": state}) for state, expr in new.items())


def _unknown(site: Site) -> tuple[RecordingRule, ...]:
    # With task-sent events it has a name, and fails under it.
    unknown = (_JOB, 'name="None"', 'exception="NotRegistered"')
    counted = increase(ENDED["FAILURE"].name, unknown, site, "first value", TASKS_UNKNOWN.window)
    return (RecordingRule(f"max(sum by (instance) ({counted}))"),)


def _unknown_labels(canonical: Mapping[str, str]) -> dict[str, str]:
    del canonical
    return {**event_labels({"task": "None"}), "exception": "NotRegistered"}


def _tasks_stimulus(site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
    state = canonical["state"]
    more = {"exception": "ValueError"} if state == "FAILURE" else {}
    return counter(JOB, ENDED[state].name, lambda c: {**event_labels(c), **more})(site, canonical, segments, step)


def _worker_tasks(site: Site) -> tuple[RecordingRule, ...]:
    """The last word of a worker that is dead would stay."""
    active, up = (f"last_over_time({one.name}{{{_JOB}}}[{site.bridge}])" for one in (TASKS_ACTIVE, WORKER_UP))
    named = promql.copy_labels(f"{active} and on (instance, hostname) {up} == 1", {"worker": "hostname"})
    return (RecordingRule(f"max by (worker) ({named})"),)


def _worker_tasks_stimulus(
    site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int
) -> list[Input]:
    del step
    labels = {**base_labels(JOB, site), "hostname": canonical["worker"]}
    alive = steady(segments, 1)
    return [Gauge(TASKS_ACTIVE.name, labels, segments), Gauge(WORKER_UP.name, labels, alive)]


def event_labels(canonical: Mapping[str, str]) -> dict[str, str]:
    """The labels of an event of this task and queue."""
    queue, name = canonical.get("queue", FILLED_IN["queue"]), canonical.get("task", FILLED_IN["task"])
    labels = {"name": name, "hostname": "generic", "queue_name": queue}
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
        late=WORKER_TIMEOUT,
        caveat="Workers are counted by host name; give every worker its own (containers do).",
    ),
    Reading(
        series=QUEUE_WORKERS,
        uses=(ACTIVE_WORKERS,),
        rules=facts.judged(facts.CONSUMERS, consumers),
        stimulus=gauge(JOB, ACTIVE_WORKERS, queue_labels),
        misses=facts.BUSY,
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
        series=WORKER_TASKS,
        uses=(TASKS_ACTIVE, WORKER_UP),
        rules=_worker_tasks,
        stimulus=_worker_tasks_stimulus,
        spoiled_by={"pool_solo": _SOLO},
    ),
    Reading(
        series=TASKS_STARTED,
        uses=(STARTED,),
        rules=lambda site: (RecordingRule(_count(STARTED.name, site, {"queue": "queue_name"})),),
        stimulus=counter(JOB, STARTED.name, event_labels),
        spoiled_by=_QUEUED,
    ),
    facts.starting(STARTED, _EVENTS),
    Reading(
        series=TASKS,
        uses=tuple(ENDED.values()),
        rules=_tasks,
        stimulus=_tasks_stimulus,
        spoiled_by=_EVENTS,
        caveat="Celery 5.7 reports each hard time limit twice, so FAILURE counts it twice.",
    ),
    Reading(
        series=TASKS_NEW,
        uses=tuple(ENDED[state] for state in FINAL),
        rules=_tasks_new,
        stimulus=_tasks_stimulus,
        spoiled_by=_EVENTS,
    ),
    Reading(
        series=TASKS_UNKNOWN,
        uses=(ENDED["FAILURE"],),
        rules=_unknown,
        stimulus=counter(JOB, ENDED["FAILURE"].name, _unknown_labels),
        spoiled_by=_EVENTS,
    ),
    Reading(
        series=TASK_DURATION_BUCKET,
        uses=(RUNTIME,),
        rules=lambda site: (RecordingRule(_count(f"{RUNTIME.name}_bucket", site, {**_BY_TASK, "le": "le"})),),
        stimulus=counter(JOB, f"{RUNTIME.name}_bucket", event_labels),
        spoiled_by=_EVENTS,
        misses=_FAILED,
    ),
    Reading(
        series=TASK_DURATION_SUM,
        uses=(RUNTIME,),
        rules=lambda site: (RecordingRule(_count(f"{RUNTIME.name}_sum", site, _BY_TASK)),),
        stimulus=counter(JOB, f"{RUNTIME.name}_sum", event_labels),
        spoiled_by=_EVENTS,
        misses=_FAILED,
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


SOURCE = Source(
    id="celery-exporter",
    title="danihodovic/celery-exporter",
    job=JOB,
    target="celery-exporter:9808",
    link="https://github.com/danihodovic/celery-exporter",
    metrics=(QUEUE_LENGTH_METRIC, ACTIVE_WORKERS, WORKER_UP, RUNTIME, WAIT, STARTED, *ENDED.values(), *OTHERS),
    readings=READINGS,
    taken=((RECEIVED.name, ""), (STARTED.name, "")),
    working=TASKS_ACTIVE.name,
    versions=VERSIONS,
    advice="start celery-exporter with the generated flags (exporters/celery-exporter.yml)",
    names_by_comma=True,
    cannot={"redis_cluster": NO_CLUSTER},
    launch=launch,
)
