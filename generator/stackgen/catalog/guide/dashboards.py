"""The guide's "Grafana Dashboards": three of them, panel by panel, with the query of each."""

from __future__ import annotations

from stackgen.catalog.guide.row import Chapter, Row
from stackgen.catalog.series import (
    QUEUE_LENGTH,
    TASK_DURATION_BUCKET,
    TASK_DURATION_SUM,
    TASK_WAIT_BUCKET,
    TASKS,
    WINDOW,
    WORKER_CPU,
    WORKER_MEMORY,
    WORKERS_ACTIVE,
)

_RATIO = (
    "The division pairs series with all labels equal, `state` too: each series is divided by itself. The result is "
    "100 or nothing, whatever happens."
)
_FOLDER = "grafana/dashboards/"
_FINISHED = 'state=~"SUCCESS|FAILURE"'


def _percentile(quantile: str) -> str:
    return f"histogram_quantile({quantile}, sum by (task, le) ({TASK_DURATION_BUCKET.name}))"


def _share(state: str, of: str) -> str:
    return f'sum({TASKS.name}{{state="{state}"}}) / (sum({TASKS.name}{{{of}}}) > 0)'


WORKERS = Chapter(
    title="Dashboard 1: Worker Overview",
    about="Panels keep the guide's titles. Percentages are ratios from 0 to 1, which Grafana shows as percent.",
    rows=(
        Row(
            title="Panel: Active Workers",
            guide="celery_workers_active",
            language="promql",
            wrong="No such metric; the panel stays empty.",
            code=WORKERS_ACTIVE.name,
            where=(f"{_FOLDER}celery-workers.json",),
        ),
        Row(
            title="Panel: Worker CPU Usage",
            guide='rate(process_cpu_seconds_total{job="celery"}[5m]) * 100',
            language="promql",
            wrong="This is the CPU of the process that exposes it: of the exporter, or of a worker's main process, "
            "which used 0.85 s while its pool used 12.1 s.",
            code=WORKER_CPU.name,
            where=(f"{_FOLDER}celery-workers.json",),
        ),
        Row(
            title="Panel: Worker Memory Usage",
            guide='process_resident_memory_bytes{job="celery"}',
            language="promql",
            wrong="The exporter's memory again, and bytes say nothing without the limit.",
            code=WORKER_MEMORY.name,
            where=(f"{_FOLDER}celery-workers.json",),
        ),
        Row(
            title="Panel: Tasks Processed",
            guide="increase(celery_tasks_total[1h])",
            language="promql",
            wrong="One row per task, queue and state, where a number was wanted.",
            ours="The recorded counts of an hour. Each evaluation counts the executions of ten minutes, so each "
            "execution is counted once for every evaluation in them.",
            code=f"sum(sum_over_time({TASKS.name}{{{_FINISHED}}}[1h])) * {{evaluation}} / {TASKS.window}",
            where=(f"{_FOLDER}celery-workers.json",),
        ),
        Row(
            title="Panel: Task Processing Rate",
            guide="rate(celery_tasks_total[5m])",
            language="promql",
            wrong="As above: one line per task, queue and state.",
            code=f"sum by (state) ({TASKS.name}) / {TASKS.window}",
            where=(f"{_FOLDER}celery-workers.json",),
        ),
    ),
)

QUEUES = Chapter(
    title="Dashboard 2: Queue Monitoring",
    about="Threshold lines are drawn from the same numbers as the alerts.",
    rows=(
        Row(
            title="Panel: Queue Depth",
            guide="celery_queue_length",
            language="promql",
            wrong="One line per exporter and replica; a failed scrape leaves a hole.",
            code=QUEUE_LENGTH.name,
            where=(f"{_FOLDER}celery-queues.json",),
        ),
        Row(
            title="Panel: Queue Growth Rate",
            guide="deriv(celery_queue_length[5m])",
            language="promql",
            wrong="Right, apart from the doubles of the panel above.",
            code=f"deriv({QUEUE_LENGTH.name}[5m])",
            where=(f"{_FOLDER}celery-queues.json",),
        ),
        Row(
            title="Panel: Task Wait Time",
            guide="histogram_quantile(0.95, rate(celery_task_wait_time_seconds_bucket[5m]))",
            language="promql",
            wrong="Without `sum by (le)` it is one line per task, queue and target, and NaN whenever one is idle.",
            code=f"histogram_quantile(0.95, sum by (queue, le) ({TASK_WAIT_BUCKET.name}))",
            where=(f"{_FOLDER}celery-queues.json",),
        ),
        Row(
            title="Panel: Tasks by State",
            guide="sum by (state) (celery_tasks_total)",
            language="promql",
            wrong="Everything since the exporter started, so the pie never changes; states on the way (received, "
            "started) count the same task again.",
            code=f"sum by (state) ({TASKS.name})",
            where=(f"{_FOLDER}celery-queues.json",),
        ),
    ),
)

TASK_PERFORMANCE = Chapter(
    title="Dashboard 3: Task Performance",
    about="A fourth dashboard, Stack Health, is ours: whether the first three can be believed.",
    rows=(
        Row(
            title="Panel: Task Duration P50/P95/P99",
            guide="histogram_quantile(0.50, rate(celery_task_duration_seconds_bucket[5m]))\n"
            "histogram_quantile(0.95, rate(celery_task_duration_seconds_bucket[5m]))\n"
            "histogram_quantile(0.99, rate(celery_task_duration_seconds_bucket[5m]))",
            language="promql",
            wrong="As the wait time: not summed, and no bucket above 10 seconds.",
            code="\n".join(_percentile(q) for q in ("0.50", "0.95", "0.99")),
            where=(f"{_FOLDER}celery-tasks.json",),
        ),
        Row(
            title="Panel: Task Success/Failure Rate",
            guide='rate(celery_tasks_total{state="SUCCESS"}[5m]) / rate(celery_tasks_total[5m]) * 100\n'
            'rate(celery_tasks_total{state="FAILURE"}[5m]) / rate(celery_tasks_total[5m]) * 100',
            language="promql",
            wrong=_RATIO,
            ours="Sums on both sides, and no result while nothing runs.",
            code=f"{_share('SUCCESS', _FINISHED)}\n{_share('FAILURE', _FINISHED)}",
            where=(f"{_FOLDER}celery-tasks.json",),
        ),
        Row(
            title="Panel: Top Slowest Tasks",
            guide="topk(10, avg by (task) (celery_task_duration_seconds_sum / celery_task_duration_seconds_count))",
            language="promql",
            wrong="The mean since the process started: a task that became slow an hour ago does not show.",
            ours=f"The mean of the last {WINDOW // 60} minutes.",
            code=f"topk(10, sum by (task) ({TASK_DURATION_SUM.name})"
            f' / (sum by (task) ({TASK_DURATION_BUCKET.name}{{le="+Inf"}}) > 0))',
            where=(f"{_FOLDER}celery-tasks.json",),
        ),
        Row(
            title="Panel: Task Retry Rate",
            guide='rate(celery_tasks_total{state="RETRY"}[5m]) / rate(celery_tasks_total[5m]) * 100',
            language="promql",
            wrong=_RATIO,
            code=_share("RETRY", 'state=~"SUCCESS|FAILURE|RETRY"'),
            where=(f"{_FOLDER}celery-tasks.json",),
        ),
    ),
)
