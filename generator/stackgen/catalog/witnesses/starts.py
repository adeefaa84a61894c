"""Do workers begin tasks at all, of whatever queue? Asked where nobody says of which queue a task was that began."""

from __future__ import annotations

from stackgen.catalog import facts
from stackgen.catalog.counting import increase, none_told
from stackgen.catalog.site import Site
from stackgen.catalog.source import Metric, counter
from stackgen.catalog.sources import celery_exporter, celery_exporter_metrics, flower
from stackgen.catalog.witness import Witness

_CELERY_EXPORTER = f'job="{celery_exporter.JOB}"'
_FLOWER = f'job="{flower.JOB}"'


def _begun(metric: Metric, matchers: tuple[str, ...], heard_by: str, site: Site) -> str:
    """Whether any began within the window; nothing while the source hears no worker and others see some."""
    if "events_off" in site.facts or facts.starts_by_queue(site):
        return ""
    count = f"max(sum by (instance) ({increase(metric.name, matchers, site, 'first value')})) > bool 0"
    return f"({count} or {none_told(matchers[0], site)}){facts.unless_doubted(heard_by, site)}"


EVENTS = Witness(
    fact="starts",
    name="events",
    source="celery-exporter",
    says=lambda site: _begun(celery_exporter_metrics.STARTED, (_CELERY_EXPORTER,), "heartbeats", site),
    feed=counter(celery_exporter.JOB, celery_exporter_metrics.STARTED.name, celery_exporter.event_labels),
    yes="celery-exporter heard in the last 5 minutes that a task began",
    no="it heard of none: none began, or the events of tasks do not reach it",
    silence="celery-exporter is down, or hears no worker at all while others see some",
    late="5 minutes after the last start",
    look="whether workers send events (-E, worker_send_task_events) and celery-exporter hears them",
)
FLOWER = Witness(
    fact="starts",
    name="flower",
    source="flower",
    says=lambda site: _begun(flower.EVENTS, (_FLOWER, 'type="task-started"'), "flower", site),
    feed=counter(flower.JOB, flower.EVENTS.name, flower.started_labels),
    yes="Flower heard in the last 5 minutes that a task began",
    no="it heard of none: none began, or the events of tasks do not reach it",
    silence="Flower is down, or hears no worker at all while others see some",
    late="5 minutes after the last start",
    look="whether workers send events (-E, worker_send_task_events) and Flower hears them",
)
