"""Small worlds that show what a source's reading makes of them: the cases that its general shape does not reach.

The numbers expected are worked out by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from stackgen.cases import examples_stack, examples_workers
from stackgen.cases.worlds import Example
from stackgen.catalog.series import (
    BROKER_UP,
    NOTIFICATION_FAILURES,
    QUEUE_LENGTH,
    RULE_FAILURES,
    SOURCE_FAILED_SCRAPES,
    SOURCE_UP,
    WORKER_CPU,
    WORKER_MEMORY,
    WORKER_START,
    WORKERS_ACTIVE,
    WORKERS_SERVING,
    Series,
)
from stackgen.catalog.site import Site
from stackgen.resolve.plan import Chosen

WORLDS: Mapping[tuple[str, str], Callable[[Site], Iterator[Example]]] = {
    ("celery-exporter", WORKERS_ACTIVE.name): examples_workers.exporter_workers,
    ("flower", WORKERS_ACTIVE.name): examples_workers.flower_workers,
    ("process-exporter", WORKERS_ACTIVE.name): examples_workers.process_workers,
    ("process-exporter", WORKER_START.name): examples_workers.process_start,
    ("process-exporter", WORKER_CPU.name): examples_workers.process_cpu,
    ("cadvisor", WORKER_CPU.name): examples_workers.container_cpu,
    ("cadvisor", WORKER_MEMORY.name): examples_workers.container_memory,
    ("worker", WORKERS_SERVING.name): examples_workers.worker_endpoints,
    ("worker", WORKER_CPU.name): examples_workers.worker_cpu,
    ("worker", WORKER_MEMORY.name): examples_workers.worker_memory,
    ("redis", QUEUE_LENGTH.name): examples_stack.redis_length,
    ("redis", BROKER_UP.name): examples_stack.redis_up,
    ("prometheus", SOURCE_UP.name): examples_stack.source_up,
    ("prometheus", SOURCE_FAILED_SCRAPES.name): examples_stack.failed_scrapes,
    ("prometheus", RULE_FAILURES.name): examples_stack.rule_failures,
    ("prometheus", NOTIFICATION_FAILURES.name): examples_stack.notifications,
}
"""By source and canonical series."""


def has_examples(chosen: Chosen) -> bool:
    """Whether there is a world of this reading."""
    return (chosen.source.id, chosen.series.name) in WORLDS


def examples(source: str, series: Series, site: Site) -> Iterator[Example]:
    """The worlds of one reading; none where the general stories say it all."""
    world = WORLDS.get((source, series.name))
    if world and source not in site.match:  # a pattern of the user's own need not fit the names used here
        yield from world(site)
