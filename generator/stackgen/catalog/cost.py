"""What the rules cost a Prometheus: numbers that were measured, in one place.

Source: `python -m bench.prometheus`, celery-exporter 0.12.2, 20 hosts, Prometheus 3.5, two cores with neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from stackgen.catalog.site import Site
from stackgen.catalog.sources.celery_exporter_launch import tells_hosts

SECONDS = Fraction(9, 1_000_000)
"""CPU of all rules, for each series at each evaluation; what is evaluated less often has its part in it."""
EXPECTED = Fraction(1, 10)
"""Share of the evaluation interval from which on `generate` says what the rules will cost."""
LATE = Fraction(1, 2)
"""Share of its interval that a group may take until `doctor` calls it slow: at twice that, evaluations are missed."""
SELECTED = "celery_task_.+"
"""Names of the series that grow with tasks and workers."""


@dataclass(frozen=True)
class Measured:
    """What so many series took."""

    series: int
    words: dict[str, str]


MEASURED = (
    Measured(10_000, {"say": "25 tasks, 20 workers", "memory": "0.2 GB", "cpu": "0.1 s", "longest": "0.1 s"}),
    Measured(100_000, {"say": "250 tasks, 20 workers", "memory": "0.5 GB", "cpu": "0.9 s", "longest": "1 s"}),
)


def each(bounds: int) -> int:
    """Series of one task on one worker: counters, buckets with `+Inf`, sum and count."""
    return 9 + bounds


def of_hosts(site: Site) -> bool:
    """Whether each worker has series of its own."""
    return tells_hosts(site.versions.get("celery-exporter", ""))


def series(tasks: int, workers: int, site: Site) -> int:
    """Series of so many tasks when each of so many workers runs all of them."""
    hosts = workers if of_hosts(site) else 1
    return tasks * hosts * each(len(site.duration_buckets))
