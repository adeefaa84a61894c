"""RabbitMQ's own Prometheus plugin, at /metrics/detailed: /metrics has no queue label.

Facts: a scrape of RabbitMQ 3.10.8 (tests/scrapes/rabbitmq-3.10.8-detailed-load.prom).
"""

from __future__ import annotations

from collections.abc import Mapping

from stackgen.catalog.counting import latest
from stackgen.catalog.series import BROKER_UP, QUEUE_LENGTH, QUEUE_WORKERS
from stackgen.catalog.source import Metric, Reading, RecordingRule, Source, base_labels, gauge
from stackgen.catalog.timeline import Gauge

JOB = "rabbitmq"
_JOB = f'job="{JOB}"'

READY = Metric(name="rabbitmq_detailed_queue_messages_ready", type="gauge", labels=("vhost", "queue"))
UNACKED = Metric(name="rabbitmq_detailed_queue_messages_unacked", type="gauge", labels=("vhost", "queue"))
CONSUMERS = Metric(name="rabbitmq_detailed_queue_consumers", type="gauge", labels=("vhost", "queue"))


def _queue(canonical: Mapping[str, str]) -> dict[str, str]:
    return {"vhost": "/", "queue": canonical["queue"]}


SOURCE = Source(
    id="rabbitmq",
    title="RabbitMQ's Prometheus plugin",
    job=JOB,
    target="rabbitmq:15692",
    path="/metrics/detailed",
    params={"family": ("queue_coarse_metrics", "queue_consumer_count")},
    link="https://www.rabbitmq.com/docs/prometheus",
    metrics=(READY, UNACKED, CONSUMERS),
    readings=(
        Reading(
            series=QUEUE_LENGTH,
            uses=(READY,),
            rules=lambda site: (
                RecordingRule(
                    latest(READY.name, (_JOB, site.queue_matcher("queue", reserved=True)), site, {"queue": "queue"})
                ),
            ),
            stimulus=gauge(JOB, READY, _queue),
        ),
        Reading(
            series=QUEUE_WORKERS,
            uses=(CONSUMERS,),
            rules=lambda site: (
                RecordingRule(
                    latest(CONSUMERS.name, (_JOB, site.queue_matcher("queue", reserved=True)), site, {"queue": "queue"})
                ),
            ),
            stimulus=gauge(JOB, CONSUMERS, _queue),
        ),
        Reading(
            series=BROKER_UP,
            uses=(),
            rules=lambda site: (RecordingRule(f"max(max_over_time(up{{{_JOB}}}[{site.bridge}]))"),),
            stimulus=lambda site, canonical, segments, step: [Gauge("up", base_labels(JOB, site), segments)],
        ),
    ),
    broker="rabbitmq",
)
