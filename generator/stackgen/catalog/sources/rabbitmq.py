"""RabbitMQ's own Prometheus plugin, at /metrics/detailed: /metrics has no queue label, and only it has the alarms.

Facts: a scrape of RabbitMQ 3.10.8 (tests/scrapes/rabbitmq-3.10.8-detailed-load.prom). Of a quorum queue that
dead-letters at least once, as those of native delayed delivery do, what left it and was not taken yet is neither ready
nor unacknowledged, and still among its messages: seen there with tasks for a queue that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from stackgen.catalog import facts, promql
from stackgen.catalog.counting import increase, latest
from stackgen.catalog.series import (
    BROKER_BLOCKED,
    BROKER_EXPIRED,
    BROKER_UP,
    DELAYED_UNDELIVERED,
    OUTCOME_WINDOW,
    QUEUE_LENGTH,
    QUEUE_WORKERS,
)
from stackgen.catalog.series_schedule import QUEUE_OLDEST
from stackgen.catalog.site import DELAYED_QUEUES, Site
from stackgen.catalog.source import (
    FILLED_IN,
    Endpoint,
    Metric,
    Reading,
    RecordingRule,
    Source,
    Stimulus,
    base_labels,
    counter,
)
from stackgen.catalog.timeline import Gauge, Input, Segment

JOB = "rabbitmq"
_JOB = f'job="{JOB}"'
_QUEUE = ("vhost", "queue")

READY = Metric(name="rabbitmq_detailed_queue_messages_ready", type="gauge", labels=_QUEUE, always=True)
UNACKED = Metric(name="rabbitmq_detailed_queue_messages_unacked", type="gauge", labels=_QUEUE)
MESSAGES = Metric(name="rabbitmq_detailed_queue_messages", type="gauge", labels=_QUEUE)
CONSUMERS = Metric(name="rabbitmq_detailed_queue_consumers", type="gauge", labels=_QUEUE, always=True)
HEAD = Metric(name="rabbitmq_detailed_queue_head_message_timestamp", type="gauge", labels=_QUEUE)
EXPIRED = Metric(
    name="rabbitmq_global_messages_dead_lettered_expired_total",
    type="counter",
    labels=("queue_type", "dead_letter_strategy"),
)
_DROPPED = 'dead_letter_strategy="disabled"'
"""What no dead letter exchange takes is gone; levels of native delayed delivery live on expiry, and have one."""
ALARMS = {
    "memory": Metric(name="rabbitmq_alarms_memory_used_watermark", type="untyped", labels=()),
    "disk": Metric(name="rabbitmq_alarms_free_disk_space_watermark", type="untyped", labels=()),
}
"""Alarms of any node, under which the whole cluster reads nothing from connections that publish."""
_PAGE = ("messages", "messages_ready", "messages_unacked", "consumers", "head_message_timestamp")
"""What is kept of the page: the family with the timestamp has some fifteen more for each queue."""
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


def _oldest(site: Site) -> tuple[RecordingRule, ...]:
    """The timestamp is NaN where none waits: less than no number, be it of the year 33658."""
    return (RecordingRule(f"time() - ({newest(HEAD, site)} < 1e12)"),)


def _oldest_stimulus(site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
    """Timestamps that make a message as old as each segment says, at each of its samples."""
    sent, now = list[Segment](), 0
    for one in segments:
        moved = one if one.amount is None else one._replace(amount=now - one.amount, slope=step - one.slope)
        sent.append(moved)
        now += one.steps * step
    return fed(HEAD)(site, canonical, tuple(sent), step)


def _expired_labels(canonical: Mapping[str, str]) -> dict[str, str]:
    del canonical
    return {"queue_type": "rabbit_classic_queue", "dead_letter_strategy": "disabled"}


SOURCE = Source(
    id="rabbitmq",
    title="RabbitMQ's Prometheus plugin",
    job=JOB,
    target="rabbitmq:15692",
    path="/metrics/detailed",
    params={"family": ("queue_coarse_metrics", "queue_consumer_count", "queue_metrics")},
    keeps=f"rabbitmq_detailed_queue_({'|'.join(_PAGE)})",
    vhost_param="vhost",
    beside=Endpoint(job="rabbitmq-alarms", path="/metrics", keeps=f"rabbitmq_alarms_.+|{EXPIRED.name}"),
    link="https://www.rabbitmq.com/docs/prometheus",
    metrics=(READY, UNACKED, MESSAGES, CONSUMERS, HEAD, EXPIRED, *ALARMS.values()),
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
            series=QUEUE_OLDEST,
            uses=(HEAD,),
            rules=_oldest,
            stimulus=_oldest_stimulus,
            caveat="Of messages with a timestamp: their sender loads celery_monitoring.py, or RabbitMQ sets it.",
        ),
        Reading(
            series=BROKER_EXPIRED,
            uses=(EXPIRED,),
            rules=lambda site: (
                RecordingRule(f"sum({increase(EXPIRED.name, (_JOB, _DROPPED), site, 'zero', OUTCOME_WINDOW)})"),
            ),
            stimulus=counter(JOB, EXPIRED.name, _expired_labels),
            spoiled_by={
                "pool_solo": "events expire while a worker of the solo pool is busy, and RabbitMQ does not say what did"
            },
            caveat="Of all queues of the broker, whatever virtual host and application they belong to; "
            "events that nobody receives for 5 s expire as well.",
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
