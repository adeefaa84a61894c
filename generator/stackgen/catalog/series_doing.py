"""The canonical series of what workers do now: what runs, what waits inside them, what was delivered again."""

from __future__ import annotations

from stackgen.catalog.series import Series

TASK_RUNNING = Series(
    name="celery:task_running:seconds",
    labels=("task", "worker"),
    unit="seconds",
    family="tasks",
    meaning="How long the longest execution of a task has run that runs now on a worker; absent under 5 s.",
    rare=True,
    part="running",
)
TASK_LIMIT = Series(
    name="celery:task_limit:seconds",
    labels=("task", "worker"),
    unit="seconds",
    family="tasks",
    meaning="The time limit of that execution: the hard one, else the soft one; absent without any.",
    rare=True,
    part="running",
)
TASK_VISIBILITY = Series(
    name="celery:task_visibility:seconds",
    labels=("task", "worker", "timeout"),
    unit="seconds",
    family="tasks",
    meaning="Redis's visibility timeout, where the message of that execution is acknowledged when it ends.",
    rare=True,
    part="running",
)
TASK_STARTS = Series(
    name="celery:task_message_starts:max",
    labels=("task", "worker"),
    unit="count",
    family="tasks",
    meaning="How often a worker started one message that was delivered again, the most within the hour.",
    rare=True,
    part="running",
)
EVENTS_UNHEARD = Series(
    name="celery:events_unheard:bool",
    labels=("source",),
    unit="count",
    family="queues",
    meaning="1 while others tell that workers take tasks and this source hears no event of it.",
    shared=True,
    rare=True,
)
WORKER_SLOTS = Series(
    name="celery:worker_slots:ratio",
    labels=("worker",),
    unit="ratio",
    family="queues",
    meaning="Executions that run in a worker, of those that its pool may run at once.",
)
WORKER_IDLE = Series(
    name="celery:worker_idle:seconds",
    labels=("worker",),
    unit="seconds",
    family="queues",
    meaning="Time since a worker last began a task; since it started, when it began none.",
)
WORKER_CONSUMES = Series(
    name="celery:worker_consumes:bool",
    labels=("worker", "queue"),
    unit="count",
    family="queues",
    meaning="1 for each queue that a worker takes from.",
)
WORKER_RESERVED = Series(
    name="celery:worker_reserved:seconds",
    labels=("worker", "queue"),
    unit="seconds",
    family="queues",
    meaning="How long the message has been seen to wait inside a worker that is due and waits longest.",
    rare=True,
)
WORKER_DELAYED = Series(
    name="celery:worker_delayed:count",
    labels=("worker", "queue"),
    unit="tasks",
    family="queues",
    meaning="Messages that a worker holds because their ETA is to come.",
    rare=True,
)
QUEUE_SLOTS = Series(
    name="celery:queue_free_slots:sum",
    labels=("queue",),
    unit="count",
    family="queues",
    meaning="Executions that the workers of a queue could begin at once.",
)
ENTRY_STARTED = Series(
    name="celery:entry_started:timestamp",
    labels=("entry", "task"),
    unit="seconds",
    family="schedule",
    meaning="Unix time at which a worker last began a run of an entry of beat's schedule.",
    rare=True,
)
ENTRY_SUCCEEDED = Series(
    name="celery:entry_succeeded:timestamp",
    labels=("entry", "task"),
    unit="seconds",
    family="schedule",
    meaning="Unix time at which a run of an entry last succeeded.",
    rare=True,
)
ENTRY_RUNNING = Series(
    name="celery:entry_running:count",
    labels=("entry", "task"),
    unit="tasks",
    family="schedule",
    meaning="Runs of an entry that run now.",
    rare=True,
)
ENTRY_RUNTIME = Series(
    name="celery:entry_runtime:seconds",
    labels=("entry", "task"),
    unit="seconds",
    family="schedule",
    meaning="The longest run of an entry, of those that run now or ended within 5 minutes.",
    rare=True,
)
