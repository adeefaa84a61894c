"""The guide's "Troubleshooting Commands" and "Best Practices"."""

from __future__ import annotations

from stackgen.catalog import runbook
from stackgen.catalog.guide.row import Chapter, Row


def _row(title: str, guide: str, ours: runbook.Command, wrong: str = "") -> Row:
    return Row(
        title=title,
        guide=guide,
        language="bash",
        wrong=wrong,
        ours=ours.why,
        code=ours.run,
        code_language="bash",
    )


COMMANDS = Chapter(
    title="Troubleshooting commands",
    about="Run on Celery 5.7. Each `inspect` and `control` asks all workers and waits a second; exit code 69 and "
    "`No nodes replied` mean that none answered. `-d <worker>` asks one, `--json` prints data.",
    rows=(
        _row("Check worker status", "celery -A config inspect active", runbook.ACTIVE),
        _row("Check registered tasks", "celery -A config inspect registered", runbook.REGISTERED),
        _row("Check worker stats", "celery -A config inspect stats", runbook.STATS),
        _row("Ping workers", "celery -A config inspect ping", runbook.PING),
        _row(
            "Purge queue (dangerous)",
            "celery -A config purge",
            runbook.PURGE,
            "It asks, and without a terminal it gives up with exit code 1. It empties every queue that the "
            "application declares, often only `celery`, and not the one that is meant.",
        ),
        _row(
            "Revoke task (dangerous)",
            "celery -A config revoke <task-id>",
            runbook.REVOKE,
            "There is no such command: exit code 2.",
        ),
        _row(
            "Shutdown worker (dangerous)",
            "celery -A config control shutdown",
            runbook.SHUTDOWN,
            "It stops every worker, says `No nodes replied` and exits with 69, although it worked.",
        ),
        Row(
            title="Enable/disable events",
            guide="celery -A config control enable_events\ncelery -A config control disable_events",
            language="bash",
            wrong="The first lasts until the worker restarts. The second does nothing for a worker that was started "
            "with `-E`: it answers that events are already disabled and goes on sending them.",
            ours="Start workers with `-E`, and set `task_send_sent_event` wherever tasks are sent. If stack.yaml says "
            "that events are off, the signals that need them are off too.",
            code="celery -A {app} worker -E",
            code_language="bash",
        ),
    ),
)

PRACTICES = Chapter(
    title="Best practices",
    about="What the stack does for each, and what it leaves to the application.",
    rows=(
        Row(
            title="Monitor continuously",
            guide="Monitor continuously",
            ours="Dashboards and alerts come from the same numbers. The monitoring watches itself: sources, rules, "
            "notifications, and a watchdog whose silence is the alarm.",
            signals=(
                "exporter_down",
                "broker_down",
                "scrape_failures",
                "rule_failures",
                "notification_failures",
                "watchdog",
            ),
        ),
        Row(
            title="Log everything",
            guide="Log everything",
            ours="Everything but arguments and results: celery_monitoring.py writes one JSON object a line, and the "
            "shippers of stack.yaml send the files.",
            where=("celery/celery_monitoring.py", "logs/filebeat/filebeat.yml", "logs/alloy/config.alloy"),
        ),
        Row(
            title="Set timeouts",
            guide="Set timeouts",
            ours="The application's: `task_time_limit` and `task_soft_time_limit`. The stack counts those that strike, "
            "where a source can tell, and sees tasks that run too long.",
            signals=("task_timeout_ratio", "task_duration_p95"),
        ),
        Row(
            title="Use retries",
            guide="Use retries",
            ours="The application's: `autoretry_for`, `retry_backoff`, `max_retries`. The stack reports when retries "
            "become the load.",
            signals=("task_retry_ratio",),
        ),
        Row(
            title="Limit concurrency",
            guide="Limit concurrency",
            ours="The application's: `worker_concurrency`, `worker_prefetch_multiplier`, "
            "`worker_max_memory_per_child`. The stack shows whether workers have room.",
            signals=("worker_cpu", "worker_memory"),
        ),
        Row(
            title="Monitor queue depth",
            guide="Monitor queue depth",
            ours="Depth, growth, waiting time, time to empty; and a queue that is short but stuck.",
            signals=("queue_length", "queue_growth", "queue_wait_p95", "queue_drain_time", "queue_stuck"),
        ),
        Row(
            title="Track task duration",
            guide="Track task duration",
            ours="Percentiles of each task, with a limit of its own for any task in stack.yaml.",
            signals=("task_duration_p95",),
        ),
        Row(
            title="Monitor failure rates",
            guide="Monitor failure rates",
            ours="Per task and over all, with a least number of executions.",
            signals=("task_failure_ratio", "task_success_ratio"),
        ),
        Row(
            title="Use health checks",
            guide="Use health checks",
            ours="The containers of the stack have them. For workers use one ping, rarely; see Worker Health Check.",
            signals=("workers_active",),
        ),
        Row(
            title="Document runbooks",
            guide="Document runbooks",
            ours="One page for each alert, with this stack's numbers; each alert carries its address.",
            where=("runbooks/README.md",),
        ),
    ),
)
