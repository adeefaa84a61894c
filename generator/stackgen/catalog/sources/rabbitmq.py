"""RabbitMQ's own Prometheus plugin, at /metrics/detailed: /metrics has no queue label, and only it has the alarms.

Facts: a scrape of RabbitMQ 3.10.8 (tests/scrapes/rabbitmq-3.10.8-detailed-load.prom). Of a quorum queue that
dead-letters at least once, as those of native delayed delivery do, what left it and was not taken yet is neither ready
nor unacknowledged, and still among its messages: seen there with tasks for a queue that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from stackgen.catalog import facts, promql
from stackgen.catalog.counting import latest
from stackgen.catalog.series import BROKER_BLOCKED, BROKER_UP, DELAYED_UNDELIVERED, QUEUE_LENGTH, QUEUE_WORKERS
from stackgen.catalog.site import DELAYED_QUEUES, Site
from stackgen.catalog.source import FILLED_IN, Endpoint, Metric, Reading, RecordingRule, Source, Stimulus, base_labels
from stackgen.catalog.timeline import Gauge, Input, Segment

JOB = "rabbitmq"
_JOB = f'job="{JOB}"'
_QUEUE = ("vhost", "queue")

READY = Metric(name="rabbitmq_detailed_queue_messages_ready", type="gauge", labels=_QUEUE, always=True)
UNACKED = Metric(name="rabbitmq_detailed_queue_messages_unacked", type="gauge", labels=_QUEUE)
MESSAGES = Metric(name="rabbitmq_detailed_queue_messages", type="gauge", labels=_QUEUE)
CONSUMERS = Metric(name="rabbitmq_detailed_queue_consumers", type="gauge", labels=_QUEUE, always=True)
ALARMS = {
    "memory": Metric(name="rabbitmq_alarms_memory_used_watermark", type="untyped", labels=()),
    "disk": Metric(name="rabbitmq_alarms_free_disk_space_watermark", type="untyped", labels=()),
}
"""Alarms of any node, under which the whole cluster reads nothing from connections that publish."""
_WAITING, _HELD = 7, 3
"""Messages that a test leaves in a delayed queue besides those that are stuck."""


def _ours(site: Site, queue: str) -> dict[str, str]:
    """The labels of one of our queues."""
    vhost = "/" if site.corner.vhost is None else site.corner.vhost
    return {**base_labels(JOB, site), "vhost": vhost, "queue": queue}


def _vhost(site: Site) -> str:
    return promql.one_of("vhost", () if site.corner.vhost is None else (site.corner.vhost,))


def _blocked(site: Site) -> tuple[RecordingRule, ...]:
    return tuple(RecordingRule(latest(m.name, (_JOB,), site, {}), {"alarm": alarm}) for alarm, m in ALARMS.items())


def newest(metric: Metric, site: Site) -> str:
    """The latest value of a gauge by queue, without Celery's own queues."""
    return latest(metric.name, (_JOB, _vhost(site), site.held("queue")), site, {"queue": "queue"})


def fed(metric: Metric) -> Stimulus:
    """What feeds a gauge of one of our queues."""
    return lambda site, labels, segments, step: [
        Gauge(metric.name, _ours(site, labels.get("queue", FILLED_IN["queue"])), segments)
    ]


def _undelivered(site: Site) -> tuple[RecordingRule, ...]:
    matchers = (_JOB, _vhost(site), f"queue=~{promql.text(DELAYED_QUEUES)}")
    every, ready, unacked = (
        f"last_over_time({promql.select(m.name, *matchers)}[{site.bridge}])" for m in (MESSAGES, READY, UNACKED)
    )
    return (RecordingRule(f"sum(max by (vhost, queue) ({every} - {ready} - {unacked}))"),)


def _undelivered_stimulus(
    site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int
) -> list[Input]:
    del canonical, step
    labels = _ours(site, "celery_delayed_0")

    def made_of(metric: Metric, make: Callable[[Fraction | int], Fraction | int]) -> Input:
        made = (s if s.amount is None else s._replace(amount=make(s.amount)) for s in segments)
        return Gauge(metric.name, labels, tuple(made))

    return [
        made_of(MESSAGES, lambda amount: amount + _WAITING + _HELD),
        made_of(READY, lambda _: _WAITING),
        made_of(UNACKED, lambda _: _HELD),
    ]


SOURCE = Source(
    id="rabbitmq",
    title="RabbitMQ's Prometheus plugin",
    job=JOB,
    target="rabbitmq:15692",
    path="/metrics/detailed",
    params={"family": ("queue_coarse_metrics", "queue_consumer_count")},
    vhost_param="vhost",
    beside=Endpoint(job="rabbitmq-alarms", path="/metrics", keeps="rabbitmq_alarms_.+"),
    link="https://www.rabbitmq.com/docs/prometheus",
    metrics=(READY, UNACKED, MESSAGES, CONSUMERS, *ALARMS.values()),
    readings=(
        Reading(
            series=QUEUE_LENGTH,
            uses=(READY,),
            rules=lambda site: (RecordingRule(newest(READY, site)),),
            stimulus=fed(READY),
        ),
        Reading(
            series=QUEUE_WORKERS,
            uses=(CONSUMERS,),
            rules=facts.judged(facts.CONSUMERS, lambda site: newest(CONSUMERS, site)),
            stimulus=fed(CONSUMERS),
            late=120,  # two heartbeats of AMQP, after a host that vanishes
        ),
        Reading(
            series=DELAYED_UNDELIVERED,
            uses=(MESSAGES, READY, UNACKED),
            rules=_undelivered,
            stimulus=_undelivered_stimulus,
            caveat="Of quorum queues only, which is Celery's default: classic ones lose what no queue takes.",
        ),
        Reading(
            series=BROKER_BLOCKED,
            uses=tuple(ALARMS.values()),
            rules=_blocked,
            stimulus=lambda site, canonical, segments, step: [
                Gauge(ALARMS[canonical["alarm"]].name, base_labels(JOB, site), segments)
            ],
        ),
        Reading(
            series=BROKER_UP,
            uses=(),
            rules=facts.judged(facts.BROKER),
            stimulus=facts.agreed(facts.BROKER),
        ),
    ),
    broker="rabbitmq",
)
