"""Queue Monitoring: do queues move, and fast enough?"""

from __future__ import annotations

from stackgen.catalog.dashboard import MOST, QUEUE, Dashboard, Lines, Panel, Query, Row, View, judged, worst
from stackgen.catalog.series import QUEUE_LENGTH, QUEUE_WORKERS, TASK_WAIT_BUCKET, TASKS, TASKS_STARTED, Series
from stackgen.catalog.signal import Signal
from stackgen.catalog.signals.queues import (
    DEAD_LETTER_LENGTH,
    QUEUE_DRAIN_TIME,
    QUEUE_GROWTH,
    QUEUE_LENGTH_SIGNAL,
    QUEUE_NO_CONSUMERS,
    QUEUE_STUCK,
    QUEUE_WAIT_P95,
    QUEUE_WORKERS_SIGNAL,
)


def _stuck(view: View) -> str:
    """0 for a queue that moves: an empty panel would not say whether anything is measured."""
    moving = f"0 * {view.value(QUEUE_LENGTH_SIGNAL, QUEUE)}"
    return worst(QUEUE_STUCK, f"{view.value(QUEUE_STUCK, QUEUE)} or on (queue) {moving}")


def _column(shown: Signal | Series, heading: str) -> Query:
    """A value for each of the longest queues."""

    def expr(view: View) -> str:
        value = view.value(shown, QUEUE) if isinstance(shown, Signal) else view.of(shown, QUEUE)
        return f"max by (queue) ({value}) and on (queue) topk({MOST}, {view.of(QUEUE_LENGTH, QUEUE)})"

    return Query(expr=expr, needs=(shown, QUEUE_LENGTH), legend=heading, unit=shown.unit, at_end=True)


_NOW = Row(
    "Now",
    (
        Panel(
            title="Queues at a Glance",
            kind="table",
            description=f"The {MOST} longest of the chosen queues, with what matters about each now.",
            unit="tasks",
            queries=(
                _column(QUEUE_LENGTH, "Depth"),
                _column(QUEUE_GROWTH, "Growth"),
                _column(QUEUE_WAIT_P95, "Wait (P95)"),
                _column(QUEUE_WORKERS, "Workers"),
                _column(QUEUE_DRAIN_TIME, "Empty in"),
            ),
            width=16,
        ),
        Panel(
            title="Tasks by State",
            kind="piechart",
            description="Executions of the chosen queues that ended within the time range, by how they ended.",
            unit="tasks",
            queries=(
                Query(
                    expr=lambda view: f"sum by (state) ({view.events(TASKS, QUEUE)})",
                    needs=(TASKS,),
                    legend="{{state}}",
                    at_end=True,
                ),
            ),
            width=8,
        ),
    ),
)

_LOAD = Row(
    "Load",
    (
        Panel(
            title="Queue Depth",
            kind="timeseries",
            description="Messages waiting in the broker, not counting those that workers have prefetched.",
            unit="tasks",
            queries=(judged(QUEUE_LENGTH_SIGNAL),),
            signals=(QUEUE_LENGTH_SIGNAL,),
        ),
        Panel(
            title="Queue Growth Rate",
            kind="timeseries",
            description="How fast a queue grows (above 0) or shrinks (below 0).",
            unit="per_second",
            queries=(judged(QUEUE_GROWTH),),
            signals=(QUEUE_GROWTH,),
        ),
        Panel(
            title="Task Wait Time",
            kind="timeseries",
            description="One task in twenty waited longer than this in its queue (P95 of 5 minutes).",
            unit="seconds",
            queries=(judged(QUEUE_WAIT_P95),),
            signals=(QUEUE_WAIT_P95,),
        ),
        Panel(
            title="Task Wait Time, Distribution",
            kind="heatmap",
            description="Tasks of the chosen queues by how long they waited before a worker began them.",
            unit="seconds",
            queries=(
                Query(
                    expr=lambda view: f"sum by (le) ({view.of(TASK_WAIT_BUCKET, QUEUE)})",
                    needs=(TASK_WAIT_BUCKET,),
                    legend="{{le}}",
                    together=True,
                ),
            ),
        ),
        Panel(
            title="Time until the Queue Is Empty",
            kind="timeseries",
            description="How long the waiting tasks will take at the present pace: a task sent now waits so long.",
            unit="seconds",
            queries=(judged(QUEUE_DRAIN_TIME),),
            signals=(QUEUE_DRAIN_TIME,),
        ),
        Panel(
            title="Tasks Started",
            kind="timeseries",
            description="Tasks that workers began per second, by queue; the mean of 5 minutes.",
            unit="per_second",
            queries=(
                Query(
                    expr=lambda view: f"topk({MOST}, {view.per_second(TASKS_STARTED, QUEUE)})",
                    needs=(TASKS_STARTED,),
                    legend="{{queue}}",
                ),
            ),
        ),
    ),
)

_TROUBLE = Row(
    "Trouble",
    (
        Panel(
            title="Workers per Queue",
            kind="timeseries",
            description="Workers that consume each queue. A queue that holds tasks needs at least one.",
            unit="workers",
            queries=(
                Query(
                    expr=lambda view: f"bottomk({MOST}, {view.of(QUEUE_WORKERS, QUEUE)})",
                    needs=(QUEUE_WORKERS,),
                    legend="{{queue}}",
                ),
            ),
            signals=(QUEUE_WORKERS_SIGNAL, QUEUE_NO_CONSUMERS),
            width=8,
        ),
        Panel(
            title="Tasks Waiting While None Starts",
            kind="timeseries",
            description="Depth of the queues from which no worker took anything in 5 minutes; 0 for one that moves.",
            unit="tasks",
            queries=(Query(expr=_stuck, needs=(QUEUE_STUCK, QUEUE_LENGTH_SIGNAL), legend="{{queue}}"),),
            signals=(QUEUE_STUCK,),
            width=8,
        ),
        Panel(
            title="Dead Letters",
            kind="timeseries",
            description="Messages in the dead letter queues: work that was given up.",
            unit="tasks",
            queries=(judged(DEAD_LETTER_LENGTH),),
            signals=(DEAD_LETTER_LENGTH,),
            width=8,
        ),
    ),
)

QUEUES = Dashboard(
    id="celery-queues",
    title="Celery / Queue Monitoring",
    description="Do queues move, and fast enough?",
    variables=("queue",),
    rows=(_NOW, _LOAD, _TROUBLE),
    lines=Lines(
        "Log Lines of the Chosen Queues", "What workers wrote about their tasks and while these ran, newest first."
    ),
)
