"""A toy dashboard."""

from __future__ import annotations

from stackgen.catalog.dashboard import Dashboard, Lines, Panel, Row, judged
from stackgen.catalog.signals.queues import QUEUE_LENGTH_SIGNAL

TOY = Dashboard(
    id="celery-toy",
    title="Celery / Toy",
    description="Is there anything to play with?",
    variables=("queue",),
    rows=(
        Row(
            "Toys",
            (
                Panel(
                    title="Toys Waiting",
                    kind="timeseries",
                    description="Messages in each queue.",
                    unit="tasks",
                    queries=(judged(QUEUE_LENGTH_SIGNAL),),
                    signals=(QUEUE_LENGTH_SIGNAL,),
                ),
            ),
        ),
    ),
    lines=Lines("Lines", "Everything."),
)
