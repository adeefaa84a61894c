"""The canonical series of what should begin: beat, the entries of its schedule, and messages that wait."""

from __future__ import annotations

from stackgen.catalog.series import Series

BEATS = Series(
    name="celery:beats:count",
    labels=(),
    unit="count",
    family="schedule",
    meaning="Beats whose clock goes on; 0 when there is none.",
)
ENTRY_LATE = Series(
    name="celery:beat_entry_late:seconds",
    labels=("entry", "task"),
    unit="seconds",
    family="schedule",
    meaning="Time since beat should have sent an entry of its schedule, and has not; 0 until it is due.",
)
ENTRY_DUE = Series(
    name="celery:beat_entry_due:timestamp",
    labels=("entry", "task"),
    unit="seconds",
    family="schedule",
    meaning="Unix time at which beat must send an entry of its schedule next; in the past until it is sent.",
)
ENTRY_PERIOD = Series(
    name="celery:beat_entry_period:seconds",
    labels=("entry", "task"),
    unit="seconds",
    family="schedule",
    meaning="Time from when an entry is due next to when it is due again.",
)
ENTRY_SENT = Series(
    name="celery:beat_entry_sent:timestamp",
    labels=("entry", "task"),
    unit="seconds",
    family="schedule",
    meaning="Unix time at which beat last sent an entry of its schedule.",
)
ENTRY_RUNS = Series(
    name="celery:beat_entry_sent:increase5m",
    labels=("entry", "task"),
    unit="tasks",
    family="schedule",
    meaning="How often beat sent an entry of its schedule in the last 5 minutes.",
    kind="counter",
)
QUEUE_OLDEST = Series(
    name="celery:queue_oldest:seconds",
    labels=("queue",),
    unit="seconds",
    family="queues",
    meaning="Time for which the message of a queue has waited that is next; absent where none waits.",
    rare=True,
)
