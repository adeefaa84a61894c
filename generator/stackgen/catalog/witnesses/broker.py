"""Does the broker answer?"""

from __future__ import annotations

from stackgen.catalog.counting import latest
from stackgen.catalog.source import base_labels, counter, gauge
from stackgen.catalog.sources import celery_exporter, probe, rabbitmq, redis, worker
from stackgen.catalog.timeline import Gauge
from stackgen.catalog.witness import Witness

REDIS_EXPORTER = Witness(
    fact="broker",
    name="redis-exporter",
    source="redis",
    says=lambda site: f'max(max_over_time({redis.REDIS_UP.name}{{job="{redis.JOB}"}}[{site.bridge}]))',
    feed=gauge(redis.JOB, redis.REDIS_UP, lambda _: {}),
    yes="Redis answered the exporter",
    no="Redis did not answer the exporter: it is down, or refuses this one client",
    silence="the exporter is down",
    late="at the next scrape; a no, after the time that bridges missed scrapes",
    look="redis_exporter's own way to Redis: its password (NOAUTH, WRONGPASS), user, address, network",
)
RABBITMQ = Witness(
    fact="broker",
    name="rabbitmq",
    source="rabbitmq",
    says=lambda site: f'max(max_over_time(up{{job="{rabbitmq.JOB}"}}[{site.bridge}]))',
    feed=lambda site, labels, segments, step: [Gauge("up", base_labels(rabbitmq.JOB, site), segments)],
    yes="a node of RabbitMQ answered Prometheus",
    no="no node answers Prometheus at the port of its metrics",
    silence="Prometheus knows no node",
    late="at the next scrape; a no, after the time that bridges missed scrapes",
    look="Prometheus' way to RabbitMQ's metrics: the plugin rabbitmq_prometheus, port 15692, network",
)
PROBE = Witness(
    fact="broker",
    name="probe",
    source="probe",
    says=lambda site: latest(probe.UP.name, (f'job="{probe.JOB}"',), site, {}),
    feed=gauge(probe.JOB, probe.UP, lambda _: {}),
    yes="the broker answered the probe",
    no="it did not answer the probe: it is down, or refuses this one client",
    silence="the probe is down",
    late="at the next scrape",
    look="the probe's own way to the broker: its password, user, address, network",
)
CELERY_EXPORTER = Witness(
    fact="broker",
    name="celery-exporter",
    source="celery-exporter",
    says=lambda site: f'max(max_over_time(up{{job="{celery_exporter.JOB}"}}[{site.bridge}])) == 1',
    feed=lambda site, labels, segments, step: [Gauge("up", base_labels(celery_exporter.JOB, site), segments)],
    yes="the exporter asked the broker for the length of queues, as at each scrape: else it answers 500",
    no="",
    silence="the exporter is down, for reasons of its own or because the broker is",
    late="at the next scrape",
)
TASKS = Witness(
    fact="broker",
    name="tasks",
    source="worker",
    says=lambda site: f"(sum({worker.begun(site)}) > bool 0) == 1",
    feed=counter(worker.JOB, f"{worker.WAIT.name}_count", worker.labels_of),
    yes="a worker began a task: it drops those it has not begun when it loses its connection",
    no="",
    silence="no task began, as when nothing waits",
    late="four scrapes",
)
