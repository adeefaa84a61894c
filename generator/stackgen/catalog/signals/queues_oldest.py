"""Does the task that is next in a queue wait, however few tasks begin?"""

from __future__ import annotations

from fractions import Fraction

from stackgen.catalog import input_shapes, promql
from stackgen.catalog.series_schedule import QUEUE_OLDEST
from stackgen.catalog.signal import Level, Signal

QUEUE_OLDEST_SIGNAL = Signal(
    id="queue_oldest",
    alert="CeleryOldestTaskWaits",
    title="Age of the oldest waiting task",
    family="queues",
    unit="seconds",
    by=("queue",),
    needs=(QUEUE_OLDEST,),
    record="celery:queue_oldest:working",
    expr=lambda site: promql.select(QUEUE_OLDEST.name, site.working()),
    shape=input_shapes.Value(QUEUE_OLDEST),
    levels={"warning": Level(Fraction(900), hold=120)},
    overrides="queue",
    skips_dead_letters=True,
    summary="The next task of queue {queue} has waited for {value} (limit {limit})",
    action="Ask its workers what they do (`inspect active`): add some, or restart those that take nothing.",
    meaning="Whoever sent it has waited so long. How long tasks waited that began says nothing while none begins.",
    causes=(
        "no worker consumes the queue, or those that do hang",
        "long tasks hold every process",
        "tasks of a higher priority come without end, and those below never begin",
    ),
    dashboard="celery-queues",
)
