"""What a runbook adds to the signals of a family: commands to look, and commands that destroy.

`{app}`, `{prometheus}`, `{alertmanager}` and `{scrape_timeout}` are filled in from stack.yaml; what stands in angle
brackets is filled in by the person.
Facts: each Celery command line was run on 5.7.0; texts name its answer and exit code where they surprise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from stackgen.catalog.series import Family

BrokerKind = Literal["redis", "rabbitmq"]


class Command(NamedTuple):
    """One command line, and what its answer tells or what it does."""

    run: str
    why: str


def places(app: str, prometheus: str, alertmanager: str, scrape_timeout: str) -> Mapping[str, str]:
    """What stands for each name in braces: the Celery application, two addresses, and how long a scrape may take."""
    names = {"app": app, "prometheus": prometheus, "alertmanager": alertmanager, "scrape_timeout": scrape_timeout}
    return {f"{{{name}}}": value for name, value in names.items()}


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

SAFE: Mapping[Family, tuple[Command, ...]] = {
    "workers": (STATUS, PING, ACTIVE, RESERVED, STATS),
    "queues": (STATUS, ACTIVE_QUEUES, ACTIVE, RESERVED),
    "tasks": (STATUS, ACTIVE, REGISTERED, QUERY_TASK),
    "schedule": (STATUS, ACTIVE),
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

DANGEROUS: Mapping[Family, tuple[Command, ...]] = {
    "workers": (SHUTDOWN,),
    "queues": (REVOKE, SHUTDOWN, PURGE),
    "tasks": (REVOKE, TERMINATE, SHUTDOWN),
    "schedule": (REVOKE,),
    "stack": (),
    "logs": (),
}
"""Commands that lose work, by family of signals."""
