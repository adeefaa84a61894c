"""The canonical series: the contract between sources, which compute them, and signals, which judge them.

Names follow level:metric:operation with the vocabulary of the guide. Only sources/ knows an exporter's names.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, NamedTuple

from stackgen.catalog import promql

Family = Literal["workers", "queues", "tasks", "schedule", "stack", "logs"]
Unit = Literal["tasks", "workers", "ratio", "seconds", "per_second", "count"]
Kind = Literal["gauge", "counter"]
Slow = Literal["losses", "durations"]
Part = Literal[Slow, "running", "machines", "targets", "delivery"]

WINDOW = 300
"""Seconds of a `5m` series: the window of the guide's queries."""
OUTCOME_WINDOW = 600
"""Seconds in which outcomes are counted: longer than the guide's `for: 5m`, or a burst leaves before it is told."""
STATES = ("SUCCESS", "FAILURE", "RETRY", "REVOKED", "REJECTED")
"""Values of the label `state`: how one execution of a task ended."""
FINAL = tuple(state for state in STATES if state != "RETRY")
"""Those after which a task is not tried again."""


def limit(value: Fraction, unit: Unit) -> str:
    """A threshold as a person writes it: 5000, 5%, 5m, 10/s."""
    if unit == "ratio":
        return f"{promql.number(value * 100)}%"
    if unit == "seconds":
        return promql.seconds(value)
    return promql.number(value) + ("/s" if unit == "per_second" else "")


class Series(NamedTuple):
    """One canonical series: its name, labels, unit, and what it means whichever exporter is used."""

    name: str
    labels: tuple[str, ...]
    unit: Unit
    family: Family
    meaning: str
    kind: Kind = "gauge"
    """What it is computed from: a gauge's value, or a counter's growth over the window."""
    window: int = WINDOW
    """Seconds a counter's growth is taken over; 0: since the last evaluation."""
    warmup: int = 0
    """Seconds until a value computed from a counter is complete."""
    shared: bool = False
    """Whether rules of other groups may read it, one evaluation late: they wait for longer than that anyway."""
    rare: bool = False
    """Whether a healthy system may have no value of it: only while something is wrong, or is used at all."""
    part: Part | None = None
    """The part of the family, if any, that hears of no other: its rules and what is judged of them are a group."""

    @property
    def slow(self) -> Slow | None:
        """The part that is evaluated less often: what is judged of it waits for longer."""
        match self.part:
            case "losses" | "durations":
                return self.part
            case _:
                return None

    @property
    def group(self) -> str:
        """The group of rules that records it."""
        return f"{self.family}_{self.part}" if self.part else self.family


WORKERS_ACTIVE = Series(
    name="celery:workers_active:count",
    labels=(),
    unit="workers",
    family="workers",
    meaning="Workers that are alive. 0 when every witness that is heard says so; absent when they disagree.",
    shared=True,
)
WORKERS_SERVING = Series(
    name="celery:workers_serving:count",
    labels=(),
    unit="workers",
    family="workers",
    meaning="Workers whose own metrics endpoint is scraped; 0 when none is.",
)
WORKER_CPU = Series(
    name="celery:worker_cpu:ratio5m",
    labels=("worker",),
    unit="ratio",
    family="workers",
    meaning="CPU time a worker and its pool used, of what the pool could use, over 5 minutes.",
    warmup=WINDOW,
    part="machines",
)
WORKER_MEMORY = Series(
    name="celery:worker_memory:ratio",
    labels=("worker",),
    unit="ratio",
    family="workers",
    meaning="Resident memory of a worker and its pool, of its limit.",
    part="machines",
)
WORKER_START = Series(
    name="celery:worker_start:timestamp",
    labels=("worker",),
    unit="seconds",
    family="workers",
    meaning="Unix time at which a worker started.",
    part="machines",
)
QUEUE_LENGTH = Series(
    name="celery:queue_length:max",
    labels=("queue",),
    unit="tasks",
    family="queues",
    meaning="Messages waiting in the broker, not counting those that workers have prefetched.",
    shared=True,
)
QUEUE_WORKERS = Series(
    name="celery:queue_workers:count",
    labels=("queue",),
    unit="workers",
    family="queues",
    meaning="Workers that consume a queue. 0 when every witness that is heard says so; absent when they disagree.",
)
WORKER_TASKS = Series(
    name="celery:worker_tasks:active",
    labels=("worker",),
    unit="tasks",
    family="queues",
    meaning="Tasks that a worker says it is working on, while it lives.",
)
DELAYED_UNDELIVERED = Series(
    name="celery:delayed_undelivered:count",
    labels=(),
    unit="tasks",
    family="queues",
    meaning="Tasks of native delayed delivery whose time has come and that no queue takes; absent where none is used.",
    rare=True,
)
TASKS_STARTED = Series(
    name="celery:tasks_started:increase5m",
    labels=("queue",),
    unit="tasks",
    family="queues",
    meaning="Tasks of a queue that a worker began in the last 5 minutes.",
    kind="counter",
)
TASK_WAIT_BUCKET = Series(
    name="celery:task_wait_time_seconds_bucket:increase5m",
    labels=("queue", "le"),
    unit="tasks",
    family="queues",
    meaning="Tasks started in the last 5 minutes after at most `le` seconds in the queue.",
    kind="counter",
)
TASKS = Series(
    name="celery:tasks:increase10m",
    labels=("task", "queue", "state"),
    unit="tasks",
    family="tasks",
    meaning="Executions that ended in the last 10 minutes, by how they ended.",
    kind="counter",
    window=OUTCOME_WINDOW,
    shared=True,
)
TASKS_NEW = Series(
    name="celery:tasks:new",
    labels=("task", "state"),
    unit="tasks",
    family="tasks",
    meaning="Executions that ended since the last evaluation, but for retries; absent where none did.",
    kind="counter",
    window=0,
    part="losses",
)
TASKS_UNKNOWN = Series(
    name="celery:tasks_unknown:increase10m",
    labels=(),
    unit="tasks",
    family="tasks",
    meaning="Messages that workers dropped in the last 10 minutes because they do not know the task.",
    kind="counter",
    window=OUTCOME_WINDOW,
)
TASK_DURATION_BUCKET = Series(
    name="celery:task_duration_seconds_bucket:increase5m",
    labels=("task", "queue", "le"),
    unit="tasks",
    family="tasks",
    meaning="Executions that ended in the last 5 minutes after at most `le` seconds.",
    kind="counter",
    part="durations",
)
TASK_DURATION_SUM = Series(
    name="celery:task_duration_seconds_sum:increase5m",
    labels=("task", "queue"),
    unit="seconds",
    family="tasks",
    meaning="Seconds spent by the executions that ended in the last 5 minutes.",
    kind="counter",
    part="durations",
)
TASK_TIMEOUTS = Series(
    name="celery:task_timeouts:increase10m",
    labels=("task", "queue"),
    unit="tasks",
    family="tasks",
    meaning="Executions that hit a soft or hard time limit in the last 10 minutes.",
    kind="counter",
    window=OUTCOME_WINDOW,
)
SOURCE_UP = Series(
    name="celery:source_up:max",
    labels=("source",),
    unit="count",
    family="stack",
    meaning="1 while at least one replica of a source of metrics is scraped, else 0; never absent.",
    part="targets",
)
SOURCE_FAILED_SCRAPES = Series(
    name="celery:source_failed_scrapes:count15m",
    labels=("source",),
    unit="count",
    family="stack",
    meaning="Failed scrapes of a source in the last 15 minutes, of an outage of all replicas three; the worst counts.",
    part="targets",
)
BROKER_UP = Series(
    name="celery:broker_up:max",
    labels=(),
    unit="count",
    family="stack",
    meaning="1 while the broker answers anybody, 0 when every witness that is heard says that it does not.",
)
BROKER_BLOCKED = Series(
    name="celery:broker_blocked:max",
    labels=("alarm",),
    unit="count",
    family="stack",
    meaning="1 while the broker takes no messages because of this alarm, else 0.",
    shared=True,
)
BROKER_EXPIRED = Series(
    name="celery:broker_expired:increase10m",
    labels=(),
    unit="tasks",
    family="stack",
    meaning="Messages that the broker dropped in the last 10 minutes because their time to live had passed.",
    kind="counter",
    window=OUTCOME_WINDOW,
)
SOURCE_BLIND = Series(
    name="celery:source_blind:bool",
    labels=("missing",),
    unit="count",
    family="stack",
    meaning="1 while a source is scraped and does not give what it always should.",
    rare=True,
)
RULE_FAILURES = Series(
    name="celery:rule_failures:increase5m",
    labels=("rule_group",),
    unit="count",
    family="stack",
    meaning="Evaluations of a rule group that failed in the last 5 minutes.",
    kind="counter",
    part="delivery",
)
NOTIFICATION_FAILURES = Series(
    name="celery:notification_failures:increase5m",
    labels=("integration",),
    unit="count",
    family="stack",
    meaning="Notifications that Alertmanager could not deliver in the last 5 minutes.",
    kind="counter",
    part="delivery",
)
LOG_LINES_DROPPED = Series(
    name="celery:log_lines_dropped:increase5m",
    labels=("program",),
    unit="count",
    family="stack",
    meaning="Log lines that a shipper or its backend gave up for good in the last 5 minutes.",
    kind="counter",
    part="delivery",
)
