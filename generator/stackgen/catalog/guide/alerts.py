"""The guide's "Alerting Rules": six alerts, four of which can never fire."""

from __future__ import annotations

from stackgen.catalog.guide.row import Chapter, Row

ALERTS = Chapter(
    title="Alerting rules",
    about="Names are kept. Every alert of ours has generated tests that prove when it fires and when it stays silent. "
    "`$value` is printed for people (`25%`, `5m 50s`), and each alert links its runbook and dashboard.",
    rows=(
        Row(
            title="Alert: CeleryNoWorkersRunning",
            guide="- alert: CeleryNoWorkersRunning\n  expr: celery_workers_active == 0\n  for: 2m",
            language="yaml",
            wrong="It can never fire: there is no such metric, and what does not exist is not 0. Heartbeat gauges have "
            "the same trap, for the exporter drops them ten minutes after a worker died.",
            ours="Zero is believed from the workers' answers while the exporter is up. When the exporter is down, "
            "nobody knows, and that is an alert of its own.",
            signals=("workers_active", "exporter_down"),
        ),
        Row(
            title="Alert: CeleryQueueBacklog",
            guide="- alert: CeleryQueueBacklog\n  expr: celery_queue_length > 5000\n  for: 10m",
            language="yaml",
            wrong="It works, once per exporter and replica; and a single failed scrape starts the ten minutes anew.",
            ours="One alert per queue. A missed scrape is bridged.",
            signals=("queue_length",),
        ),
        Row(
            title="Alert: CeleryHighFailureRate",
            guide="- alert: CeleryHighFailureRate\n  expr: |\n    (\n"
            '      rate(celery_tasks_total{state="FAILURE"}[5m])\n'
            "      /\n      rate(celery_tasks_total[5m])\n    ) * 100 > 20\n  for: 5m",
            language="yaml",
            wrong="Each series is divided by itself: the value is 100 as soon as one task fails once, and the alert "
            "fires for it. Under load it was permanent. A window no longer than `for` also means that a burst of "
            "failures has left the window before the alert may fire.",
            ours="Failures of all that finished, per task, over ten minutes, from a least number of tasks on.",
            signals=("task_failure_ratio",),
        ),
        Row(
            title="Alert: CeleryWorkerHighCPU",
            guide='- alert: CeleryWorkerHighCPU\n  expr: rate(process_cpu_seconds_total{job="celery"}[5m]) * 100 > 90\n'
            "  for: 10m",
            language="yaml",
            wrong="It watches the exporter.",
            signals=("worker_cpu",),
        ),
        Row(
            title="Alert: CeleryWorkerHighMemory",
            guide="- alert: CeleryWorkerHighMemory\n  expr: |\n    (\n"
            '      process_resident_memory_bytes{job="celery"}\n      /\n'
            '      process_virtual_memory_max_bytes{job="celery"}\n    ) * 100 > 85\n  for: 10m',
            language="yaml",
            wrong="It can never fire: Python processes do not expose the second metric, and where a program does, it "
            "is unlimited, 1.8e19 bytes.",
            signals=("worker_memory",),
        ),
        Row(
            title="Alert: CelerySlowTasks",
            guide="- alert: CelerySlowTasks\n  expr: |\n"
            "    histogram_quantile(0.95, rate(celery_task_duration_seconds_bucket[5m])) > 300\n  for: 15m",
            language="yaml",
            wrong="It can never fire: the metric has another name, and its last bucket is 10 seconds.",
            signals=("task_duration_p95",),
        ),
    ),
)
