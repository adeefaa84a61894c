"""Has a queue consumers?"""

from __future__ import annotations

from stackgen.catalog import facts, promql
from stackgen.catalog.site import Site
from stackgen.catalog.source import counter, gauge
from stackgen.catalog.sources import celery_exporter, probe, rabbitmq, worker
from stackgen.catalog.sources.celery_exporter_metrics import ACTIVE_WORKERS, STARTED
from stackgen.catalog.witness import Witness


def _by_queue(site: Site) -> str:
    return f"sum by (queue_name) ({celery_exporter.begun(site)})"


INSPECT = Witness(
    fact="consumers",
    name="inspect",
    source="celery-exporter",
    says=lambda site: facts.unless_solo(
        f"{celery_exporter.consumers(site)} > bool 0{facts.unless_doubted('inspect', site)}", site
    ),
    feed=gauge(celery_exporter.JOB, ACTIVE_WORKERS, celery_exporter.queue_labels),
    yes="a worker said that it consumes the queue",
    no="workers answered and none of them consumes it, or none is alive",
    silence="no worker answered, while others say that some are alive",
    late="at the next scrape",
    look=facts.NO_ANSWER,
)
TASKS = Witness(
    fact="consumers",
    name="tasks",
    source="celery-exporter",
    says=lambda site: (
        ""
        if {"events_off", "sent_events_off"} & site.facts  # else they do not say which queue
        else f"(max by (queue) ({promql.copy_labels(_by_queue(site), {'queue': 'queue_name'})}) > bool 0) == 1"
    ),
    feed=counter(celery_exporter.JOB, STARTED.name, celery_exporter.event_labels),
    yes="a worker began a task of the queue",
    no="",
    silence="none began, as when nothing waits",
    late="four scrapes",
)
BEGUN = Witness(
    fact="consumers",
    name="endpoints",
    source="worker",
    says=lambda site: f"(sum by (queue) ({worker.begun(site)}) > bool 0) == 1",
    feed=counter(worker.JOB, f"{worker.WAIT.name}_count", worker.labels_of),
    yes="a worker's own count says that it began a task of the queue",
    no="",
    silence="none began, as when nothing waits",
    late="four scrapes",
)
RABBITMQ = Witness(
    fact="consumers",
    name="rabbitmq",
    source="rabbitmq",
    says=lambda site: f"{rabbitmq.newest(rabbitmq.CONSUMERS, site)} > bool 0",
    feed=rabbitmq.fed(rabbitmq.CONSUMERS),
    yes="RabbitMQ has a consumer of the queue",
    no="RabbitMQ has none",
    silence="the queue does not exist, or the nodes are not scraped",
    late="2 minutes after a host that vanishes (two heartbeats of AMQP), else at once",
    look="which vhost is scraped: a queue of the same name may be in another",
)
PROBE = Witness(
    fact="consumers",
    name="probe",
    source="probe",
    says=lambda site: facts.unless_solo(f"{probe.consumers(site)} > bool 0{facts.unless_doubted('probe', site)}", site),
    feed=gauge(probe.JOB, probe.CONSUMERS, probe.queue_labels),
    yes="a worker said that it consumes the queue",
    no="workers answered and none of them consumes it, or none is alive",
    silence="no worker answered, while others say that some are alive",
    late="at the next scrape",
    look=facts.NO_ANSWER,
)
