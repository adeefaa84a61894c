"""Worker Overview: are there workers, and do they have room to work?"""

from __future__ import annotations

from stackgen.catalog.dashboard import WORKER, Dashboard, Lines, Panel, Query, Row, View, judged
from stackgen.catalog.series import TASKS, WORKER_START
from stackgen.catalog.signals.workers import (
    WORKER_CPU_SIGNAL,
    WORKER_MEMORY_SIGNAL,
    WORKER_UPTIME,
    WORKERS_ACTIVE_SIGNAL,
    WORKERS_MISSING,
    WORKERS_SERVING_SIGNAL,
)


def _started(view: View) -> str:
    start = view.of(WORKER_START, WORKER)
    return f"count(max_over_time({start}[$__range]) > time() - $__range_s) or vector(0)"


_NOW = Row(
    "Now",
    (
        Panel(
            title="Active Workers",
            kind="gauge",
            description="Workers that answer now, of the most in the time range.",
            unit="workers",
            queries=(judged(WORKERS_ACTIVE_SIGNAL, legend="Workers"),),
            signals=(WORKERS_ACTIVE_SIGNAL,),
            width=6,
            height=6,
        ),
        Panel(
            title="Tasks Processed",
            kind="stat",
            description="Executions that ended within the time range, well or not. A new one counts in full after "
            "10 minutes.",
            unit="tasks",
            queries=(
                Query(
                    expr=lambda view: f"sum({view.events(TASKS)})",
                    needs=(TASKS,),
                    legend="Tasks",
                    at_end=True,
                ),
            ),
            width=6,
            height=6,
        ),
        Panel(
            title="Youngest Worker",
            kind="stat",
            description="Time since the youngest of the chosen workers started.",
            unit="seconds",
            queries=(
                Query(
                    expr=lambda view: f"min({view.value(WORKER_UPTIME, WORKER)})",
                    needs=(WORKER_UPTIME,),
                    legend="Uptime",
                ),
            ),
            signals=(WORKER_UPTIME,),
            width=6,
            height=6,
        ),
        Panel(
            title="Workers Started",
            kind="stat",
            description="Chosen workers that started or restarted within the time range.",
            unit="workers",
            queries=(Query(expr=_started, needs=(WORKER_START,), legend="Workers", at_end=True, together=True),),
            width=6,
            height=6,
        ),
    ),
)

_FLEET = Row(
    "Fleet",
    (
        Panel(
            title="Active Workers over Time",
            kind="timeseries",
            description="Workers that answer. A gap means that nobody can know: the source of this number is down.",
            unit="workers",
            queries=(judged(WORKERS_ACTIVE_SIGNAL, legend="Workers"),),
            signals=(WORKERS_ACTIVE_SIGNAL,),
            width=8,
        ),
        Panel(
            title="Share of the Last Hour's Workers",
            kind="timeseries",
            description="Active workers, of the most in the hour before that lasted as long as the alert waits.",
            unit="ratio",
            queries=(judged(WORKERS_MISSING, legend="Share"),),
            signals=(WORKERS_MISSING,),
            width=8,
        ),
        Panel(
            title="Workers Serving Metrics",
            kind="timeseries",
            description="Metrics endpoints of workers that Prometheus reaches, while workers are active.",
            unit="workers",
            queries=(judged(WORKERS_SERVING_SIGNAL, legend="Endpoints"),),
            signals=(WORKERS_SERVING_SIGNAL,),
            width=8,
        ),
        Panel(
            title="Task Processing Rate",
            kind="timeseries",
            description="Executions that ended per second, by how they ended; the mean of 10 minutes.",
            unit="per_second",
            queries=(
                Query(
                    expr=lambda view: f"sum by (state) ({view.per_second(TASKS)})", needs=(TASKS,), legend="{{state}}"
                ),
            ),
            width=24,
            stacked=True,
        ),
    ),
)

_EACH = Row(
    "Each worker",
    (
        Panel(
            title="Worker CPU Usage",
            kind="timeseries",
            description="CPU time that a worker and its pool used, of what the pool could use.",
            unit="ratio",
            queries=(judged(WORKER_CPU_SIGNAL),),
            signals=(WORKER_CPU_SIGNAL,),
        ),
        Panel(
            title="Worker Memory Usage",
            kind="timeseries",
            description="Resident memory of a worker and its pool, of its limit. Beyond it the kernel kills.",
            unit="ratio",
            queries=(judged(WORKER_MEMORY_SIGNAL),),
            signals=(WORKER_MEMORY_SIGNAL,),
        ),
        Panel(
            title="Worker Uptime",
            kind="timeseries",
            description="Time since each worker started, the youngest ones. A line that falls to 0 again and again "
            "is a restart loop.",
            unit="seconds",
            queries=(judged(WORKER_UPTIME),),
            signals=(WORKER_UPTIME,),
            width=24,
        ),
    ),
)

WORKERS = Dashboard(
    id="celery-workers",
    title="Celery / Worker Overview",
    description="Are there workers, and do they have room to work?",
    variables=("worker",),
    rows=(_NOW, _FLEET, _EACH),
    lines=Lines(
        "Log Lines of the Chosen Workers", "What they wrote about their tasks and while these ran, newest first."
    ),
)
