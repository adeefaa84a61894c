"""Whether stack.yaml and the broker's address mean the same part of the broker, and whether our queues are there."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.catalog.series import QUEUE_LENGTH
from stackgen.doctor.broker import Broker
from stackgen.doctor.finding import Finding
from stackgen.doctor.seen import Seen, alerts

_MOST = 10


def check(seen: Seen) -> Iterator[Finding]:
    """A wrong database or virtual host, nothing of ours, queues that nobody sees."""
    suffer = alerts(seen.plan, [QUEUE_LENGTH]) if QUEUE_LENGTH.name in seen.plan.chosen else ()
    if seen.broker:
        yield from _other_part(seen, seen.broker, suffer)
    yield from _vhosts(seen, suffer)
    yield from _unseen(seen, suffer)


def _other_part(seen: Seen, broker: Broker, suffer: tuple[str, ...]) -> Iterator[Finding]:
    """What stack.yaml says against what the address says."""
    corner, here = seen.plan.site.corner, broker.here
    asked = any(one.source.id == "redis" for one in seen.plan.scraped)
    if here.database is not None and here.database != (corner.database or 0) and (asked or corner.database is not None):
        said = "names none, so redis_exporter looks into 0" if corner.database is None else f"says {corner.database}"
        what = f"the broker's address leads to database {here.database}, and celery.broker.database {said}"
        yield Finding(
            "other-database", what, f"celery.broker.database: {here.database}, or correct the address", suffer
        )
    if here.vhost is not None and corner.vhost not in (None, here.vhost):
        what = f"the broker's address leads to {here}, and celery.broker.vhost says {corner.vhost!r}"
        yield Finding("other-vhost", what, f"celery.broker.vhost: {here.vhost}, or correct the address", suffer)


def _vhosts(seen: Seen, suffer: tuple[str, ...]) -> Iterator[Finding]:
    """Queues of ours that RabbitMQ shows in several virtual hosts, of which stack.yaml names none."""
    wanted = set(seen.plan.site.queues)
    having = sorted(vhost for vhost, queues in seen.vhosts.items() if wanted & queues)
    if seen.plan.site.corner.vhost is None and len(having) > 1:
        what = (
            f"queues of these names are in {len(having)} virtual hosts, and all are judged: {', '.join(having[:_MOST])}"
        )
        yield Finding("several-vhosts", what, "name the one that is yours in celery.broker.vhost", suffer)


def _unseen(seen: Seen, suffer: tuple[str, ...]) -> Iterator[Finding]:
    """Queues of stack.yaml that no program has declared, or that no source sees."""
    wanted = seen.plan.site.queues
    if seen.broker is not None and (lacking := [queue for queue in wanted if queue not in seen.broker.queues]):
        places = [str(place) for place, queues in seen.broker.elsewhere.items() if set(wanted) & queues]
        if places and len(lacking) == len(wanted):
            there = ", ".join(places[:_MOST])
            what = f"nothing of this stack is in {seen.broker.here}; queues of these names are in {there}"
            fix = "correct celery.broker (database, transport_options.global_keyprefix), and the address"
            yield Finding("nothing-ours", what, fix, suffer)
        else:
            what = f"no program has declared these queues in {seen.broker.here}: {_listed(lacking)}"
            yield Finding("queue-unseen", what, "start what uses them, or correct their names under queues", suffer)
    elif seen.lengths is not None and (lacking := [queue for queue in wanted if queue not in seen.lengths]):
        what = f"no source sees these queues, so nothing about them is judged: {_listed(lacking)}"
        yield Finding("queue-unseen", what, "correct their names under queues, or what celery.broker says", suffer)


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST
    return f"{', '.join(names[:_MOST])}{f' and {more} more' if more > 0 else ''}"
