"""Our own probe: `python -m celery_monitoring exporter` asks the broker and the workers, without events.

Facts: scrapes of it on Celery 5.7 and Redis 7 (tests/scrapes/probe-*.prom). While the broker is down it answers with
celery_probe_broker_up 0 alone: nobody can know the rest.
"""

from __future__ import annotations

from collections.abc import Mapping

from stackgen.catalog import facts
from stackgen.catalog.corner import NO_CLUSTER
from stackgen.catalog.counting import latest
from stackgen.catalog.images import from_demo
from stackgen.catalog.launch import HttpHealth, Launch, Limits, Mount
from stackgen.catalog.series import BROKER_UP, QUEUE_LENGTH, QUEUE_WORKERS, WORKERS_ACTIVE
from stackgen.catalog.series_schedule import QUEUE_OLDEST
from stackgen.catalog.site import Site
from stackgen.catalog.source import Metric, Reading, RecordingRule, Source, gauge

JOB = "celery-probe"
_JOB = f'job="{JOB}"'

LENGTH = Metric(name="celery_queue_length", type="gauge", labels=("queue",), always=True)
OLDEST = Metric(name="celery_queue_oldest_seconds", type="gauge", labels=("queue",))
UNACKED = Metric(name="celery_queue_unacked", type="gauge", labels=("queue",))
CONSUMERS = Metric(name="celery_queue_consumers", type="gauge", labels=("queue",), always=True)
ACTIVE = Metric(name="celery_workers_active", type="gauge", labels=(), always=True)
TOTAL = Metric(name="celery_workers_total", type="gauge", labels=())
UP = Metric(name="celery_probe_broker_up", type="gauge", labels=())


def queue_labels(canonical: Mapping[str, str]) -> dict[str, str]:
    """The labels of a gauge of this queue."""
    return {"queue": canonical["queue"]}


def consumers(site: Site) -> str:
    """Workers that say they consume a queue, by queue."""
    return latest(CONSUMERS.name, (_JOB, site.held("queue")), site, {"queue": "queue"})


def active(site: Site) -> str:
    """Workers that answer."""
    return latest(ACTIVE.name, (_JOB,), site, {})


def launch(site: Site, version: str) -> Launch:
    """One file on an image that has Celery; the team's application is not in it."""
    del version
    module = "/app/celery_monitoring.py"
    return Launch(
        image=from_demo(site.slug),
        user="1000:1000",
        why="Asks the broker for queue depths and the workers whether they answer.",
        command=("python", module, "exporter", f"--port={SOURCE.port}"),
        environment={} if site.broker_file else {site.broker_env: site.broker_url},
        secrets=site.broker_secrets,
        mounts=(Mount("bind", "./celery/celery_monitoring.py", module),),
        networks=("backend", "broker"),
        health=HttpHealth("/livez", "python"),
        limits=Limits("0.25", "128M"),
    )


SOURCE = Source(
    id="probe",
    title="our own probe of broker and workers",
    job=JOB,
    target="celery-probe:9810",
    link="https://docs.celeryq.dev/en/stable/userguide/monitoring.html",
    metrics=(LENGTH, OLDEST, UNACKED, CONSUMERS, ACTIVE, TOTAL, UP),
    readings=(
        Reading(
            series=QUEUE_LENGTH,
            uses=(LENGTH,),
            rules=lambda site: (
                RecordingRule(latest(LENGTH.name, (_JOB, site.held("queue")), site, {"queue": "queue"})),
            ),
            stimulus=gauge(JOB, LENGTH, queue_labels),
        ),
        Reading(
            series=QUEUE_OLDEST,
            uses=(OLDEST,),
            rules=lambda site: (
                RecordingRule(latest(OLDEST.name, (_JOB, site.held("queue")), site, {"queue": "queue"})),
            ),
            stimulus=gauge(JOB, OLDEST, queue_labels),
            spoiled_by={
                "not_redis": "only Redis shows the head of a queue to who asks; source rabbitmq has it of RabbitMQ"
            },
            caveat="Of messages whose sender loads celery_monitoring.py.",
        ),
        Reading(
            series=QUEUE_WORKERS,
            uses=(CONSUMERS,),
            rules=facts.judged(facts.CONSUMERS, consumers),
            stimulus=gauge(JOB, CONSUMERS, queue_labels),
            misses=facts.BUSY,
            spoiled_by={"pool_solo": "a busy worker of the solo pool does not answer and counts as 0"},
        ),
        Reading(
            series=WORKERS_ACTIVE,
            uses=(ACTIVE,),
            rules=facts.judged(facts.WORKERS, active),
            stimulus=gauge(JOB, ACTIVE, lambda _: {}),
            misses=facts.BUSY,
            spoiled_by={"pool_solo": "a busy worker of the solo pool does not answer and counts as 0"},
        ),
        Reading(
            series=BROKER_UP,
            uses=(UP,),
            rules=facts.judged(facts.BROKER),
            stimulus=facts.agreed(facts.BROKER),
        ),
    ),
    cannot={"redis_cluster": NO_CLUSTER},
    launch=launch,
)
