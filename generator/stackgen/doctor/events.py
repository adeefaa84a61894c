"""Faults in what celery-exporter exposes: events that nobody sends, priorities that nobody adds up."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.catalog.series import QUEUE_LENGTH
from stackgen.catalog.sources import celery_exporter_metrics as source
from stackgen.doctor.exposition import Sample
from stackgen.doctor.finding import Finding
from stackgen.doctor.seen import EXPORTER, Seen, alerts, listens_to_events

_RECEIVED = "celery_task_received_total"
_SENT = "celery_task_sent_total"


def check(seen: Seen) -> Iterator[Finding]:
    """Every fault that the exporter's own series show."""
    if seen.exporter is None or EXPORTER not in seen.plan.site.jobs:
        return
    yield from _events(seen, seen.exporter)
    yield from _sent(seen, seen.exporter)


def _total(samples: tuple[Sample, ...], name: str) -> float:
    return sum(sample.value for sample in samples if sample.name == name)


def _events(seen: Seen, samples: tuple[Sample, ...]) -> Iterator[Finding]:
    """Heartbeats come without task events, so that workers are seen and no task of theirs is."""
    blind = listens_to_events(seen.plan)
    heard = _total(samples, _RECEIVED) + _total(samples, source.STARTED.name)
    if not blind or heard or not _total(samples, source.WORKER_UP.name):
        return
    sent = _total(samples, _SENT)
    proof = f"{sent:.0f} tasks were sent and none was seen to arrive" if sent else "no task was ever seen"
    yield Finding(
        "events-off",
        f"workers send heartbeats and no task events: {proof}",
        "start every worker with -E, or set worker_send_task_events = True (if no task ran yet, run one and ask again)",
        alerts(seen.plan, blind, EXPORTER),
    )


def _sent(seen: Seen, samples: tuple[Sample, ...]) -> Iterator[Finding]:
    received = _total(samples, _RECEIVED)
    if "sent_events_off" in seen.plan.site.facts or not received or _total(samples, _SENT):
        return
    suffer = [
        c.series
        for c in seen.plan.chosen.values()
        if c.source.id == EXPORTER and "sent_events_off" in c.reading.spoiled_by
    ]
    yield Finding(
        "sent-events-off",
        f"{received:.0f} tasks arrived and none was seen to be sent: every task reads as being in queue celery",
        "set task_send_sent_event = True in every program that sends tasks, or celery.sent_events: false in stack.yaml",
        alerts(seen.plan, suffer, EXPORTER),
    )


def priorities(seen: Seen) -> Iterator[Finding]:
    """Lists of a priority that nobody adds up."""
    chosen = seen.plan.chosen.get(QUEUE_LENGTH.name)
    counted = chosen is not None and any(one.id == "redis" for one in chosen.sources)
    used = {q: n for q, n in (seen.broker.priorities if seen.broker else {}).items() if q in seen.plan.site.queues}
    if used and not counted:
        listed = ", ".join(f"{queue} ({count} tasks)" for queue, count in sorted(used.items())[:5])
        yield Finding(
            "priorities",
            f"tasks are sent with priorities, and only the first of Redis's lists is counted: {listed}",
            "set celery.broker.priorities: true in stack.yaml and list the source redis",
            alerts(seen.plan, [QUEUE_LENGTH]),
        )
