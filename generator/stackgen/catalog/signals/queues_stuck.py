"""Do queues move at all, where nobody knows of which queue a task was that began?"""

from __future__ import annotations

from fractions import Fraction

from stackgen.catalog import blindness, facts, input_shapes, promql
from stackgen.catalog.counting import shrinks
from stackgen.catalog.series import QUEUE_LENGTH
from stackgen.catalog.series_evidence import STARTING
from stackgen.catalog.signal import Level, Signal
from stackgen.catalog.site import Site


def _waiting(site: Site) -> str:
    """All that waits, unless a queue gets shorter: then somebody takes tasks, whatever is heard of it."""
    length = promql.select(QUEUE_LENGTH.name, site.working())
    return f"sum({length}) unless on () count({shrinks(length)})"


QUEUES_STUCK = Signal(
    id="queues_stuck",
    alert="CeleryNoTaskStarts",
    title="Tasks waiting in any queue while no task starts",
    family="queues",
    unit="tasks",
    by=(),
    needs=(QUEUE_LENGTH, STARTING),
    record="celery:queues_stuck:length",
    expr=lambda site: (
        f"{_waiting(site)} and on () {STARTING.name} == 0{blindness.unless_unheard(STARTING, site, '10m')}"
    ),
    shape=input_shapes.Value(QUEUE_LENGTH, beside=((STARTING, Fraction(0)),), silenced_by=((STARTING, Fraction(1)),)),
    # As of a single queue: a pool that is full of long tasks begins none for a while, and is well.
    levels={"warning": Level(Fraction(0), hold=1200)},
    applies=lambda site: "each queue is judged by itself: queue_stuck" if facts.starts_by_queue(site) else "",
    skips_dead_letters=True,
    summary="{value:task} waiting in all queues together, and no task starts at all",
    action="Ask the workers what they do (`inspect active`); restart those that hang.",
    meaning="Tasks wait and no worker begins any. Which queue a task came from is not known: no source tells it here.",
    causes=(
        "every pool process is busy with a task that does not end",
        "workers lost their broker connection and hang, while their heartbeat goes on",
        "nobody consumes the queues that are filled",
    ),
    dashboard="celery-queues",
)
