"""Are workers alive?"""

from __future__ import annotations

from stackgen.catalog import facts, promql
from stackgen.catalog.counting import none_told
from stackgen.catalog.site import Site
from stackgen.catalog.source import Metric, base_labels, counter, gauge
from stackgen.catalog.sources import celery_exporter, flower, probe, rabbitmq, worker
from stackgen.catalog.sources.celery_exporter_launch import WORKER_TIMEOUT
from stackgen.catalog.sources.celery_exporter_metrics import ACTIVE_WORKERS, STARTED, WORKER_UP
from stackgen.catalog.timeline import Gauge
from stackgen.catalog.witness import Witness

_JOB = f'job="{celery_exporter.JOB}"'


def _heard(metric: Metric, job: str, site: Site) -> str:
    """Whether who listens hears a worker; 0 where it is up and hears none."""
    matcher = f'job="{job}"'
    return f"max(last_over_time({promql.select(metric.name, matcher)}[{site.bridge}])) or {none_told(matcher, site)}"


HEARTBEATS = Witness(
    fact="workers",
    name="heartbeats",
    source="celery-exporter",
    says=lambda site: _heard(WORKER_UP, celery_exporter.JOB, site),
    feed=lambda site, labels, segments, step: [
        Gauge(WORKER_UP.name, {**base_labels(celery_exporter.JOB, site), "hostname": "host0"}, segments)
    ],
    yes=f"a worker sent an event within the last {WORKER_TIMEOUT} s",
    no="the exporter hears no worker: none is alive, they send no heartbeats, or it is deaf",
    silence="the exporter is down",
    late=f"{WORKER_TIMEOUT} s after a worker that vanishes (--worker-timeout)",
)
FLOWER = Witness(
    fact="workers",
    name="flower",
    source="flower",
    says=lambda site: _heard(flower.ONLINE, flower.JOB, site),
    feed=lambda site, labels, segments, step: [
        Gauge(flower.ONLINE.name, {**base_labels(flower.JOB, site), "worker": "w1@host1"}, segments)
    ],
    yes=f"Flower heard a worker within the last {flower.PURGE} s",
    no="Flower hears no worker: none is alive, they send no heartbeats, or it is deaf",
    silence="Flower is down",
    late=f"{flower.PURGE} s after a worker that vanishes (purge_offline_workers)",
)
INSPECT = Witness(
    fact="workers",
    name="inspect",
    source="celery-exporter",
    says=lambda site: facts.unless_solo(
        f"max(last_over_time({ACTIVE_WORKERS.name}{{{_JOB}}}[{site.bridge}])) > bool 0", site
    ),
    feed=gauge(celery_exporter.JOB, ACTIVE_WORKERS, lambda c: {"queue_name": c.get("queue", "celery")}),
    yes="a worker answered within a second that it consumes a queue",
    no="none answered in time, which busy workers and a slow broker cause too; or they consume nothing",
    silence="the exporter is down, or never heard of a queue",
    late="at the next scrape",
    look=facts.NO_ANSWER,
)
TASKS = Witness(
    fact="workers",
    name="tasks",
    source="celery-exporter",
    says=lambda site: "" if "events_off" in site.facts else f"(sum({celery_exporter.begun(site)}) > bool 0) == 1",
    feed=counter(celery_exporter.JOB, STARTED.name, celery_exporter.event_labels),
    yes="a worker began a task",
    no="",
    silence="none began a task, as when nothing waits",
    late="four scrapes",
)
ENDPOINTS = Witness(
    fact="workers",
    name="endpoints",
    source="worker",
    says=lambda site: f'max(max_over_time(up{{job="{worker.JOB}"}}[{site.bridge}]))',
    feed=lambda site, labels, segments, step: [Gauge("up", base_labels(worker.JOB, site), segments)],
    yes="a worker answered Prometheus",
    no="none answered: none is alive, or Prometheus does not reach them",
    silence="service discovery knows no worker",
    late="at the next scrape; a no, after the time that bridges missed scrapes",
    look="Prometheus' way to the workers' metrics: port, network, celery_monitoring in the application",
)
CONSUMERS = Witness(
    fact="workers",
    name="rabbitmq",
    source="rabbitmq",
    says=lambda site: f"max({rabbitmq.newest(rabbitmq.CONSUMERS, site)}) > bool 0",
    feed=rabbitmq.fed(rabbitmq.CONSUMERS),
    yes="RabbitMQ has a connection over which somebody consumes a queue",
    no="nobody consumes any queue",
    silence="the nodes are not scraped, or have no queue",
    late="2 minutes after a host that vanishes (two heartbeats of AMQP), else at once",
    look="what workers consume: their connection to RabbitMQ, `control cancel_consumer`, -Q; the vhost that is scraped",
)
PROBE = Witness(
    fact="workers",
    name="probe",
    source="probe",
    says=lambda site: facts.unless_solo(f"{probe.active(site)} > bool 0", site),
    feed=gauge(probe.JOB, probe.ACTIVE, lambda _: {}),
    yes="a worker answered the probe's ping",
    no="none answered in time, which busy workers and a slow broker cause too",
    silence="the probe or the broker is down",
    late="at the next scrape",
    look=facts.NO_ANSWER,
)
