"""Do workers get on with what they hold: does what runs end, and does what waits inside them begin?"""

from __future__ import annotations

from fractions import Fraction

from stackgen.catalog import input_shapes, promql
from stackgen.catalog.series import QUEUE_LENGTH, WINDOW
from stackgen.catalog.series_doing import (
    QUEUE_SLOTS,
    TASK_LIMIT,
    TASK_RUNNING,
    TASK_STARTS,
    TASK_VISIBILITY,
    WORKER_CONSUMES,
    WORKER_DELAYED,
    WORKER_IDLE,
    WORKER_RESERVED,
    WORKER_SLOTS,
)
from stackgen.catalog.signal import Level, Signal
from stackgen.catalog.site import Site

_FINE = Fraction(1, 1000)


def _waits(site: Site, *, for_long: bool = False) -> str:
    """Workers and their queues that hold tasks; for long: at each moment of the last minutes."""
    length = promql.select(QUEUE_LENGTH.name, site.working())
    waits = f"min_over_time({length}[{promql.seconds(WINDOW)}])" if for_long else length
    return f"({WORKER_CONSUMES.name} and on (queue) {waits} > 0)"


_QUEUE_WAITS = ((WORKER_CONSUMES, Fraction(1)), (QUEUE_LENGTH, Fraction(1)))
_QUEUE_EMPTY = ((WORKER_CONSUMES, Fraction(1)), (QUEUE_LENGTH, Fraction(0)))

TASK_STUCK = Signal(
    id="task_over_limit",
    alert="CeleryTaskStuck",
    title="Time that a task has run, of its time limit",
    family="tasks",
    unit="ratio",
    by=("task", "worker"),
    needs=(TASK_RUNNING, TASK_LIMIT),
    record="celery:task_running:of_limit",
    expr=lambda site: f"{TASK_RUNNING.name} / on (task, worker) {TASK_LIMIT.name}",
    shape=input_shapes.Value(TASK_RUNNING, _FINE, beside=((TASK_LIMIT, Fraction(1)),)),
    # A pool needs a moment to end what is over its limit.
    levels={"warning": Level(Fraction(1), hold=120)},
    overrides="task",
    summary="Task {task} on {worker} has run for {value} of its time limit, and nothing ended it (limit {limit})",
    action="Look at what it waits for (`py-spy dump`), then restart the worker: it does not end the task by itself.",
    meaning="The task hangs and holds a slot of the pool. Its limit should have ended it, and has not.",
    causes=(
        "the pool keeps no limits: only prefork does, gevent and eventlet keep hard ones",
        "only the soft limit is set, and the task catches it or waits in C code",
        "its process waits for a disk or a network file system, where no signal reaches it",
    ),
    dashboard="celery-tasks",
)

TASK_OUTLASTS = Signal(
    id="task_visibility",
    alert="CeleryVisibilityTimeoutTooShort",
    title="Time that a task has run, of Redis's visibility timeout",
    family="tasks",
    unit="ratio",
    by=("task", "worker", "timeout"),
    needs=(TASK_RUNNING, TASK_VISIBILITY),
    record="celery:task_running:of_visibility",
    expr=lambda site: f"{TASK_RUNNING.name} / on (task, worker) group_right () {TASK_VISIBILITY.name}",
    shape=input_shapes.Value(TASK_RUNNING, _FINE, beside=((TASK_VISIBILITY, Fraction(1)),)),
    # By default the transport looks for such messages every 100 s: it has then been delivered again.
    levels={"warning": Level(Fraction(1), hold=120)},
    summary="Task {task} on {worker} has run for {value} of Redis's visibility timeout of {timeout}: it is delivered "
    "again while it runs",
    action="Set `visibility_timeout` in broker_transport_options of workers and senders longer than the longest task.",
    meaning="The task is acknowledged when it ends, and Redis waits for that no longer than the timeout. Then another "
    "worker gets the same message: its work is done twice, and again with each timeout that passes.",
    causes=(
        "acks_late, and a task that may run longer than the visibility timeout, an hour by default",
        "the task hangs, and has no time limit below the timeout",
    ),
    applies=lambda site: "" if site.broker == "redis" else "only Redis has a visibility timeout",
    dashboard="celery-tasks",
)

TASK_REDELIVERED = Signal(
    id="task_message_starts",
    alert="CeleryTaskRedelivered",
    title="Starts of one message after it was delivered again",
    family="tasks",
    unit="count",
    by=("task", "worker"),
    needs=(TASK_STARTS,),
    expr=lambda site: TASK_STARTS.name,
    shape=input_shapes.Value(TASK_STARTS),
    # A broker that restarts twice within the hour delivers what runs twice more to the worker that runs it.
    levels={"warning": Level(Fraction(2))},
    overrides="task",
    summary="Worker {worker} has started the same message of task {task} {value:time} after it was delivered again "
    "(limit {limit})",
    action="Find it in the worker's log by its id; if its process dies each time, remove the message or mend the task.",
    meaning="The message comes back after each start instead of being done, and what it does is done each time.",
    causes=(
        "the task kills its process, and acks_late with reject_on_worker_lost gives it back for ever",
        "it runs longer than Redis's visibility timeout, or RabbitMQ's consumer_timeout",
        "the connection to the broker breaks again and again",
    ),
    dashboard="celery-tasks",
)

WORKER_FULL = Signal(
    id="worker_slots",
    alert="CeleryWorkerPoolFull",
    title="Slots of a worker's pool in use while its queue waits",
    family="queues",
    unit="ratio",
    by=("worker",),
    needs=(WORKER_SLOTS, WORKER_CONSUMES, QUEUE_LENGTH),
    record="celery:worker_slots:needed",
    expr=lambda site: f"{WORKER_SLOTS.name} and on (worker) {_waits(site)}",
    shape=input_shapes.Value(WORKER_SLOTS, _FINE, beside=_QUEUE_WAITS, silenced_by=_QUEUE_EMPTY),
    # At each moment of half an hour: a pool that is full for minutes is what pools are for.
    levels={"warning": Level(Fraction(99, 100), hold=1800)},
    summary="Worker {worker} has no free slot ({value} in use), while tasks wait in its queue",
    action="See what holds the slots (`inspect active`): long tasks want workers of their own, a backlog wants more.",
    meaning="Whatever is sent waits until one of the running tasks ends.",
    causes=("more work than workers", "long tasks beside short ones in one queue", "tasks that hang hold the slots"),
    dashboard="celery-workers",
)

WORKER_IDLES = Signal(
    id="worker_idle",
    alert="CeleryWorkerTakesNothing",
    title="Time since a worker began a task, while it has room and its queue waits",
    family="queues",
    unit="seconds",
    by=("worker",),
    needs=(WORKER_IDLE, WORKER_SLOTS, WORKER_CONSUMES, QUEUE_LENGTH),
    record="celery:worker_idle:needed",
    expr=lambda site: (
        f"{WORKER_IDLE.name} and on (worker) {WORKER_SLOTS.name} < 1 and on (worker) {_waits(site, for_long=True)}"
    ),
    shape=input_shapes.Value(
        WORKER_IDLE,
        beside=((WORKER_SLOTS, Fraction(1, 2)), *_QUEUE_WAITS),
        silenced_by=((WORKER_SLOTS, Fraction(1)), *_QUEUE_WAITS),
    ),
    levels={"warning": Level(Fraction(WINDOW), hold=120)},
    summary="Worker {worker} began no task for {value}, while it has free slots and its queue holds tasks "
    "(limit {limit})",
    action="Restart it: it answers and takes nothing. Then look for a lost connection in its log.",
    meaning="The worker consumes the queue, as it says, and gets nothing from it. Others may do its part.",
    causes=(
        "it reconnected to the broker after a failover or an idle timeout and consumes nothing since",
        "all that it may prefetch is held back inside it: ETAs, rate limits",
        "its pool is gone and its parent process lives on",
        "the queue has a single active consumer, which is another worker",
    ),
    dashboard="celery-workers",
)

WORKER_HOARDS = Signal(
    id="worker_reserved",
    alert="CeleryMessagesHoarded",
    title="Time that a message waits inside a full worker, while others of the queue are free",
    family="queues",
    unit="seconds",
    by=("worker", "queue"),
    needs=(WORKER_RESERVED, WORKER_SLOTS, QUEUE_SLOTS),
    record="celery:worker_reserved:hoarded",
    expr=lambda site: (
        f"{WORKER_RESERVED.name} and on (worker) {WORKER_SLOTS.name} >= 1 and on (queue) {QUEUE_SLOTS.name} > 0"
    ),
    shape=input_shapes.Value(
        WORKER_RESERVED,
        beside=((WORKER_SLOTS, Fraction(1)), (QUEUE_SLOTS, Fraction(1))),
        silenced_by=((WORKER_SLOTS, Fraction(1)), (QUEUE_SLOTS, Fraction(0))),
    ),
    levels={"warning": Level(Fraction(300), hold=120)},
    overrides="queue",
    summary="A message of queue {queue} has waited for {value} inside {worker}, which is full, while other workers "
    "are free (limit {limit})",
    action="Set worker_prefetch_multiplier = 1 for long tasks, with acks_late where they may run twice.",
    meaning="The worker took messages in advance and works on long ones. Nobody else can have them until it ends.",
    causes=("worker_prefetch_multiplier above 1, which is 4 by default", "long and short tasks in one queue"),
    dashboard="celery-workers",
)

WORKER_HOARDS_DELAYED = Signal(
    id="worker_delayed",
    alert="CeleryMessagesHoarded",
    title="Messages that a worker holds until their ETA",
    family="queues",
    unit="tasks",
    by=("worker", "queue"),
    needs=(WORKER_DELAYED,),
    expr=lambda site: WORKER_DELAYED.name,
    shape=input_shapes.Value(WORKER_DELAYED),
    # Each is memory of the worker, and is delivered anew when it restarts; a thousand are seen in both.
    levels={"warning": Level(Fraction(1000), hold=600)},
    overrides="queue",
    summary="Worker {worker} holds {value:message} of queue {queue} whose ETA is to come (limit {limit})",
    action="Keep such tasks in a table and send them when they are due, or use RabbitMQ's native delayed delivery.",
    meaning="Messages with an ETA leave the queue at once and wait inside a worker: no queue length shows them, they "
    "take its memory, and all move to another worker when it restarts.",
    causes=("countdown or eta of hours", "retries with a long back-off", "a flood of rate-limited work sent ahead"),
    dashboard="celery-workers",
)
