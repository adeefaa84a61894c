"""The guide's "Key Metrics to Monitor": three tables of thresholds. Each number is a default of a signal."""

from __future__ import annotations

from stackgen.catalog.guide.row import Chapter, Row

WORKERS = Chapter(
    title="Worker health metrics",
    about="Thresholds are the guide's. What they are compared with is ours.",
    rows=(
        Row(
            title="Active Workers",
            guide="Active Workers: < 1 (critical)",
            wrong="Nobody exposes the number. Heartbeats of killed workers look alive for five minutes and vanish "
            "after ten, so a rule has to tell zero from unknown.",
            signals=("workers_active", "workers_missing", "workers_serving", "queue_workers"),
        ),
        Row(
            title="Worker CPU",
            guide="Worker CPU: > 90% (warning)",
            wrong="90 % of what? CPU time is in cores over the whole pool; a worker with four processes reaches 400 %.",
            ours="Of what its pool can use: its processes, or the CPU limit of its container.",
            signals=("worker_cpu",),
        ),
        Row(
            title="Worker Memory",
            guide="Worker Memory: > 85% (warning)",
            wrong="85 % of what? No Python process exposes a limit that means anything.",
            ours="Of the container's limit, or of `celery.worker_memory_limit`. Without a limit nothing is judged.",
            signals=("worker_memory",),
        ),
        Row(
            title="Worker Uptime",
            guide="Worker Uptime: < 5min (info)",
            wrong="Each deployment crosses it.",
            ours="Info, which wakes nobody; and a warning when a worker stays that young for a quarter of an hour, "
            "which is a restart loop.",
            signals=("worker_uptime",),
        ),
    ),
)

QUEUES = Chapter(
    title="Queue metrics",
    about="The guide's four, and four more that tell a long queue from a stuck one.",
    rows=(
        Row(
            title="Queue Depth",
            guide="Queue Depth: > 1000 (warning)",
            wrong="With two exporters, or two replicas of one, the same queue counts twice and pages twice.",
            ours="The largest reading of each queue; limits of its own for any queue, in stack.yaml.",
            signals=("queue_length",),
        ),
        Row(
            title="Queue Growth Rate",
            guide="Queue Growth Rate: > 10/sec (warning)",
            ours="As the guide has it, on the bridged series, for each queue.",
            signals=("queue_growth",),
        ),
        Row(
            title="Task Wait Time",
            guide="Task Wait Time: > 60s (warning)",
            wrong="No released exporter measures it. The coming celery-exporter does, from the task-sent event, which "
            "every program that sends tasks has to switch on.",
            ours="Judged where a source has it; else the notice names what is missing, and the time until the queue "
            "is empty is the nearest thing.",
            signals=("queue_wait_p95", "queue_drain_time"),
        ),
        Row(
            title="Dead Letter Queue",
            guide="Dead Letter Queue: > 100 (warning)",
            wrong="Celery has none. On RabbitMQ a dead letter exchange fills one with rejected and expired messages, "
            "but not with tasks that merely fail; on Redis the application has to send to it.",
            ours="A queue with `role: dead_letter` is judged by this signal alone.",
            signals=("dead_letter_length",),
        ),
        Row(
            title="Queues that do not move",
            guide="",
            wrong="The guide has nothing for a queue that nobody empties, however short it is.",
            signals=("queue_stuck", "queue_no_consumers"),
        ),
    ),
)

TASKS = Chapter(
    title="Task metrics",
    about="Every ratio is computed per task, from sums, with a least number of executions: one failure of two is not "
    "50 %, it is one failure.",
    rows=(
        Row(
            title="Task Success Rate",
            guide="Task Success Rate: < 95% (warning)",
            wrong="It is the failure rate again: both would page for the same event.",
            ours="Judged over all tasks together, and silent while a single task's failure rate is already reported.",
            signals=("task_success_ratio",),
        ),
        Row(
            title="Task Failure Rate",
            guide="Task Failure Rate: > 5% (warning)",
            ours="For each task, over ten minutes; `min_tasks` and `min_failures` say from when on it means something.",
            signals=("task_failure_ratio",),
        ),
        Row(
            title="Task Duration P95",
            guide="Task Duration P95: > 300s (warning)",
            wrong="Default buckets end at 10 seconds, so no quantile is ever above 10.",
            ours="Each threshold is a bound of the exporter's histogram, and one bound lies beyond the largest.",
            signals=("task_duration_p95",),
        ),
        Row(
            title="Task Retry Rate",
            guide="Task Retry Rate: > 10% (warning)",
            ours="Retries of all executions that ended in success, failure or retry.",
            signals=("task_retry_ratio",),
        ),
        Row(
            title="Task Timeout Rate",
            guide="Task Timeout Rate: > 1% (warning)",
            wrong="From events it cannot be told: a hard time limit and a killed process carry the same exception.",
            ours="Only the workers themselves know: celery_monitoring.py serves it (source `worker`). "
            "Without the source the signal is off and says so.",
            signals=("task_timeout_ratio",),
        ),
        Row(
            title="Periodic tasks",
            guide="",
            wrong="The guide has nothing for a task that should run and does not.",
            ours="Give a task a `period` in stack.yaml.",
            signals=("task_overdue",),
        ),
    ),
)
