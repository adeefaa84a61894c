"""Queues that exist and that stack.yaml does not name: nobody watches them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stackgen.catalog import promql
from stackgen.catalog.site import RESERVED_QUEUES
from stackgen.catalog.sources.celery_exporter_metrics import QUEUE_LENGTH_METRIC
from stackgen.doctor.finding import Finding
from stackgen.doctor.seen import Seen

_MOST = 10


def check(seen: Seen) -> Iterator[Finding]:
    """One finding for all unknown queues together."""
    site = seen.plan.site
    there = {queue for queues in seen.vhosts.values() for queue in queues} | (
        set(seen.broker.queues) if seen.broker else set()
    )
    there |= {s.labels["queue_name"] for s in seen.exporter or () if s.name == QUEUE_LENGTH_METRIC.name}
    left_out = re.compile(
        "|".join([RESERVED_QUEUES, *map(promql.wildcard, (*site.ignored_queues, *site.queue_patterns))])
    )
    unknown = sorted(q for q in there - set(site.queues) if q and not left_out.fullmatch(q))
    if unknown:
        more = len(unknown) - _MOST
        listed = f"{', '.join(unknown[:_MOST])}{f' and {more} more' if more > 0 else ''}"
        yield Finding(
            "unknown-queue",
            f"the broker has queues that stack.yaml does not name: {listed}",
            "name them under queues, or under ignore.queues; without workers they have no series and no alert",
        )
