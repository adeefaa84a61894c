"""Which alert mutes which others: only where the cause of the one explains the other, never the watchdog.

An alert that is muted is told by nobody, so each entry names what it mutes; nothing is muted by family or severity
alone. `equal` on a label that both sides lack counts as equal, so it lists only labels that both sides always carry.
Source: https://prometheus.io/docs/alerting/latest/configuration/#inhibition-related-settings
"""

from __future__ import annotations

from typing import NamedTuple

from stackgen.catalog.signal import Severity, Signal
from stackgen.catalog.signals.beat import BEAT_GONE, ENTRY_MISSED
from stackgen.catalog.signals.evidence import SOURCE_BLIND_SIGNAL
from stackgen.catalog.signals.logs import FAILURES, SILENCE
from stackgen.catalog.signals.queues import (
    QUEUE_DRAIN_TIME,
    QUEUE_GROWTH,
    QUEUE_LENGTH_SIGNAL,
    QUEUE_NO_CONSUMERS,
    QUEUE_STUCK,
    QUEUE_WAIT_P95,
    QUEUE_WORKERS_SIGNAL,
)
from stackgen.catalog.signals.queues_oldest import QUEUE_OLDEST_SIGNAL
from stackgen.catalog.signals.queues_stuck import QUEUES_STUCK
from stackgen.catalog.signals.stack import BROKER_BLOCKED_SIGNAL, BROKER_DOWN, EXPORTER_DOWN, SCRAPE_FAILURES, WATCHDOG
from stackgen.catalog.signals.tasks import FAILURE_RATIO
from stackgen.catalog.signals.tasks_lost import LOSS_STREAK
from stackgen.catalog.signals.tasks_periodic import OVERDUE
from stackgen.catalog.signals.workers import WORKER_UPTIME, WORKERS_ACTIVE_SIGNAL, WORKERS_MISSING, WORKERS_NEEDED

SAME_STACK = ("stack", "environment")
"""Labels that Prometheus, or in Loki the rule, adds to every alert: one Alertmanager may serve several stacks."""
SEVERITY_LADDER: tuple[tuple[Severity, tuple[Severity, ...]], ...] = (
    ("critical", ("warning", "info")),
    ("warning", ("info",)),
)
"""A severity, and what it mutes of the same signal about the same subject."""
BLIND = EXPORTER_DOWN
"""Mutes every alert that reads a series of the source that is down; the plan knows which."""
NEVER_MUTED = (WATCHDOG, BROKER_DOWN, BROKER_BLOCKED_SIGNAL)
"""The watchdog proves that alerts arrive. The broker's alerts mute others, so nothing may mute them: no circles."""


class Inhibition(NamedTuple):
    """While `by` fires, `mutes` are not told."""

    by: Signal
    mutes: tuple[Signal, ...]
    why: str
    equal: tuple[str, ...] = ()
    """Labels in which both must agree, besides those of the stack."""
    sources: tuple[str, ...] = ()
    """Only those of `mutes` whose label `source` is one of these; () for any."""


_WITHOUT_WORKERS = (
    *(QUEUE_LENGTH_SIGNAL, QUEUE_GROWTH, QUEUE_WAIT_P95, QUEUE_STUCK, QUEUE_DRAIN_TIME),
    *(QUEUE_NO_CONSUMERS, QUEUE_WORKERS_SIGNAL, WORKERS_MISSING, OVERDUE, QUEUE_OLDEST_SIGNAL, QUEUES_STUCK),
)

INHIBITIONS = (
    Inhibition(
        by=BROKER_DOWN,
        mutes=(*_WITHOUT_WORKERS, WORKERS_ACTIVE_SIGNAL, WORKERS_NEEDED, WORKER_UPTIME, SOURCE_BLIND_SIGNAL),
        why="Without a broker no queue moves and no worker answers.",
    ),
    Inhibition(
        by=BROKER_BLOCKED_SIGNAL,
        mutes=(*_WITHOUT_WORKERS, WORKERS_ACTIVE_SIGNAL, WORKERS_NEEDED, WORKER_UPTIME, SOURCE_BLIND_SIGNAL),
        why="While publishers are blocked workers' heartbeats and answers do not arrive, and nothing is sent.",
    ),
    Inhibition(
        by=BROKER_DOWN,
        mutes=(EXPORTER_DOWN, SCRAPE_FAILURES),
        sources=("celery-exporter", "rabbitmq"),  # the others stay up without the broker
        why="These sources go down with their broker.",
    ),
    Inhibition(
        by=WORKERS_ACTIVE_SIGNAL,
        mutes=_WITHOUT_WORKERS,
        why="Without workers every queue waits and nothing runs on time.",
    ),
    Inhibition(
        by=WORKERS_NEEDED,
        mutes=_WITHOUT_WORKERS,
        why="Without workers every queue waits and nothing runs on time.",
    ),
    Inhibition(
        by=BEAT_GONE,
        mutes=(ENTRY_MISSED, OVERDUE),
        why="Without beat nothing periodic is sent.",
    ),
    Inhibition(
        by=BROKER_DOWN,
        mutes=(BEAT_GONE, ENTRY_MISSED),
        why="Without a broker beat can send nothing, and hangs while it tries.",
    ),
    Inhibition(
        by=WORKERS_ACTIVE_SIGNAL,
        mutes=(SILENCE,),
        why="Without workers nobody writes into the logs.",
    ),
    Inhibition(
        by=FAILURE_RATIO,
        mutes=(FAILURES, LOSS_STREAK),
        equal=("task",),
        why="The share of failures of the same task is told already.",
    ),
    Inhibition(
        by=EXPORTER_DOWN,
        mutes=(SCRAPE_FAILURES,),
        equal=("source",),
        why="A source that is down fails every scrape.",
    ),
)
"""Fixed relations. Dead letters, a worker's CPU and memory, and failing tasks have causes of their own."""
