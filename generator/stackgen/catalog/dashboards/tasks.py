"""Task Performance: do tasks end well, in time, and when they should?"""

from __future__ import annotations

from collections.abc import Callable

from stackgen.catalog.dashboard import TASK, Dashboard, Lines, Panel, Query, Row, View, judged
from stackgen.catalog.series import TASK_DURATION_BUCKET, TASK_DURATION_SUM, TASKS
from stackgen.catalog.signals.tasks import (
    DURATION_P95,
    FAILURE_RATIO,
    RETRY_RATIO,
    SUCCESS_RATIO,
    TIMEOUT_RATIO,
)
from stackgen.catalog.signals.tasks_periodic import OVERDUE

_TOP = 10
_FAILED = 'state="FAILURE"'
_FINISHED = 'state=~"SUCCESS|FAILURE"'
_ALL = 'le="+Inf"'


def _quantile(q: str) -> Callable[[View], str]:
    return lambda view: f"histogram_quantile({q}, sum by (le) ({view.of(TASK_DURATION_BUCKET, TASK)}))"


def _failure_ratio(view: View) -> str:
    failed, finished = (f"sum({view.of(TASKS, state, TASK)})" for state in (_FAILED, _FINISHED))
    return f"({failed} or 0 * {finished}) / ({finished} > 0)"


def _seconds_each(view: View) -> str:
    spent = f"sum by (task) ({view.events(TASK_DURATION_SUM, TASK)})"
    return f"{spent} / ({_timed(view)} > 0)"


def _timed(view: View) -> str:
    return f"sum by (task) ({view.events(TASK_DURATION_BUCKET, _ALL, TASK)})"


def _slowest(view: View) -> str:
    return f"topk({_TOP}, {_seconds_each(view)})"


def _failures(view: View, state: str) -> str:
    return f"sum by (task) ({view.events(TASKS, state, TASK)})"


def _failing(view: View) -> str:
    return f"topk({_TOP}, {_failures(view, _FAILED)} > 0)"


def _failing_share(view: View) -> str:
    share = f"{_failures(view, _FAILED)} / ({_failures(view, _FINISHED)} > 0)"
    return f"{share} and on (task) {_failing(view)}"


_OUTCOME = Row(
    "Outcome",
    (
        Panel(
            title="Success Rate of All Tasks",
            kind="gauge",
            description="Share of all executions that ended in success, whatever is chosen above; over 10 minutes.",
            unit="ratio",
            queries=(judged(SUCCESS_RATIO, legend="Success"),),
            signals=(SUCCESS_RATIO,),
            width=6,
        ),
        Panel(
            title="Task Success/Failure Rate",
            kind="timeseries",
            description="Share of the chosen tasks' executions that ended in success, and in failure; over 10 minutes. "
            "What is missing to 100% was revoked or rejected.",
            unit="ratio",
            queries=(
                Query(
                    expr=lambda view: view.computed(SUCCESS_RATIO, TASK),
                    needs=(TASKS,),
                    legend="Success",
                    color="green",
                ),
                Query(expr=_failure_ratio, needs=(TASKS,), legend="Failure", color="red"),
            ),
            width=18,
        ),
        Panel(
            title="Task Failure Rate by Task",
            kind="timeseries",
            description="Share of a task's executions that end in an exception and are not retried any more.",
            unit="ratio",
            queries=(judged(FAILURE_RATIO),),
            signals=(FAILURE_RATIO,),
        ),
        Panel(
            title="Task Retry Rate",
            kind="timeseries",
            description="Share of a task's executions that end in a retry.",
            unit="ratio",
            queries=(judged(RETRY_RATIO),),
            signals=(RETRY_RATIO,),
        ),
        Panel(
            title="Top Failing Tasks",
            kind="table",
            description=f"The {_TOP} tasks with the most failures within the time range.",
            unit="tasks",
            queries=(
                Query(expr=_failing, needs=(TASKS,), legend="Failures", at_end=True),
                Query(
                    expr=_failing_share,
                    needs=(TASKS,),
                    legend="Failure rate",
                    unit="ratio",
                    at_end=True,
                ),
            ),
        ),
        Panel(
            title="Task Timeout Rate",
            kind="timeseries",
            description="Share of a task's executions that Celery stopped at a time limit, soft or hard.",
            unit="ratio",
            queries=(judged(TIMEOUT_RATIO),),
            signals=(TIMEOUT_RATIO,),
        ),
    ),
)

_DURATION = Row(
    "Duration",
    (
        Panel(
            title="Task Duration P50/P95/P99",
            kind="timeseries",
            description="How long the chosen tasks take, all together: half of them, 95% and 99% are faster than this.",
            unit="seconds",
            queries=tuple(
                Query(expr=_quantile(q), needs=(TASK_DURATION_BUCKET,), legend=name)
                for q, name in (("0.5", "P50"), ("0.95", "P95"), ("0.99", "P99"))
            ),
        ),
        Panel(
            title="Task Duration P95 by Task",
            kind="timeseries",
            description="One execution in twenty of a task takes longer than this.",
            unit="seconds",
            queries=(judged(DURATION_P95),),
            signals=(DURATION_P95,),
        ),
        Panel(
            title="Top Slowest Tasks",
            kind="table",
            description=f"The {_TOP} tasks with the longest mean duration within the time range.",
            unit="seconds",
            queries=(
                Query(expr=_slowest, needs=(TASK_DURATION_SUM, TASK_DURATION_BUCKET), legend="Mean", at_end=True),
                Query(
                    expr=lambda view: f"{_timed(view)} and on (task) {_slowest(view)}",
                    needs=(TASK_DURATION_SUM, TASK_DURATION_BUCKET),
                    legend="Executions",
                    unit="tasks",
                    at_end=True,
                ),
            ),
        ),
        Panel(
            title="Task Duration, Distribution",
            kind="heatmap",
            description="Executions of the chosen tasks by how long they took.",
            unit="seconds",
            queries=(
                Query(
                    expr=lambda view: f"sum by (le) ({view.of(TASK_DURATION_BUCKET, TASK)})",
                    needs=(TASK_DURATION_BUCKET,),
                    legend="{{le}}",
                    together=True,
                ),
            ),
        ),
        Panel(
            title="Time since the Last Success of Periodic Tasks",
            kind="timeseries",
            description="A line that passes its limit is a periodic task that has not succeeded within its period.",
            unit="seconds",
            queries=(judged(OVERDUE),),
            signals=(OVERDUE,),
            width=24,
        ),
    ),
)

TASKS_BOARD = Dashboard(
    id="celery-tasks",
    title="Celery / Task Performance",
    description="Do tasks end well, in time, and when they should?",
    variables=("task",),
    rows=(_OUTCOME, _DURATION),
    lines=Lines("Log Lines of the Chosen Tasks", "What workers wrote about them and while they ran, newest first."),
)
