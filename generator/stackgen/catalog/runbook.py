"""What a runbook adds to a signal: commands to look, commands that destroy, and where each number comes from.

`{app}`, `{prometheus}` and `{alertmanager}` are filled in from stack.yaml; what stands in angle brackets is filled in
by the person.
Facts: each Celery command line was run on 5.7.0; texts name its answer and exit code where they surprise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from stackgen.catalog.series import Family
from stackgen.catalog.signal import Severity

BrokerKind = Literal["redis", "rabbitmq"]


class Command(NamedTuple):
    """One command line, and what its answer tells or what it does."""

    run: str
    why: str


def places(app: str, prometheus: str, alertmanager: str) -> Mapping[str, str]:
    """What stands for each name in braces: the Celery application, and two addresses."""
    return {"{app}": app, "{prometheus}": prometheus, "{alertmanager}": alertmanager}


def filled(run: str, known: Mapping[str, str]) -> str:
    """A command line with the names in braces replaced."""
    for name, value in known.items():
        run = run.replace(name, value)
    return run


STATUS = Command("celery -A {app} status", "Every worker that answers, in about a second; exit code 69 when none does.")
PING = Command(
    "celery -A {app} inspect ping -d <worker>",
    "One worker, named as `status` names it; exit code 69 without an answer.",
)
ACTIVE = Command("celery -A {app} inspect active", "The tasks that run at this moment, on which worker, since when.")
RESERVED = Command(
    "celery -A {app} inspect reserved",
    "The tasks that workers have prefetched; never the queue's length, which only the broker knows.",
)
ACTIVE_QUEUES = Command("celery -A {app} inspect active_queues", "Which queues each worker consumes.")
STATS = Command("celery -A {app} inspect stats", "Pool size, process ids, uptime, and how often each task was run.")
REGISTERED = Command("celery -A {app} inspect registered", "The tasks that each worker knows.")
QUERY_TASK = Command("celery -A {app} inspect query_task <task-id>", "One task: running, prefetched or unknown.")

SAFE: Mapping[Family | Literal["logs"], tuple[Command, ...]] = {
    "workers": (STATUS, PING, ACTIVE, RESERVED, STATS),
    "queues": (STATUS, ACTIVE_QUEUES, ACTIVE, RESERVED),
    "tasks": (STATUS, ACTIVE, REGISTERED, QUERY_TASK),
    "stack": (STATUS,),
    "logs": (STATUS, ACTIVE, REGISTERED),
}
"""Commands that only look, by family of signals."""

BROKER_DEPTH: Mapping[BrokerKind, tuple[Command, ...]] = {
    "redis": (
        Command("redis-cli LLEN <queue>", "Messages waiting in one queue; add `-h` and `-p`, and set REDISCLI_AUTH."),
        Command("redis-cli HLEN unacked", "Messages that workers hold and have not acknowledged, of all queues."),
    ),
    "rabbitmq": (
        Command(
            "rabbitmqctl list_queues name messages_ready messages_unacknowledged consumers",
            "Every queue with what waits, what workers hold, and who consumes; add `-p` for a vhost.",
        ),
    ),
}
"""The broker's own answer, which does not depend on any worker."""

SHIPPED: Mapping[str, tuple[Command, ...]] = {
    "alloy": (
        Command("docker compose logs --tail=50 alloy", "Files that Alloy cannot read, lines that Loki refused."),
    ),
}
"""What a log shipper says of itself, by shipper."""

SAFE_FOR: Mapping[str, tuple[Command, ...]] = {
    "workers_serving": (
        Command("curl -sS {prometheus}/api/v1/targets", "Where Prometheus looks for workers: see `lastError`."),
        Command("curl -sS http://<worker>:<port>/metrics", "What one worker serves; its log names the port."),
    ),
    "exporter_down": (
        Command("curl -sS {prometheus}/api/v1/targets", "What Prometheus says of each target: see `lastError`."),
    ),
    "scrape_failures": (
        Command(
            "curl -sS {prometheus}/api/v1/targets",
            "How long each scrape takes, `lastScrapeDuration`, beside the timeout of 15 s.",
        ),
    ),
    "rule_failures": (
        Command("curl -sS {prometheus}/api/v1/rules", "Why the rule cannot be evaluated: see `lastError`."),
    ),
    "notification_failures": (
        Command("curl -sS {alertmanager}/-/ready", "Whether Alertmanager is up at all."),
        Command("amtool --alertmanager.url={alertmanager} alert", "What it would have told."),
    ),
    "watchdog": (
        Command("curl -sS {alertmanager}/api/v2/alerts", "The alert as Alertmanager has it, and its receivers."),
    ),
}
"""Commands for one signal alone, by signal."""

SHUTDOWN = Command(
    "celery -A {app} control shutdown -d <worker>",
    "Stops that worker after its running tasks; without `-d` it stops **every** worker. It works and still exits "
    "with 69, `No nodes replied`: who shuts down does not answer.",
)
REVOKE = Command(
    "celery -A {app} control revoke <task-id>",
    "The task will not run if it has not begun. Workers remember it in memory only: without `--statedb` a restart "
    "forgets it.",
)
TERMINATE = Command(
    "celery -A {app} control terminate SIGTERM <task-id>",
    "Kills the pool process that runs the task; by then the process may run another one. What it had written stays "
    "half done.",
)
PURGE = Command(
    "celery -A {app} purge -f -Q <queue>",
    "Deletes **every** message of the queue, for ever. Without `-Q` it takes all queues the application declares, and "
    "without `-f` it asks. Save what you can first.",
)

DANGEROUS: Mapping[Family | Literal["logs"], tuple[Command, ...]] = {
    "workers": (SHUTDOWN,),
    "queues": (REVOKE, SHUTDOWN, PURGE),
    "tasks": (REVOKE, TERMINATE, SHUTDOWN),
    "stack": (),
    "logs": (),
}
"""Commands that lose work, by family of signals."""

NORMAL_QUEUES = frozenset(
    {"queue_length", "queue_growth", "queue_wait_p95", "queue_stuck", "queue_no_consumers", "queue_drain_time"}
)
"""Signals that leave dead letter queues alone."""

_WORKERS, _QUEUES, _TASKS = (f'guide, "{section} Metrics"' for section in ("Worker Health", "Queue", "Task"))
_CRITICAL, _WARNING = 'guide, "Critical Alerts"', 'guide, "Warning Alerts"'

ORIGINS: Mapping[tuple[str, Severity], str] = {
    ("workers_active", "critical"): f"{_WORKERS} and {_CRITICAL}",
    ("worker_cpu", "warning"): f"{_WORKERS} and {_WARNING}",
    ("worker_memory", "warning"): f"{_WORKERS} and {_WARNING}",
    ("worker_uptime", "info"): _WORKERS,
    ("queue_length", "warning"): _QUEUES,
    ("queue_length", "critical"): _CRITICAL,
    ("queue_growth", "warning"): _QUEUES,
    ("queue_wait_p95", "warning"): _QUEUES,
    ("dead_letter_length", "warning"): _QUEUES,
    ("task_success_ratio", "warning"): _TASKS,
    ("task_failure_ratio", "warning"): _TASKS,
    ("task_failure_ratio", "critical"): _CRITICAL,
    ("task_duration_p95", "warning"): f"{_TASKS} and {_WARNING}",
    ("task_retry_ratio", "warning"): _TASKS,
    ("task_timeout_ratio", "warning"): _TASKS,
}
"""Where a default threshold was taken from; what is not listed is the catalogue's own choice."""


def origin(signal_id: str, severity: Severity) -> str:
    """The section of the guide that has this number, or `ours`."""
    return ORIGINS.get((signal_id, severity), "ours")
