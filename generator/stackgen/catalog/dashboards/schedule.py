"""Schedule: does beat send what it should, when it should?"""

from __future__ import annotations

from stackgen.catalog.dashboard import TASK, Dashboard, Lines, Panel, Query, Row, judged
from stackgen.catalog.series_doing import ENTRY_RUNNING, ENTRY_RUNTIME, ENTRY_STARTED, ENTRY_SUCCEEDED
from stackgen.catalog.series_schedule import ENTRY_DUE, ENTRY_PERIOD, ENTRY_RUNS, ENTRY_SENT
from stackgen.catalog.signals.beat import BEAT_GONE, BEATS_MANY, ENTRY_MISSED

_ROW = Row(
    "Beat",
    (
        Panel(
            title="Beats",
            kind="timeseries",
            description="Beats whose clock goes on: one is right.",
            unit="count",
            queries=(judged(BEAT_GONE, "Beats"),),
            signals=(BEAT_GONE,),
            width=4,
        ),
        Panel(
            title="Beats at Once",
            kind="timeseries",
            description="With two, each entry is sent twice.",
            unit="count",
            queries=(judged(BEATS_MANY, "Beats"),),
            signals=(BEATS_MANY,),
            width=4,
        ),
        Panel(
            title="Entries That Are Late",
            kind="timeseries",
            description="Time since an entry should have been sent, the latest ones; 0 until it is due.",
            unit="seconds",
            queries=(judged(ENTRY_MISSED, "{{entry}}"),),
            signals=(ENTRY_MISSED,),
            width=16,
        ),
        Panel(
            title="Schedule",
            kind="table",
            description="Each entry of the running scheduler: when it is due, was last sent, began and succeeded; how "
            "many runs work now, how long they take, its period, and how often it was sent within the time range.",
            unit="moment",
            queries=(
                Query(
                    expr=lambda view: f"1000 * {view.of(ENTRY_DUE, TASK)}",
                    needs=(ENTRY_DUE,),
                    legend="Due",
                    at_end=True,
                ),
                Query(
                    expr=lambda view: f"1000 * {view.of(ENTRY_SENT, TASK)}",
                    needs=(ENTRY_SENT,),
                    legend="Last sent",
                    at_end=True,
                ),
                Query(
                    expr=lambda view: f"1000 * {view.of(ENTRY_STARTED, TASK)}",
                    needs=(ENTRY_STARTED,),
                    legend="Last start",
                    at_end=True,
                ),
                Query(
                    expr=lambda view: f"1000 * {view.of(ENTRY_SUCCEEDED, TASK)}",
                    needs=(ENTRY_SUCCEEDED,),
                    legend="Last success",
                    at_end=True,
                ),
                Query(
                    expr=lambda view: view.of(ENTRY_RUNNING, TASK),
                    needs=(ENTRY_RUNNING,),
                    legend="Running",
                    unit="tasks",
                    at_end=True,
                ),
                Query(
                    expr=lambda view: view.of(ENTRY_RUNTIME, TASK),
                    needs=(ENTRY_RUNTIME,),
                    legend="Takes",
                    unit="seconds",
                    at_end=True,
                ),
                Query(
                    expr=lambda view: view.of(ENTRY_PERIOD, TASK),
                    needs=(ENTRY_PERIOD,),
                    legend="Period",
                    unit="seconds",
                    at_end=True,
                ),
                Query(
                    expr=lambda view: view.events(ENTRY_RUNS, TASK),
                    needs=(ENTRY_RUNS,),
                    legend="Sent",
                    unit="tasks",
                    at_end=True,
                ),
            ),
            hidden=("Time", "__name__", "stack", "environment"),
            width=24,
            height=10,
        ),
        Panel(
            title="Entries Sent over Time",
            kind="timeseries",
            description="How often each entry was sent in 5 minutes.",
            unit="tasks",
            queries=(
                Query(expr=lambda view: f"{view.of(ENTRY_RUNS, TASK)} > 0", needs=(ENTRY_RUNS,), legend="{{entry}}"),
            ),
            width=24,
            height=6,
        ),
    ),
)

SCHEDULE = Dashboard(
    id="celery-schedule",
    title="Celery / Schedule",
    description="Does beat send what it should, when it should?",
    variables=("task",),
    rows=(_ROW,),
    lines=Lines("Log Lines of the Chosen Tasks", "What workers wrote about what beat sent, newest first."),
)
