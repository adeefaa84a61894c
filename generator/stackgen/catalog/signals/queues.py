"""Do queues move, and fast enough?"""

from __future__ import annotations

from fractions import Fraction

from stackgen.catalog import blindness, facts, input_shapes, promql
from stackgen.catalog.counting import shrinks
from stackgen.catalog.logs import log_queries
from stackgen.catalog.series import (
    DELAYED_UNDELIVERED,
    QUEUE_LENGTH,
    QUEUE_WORKERS,
    TASK_WAIT_BUCKET,
    TASKS_STARTED,
    WINDOW,
    WORKER_TASKS,
    WORKERS_ACTIVE,
)
from stackgen.catalog.signal import Guard, Level, Signal, guide
from stackgen.catalog.site import Site

_DASHBOARD = "celery-queues"


def _length(site: Site) -> str:
    return promql.select(QUEUE_LENGTH.name, site.working())


QUEUE_LENGTH_SIGNAL = Signal(
    id="queue_length",
    alert="CeleryQueueBacklog",
    title="Queue depth",
    family="queues",
    unit="tasks",
    by=("queue",),
    needs=(QUEUE_LENGTH,),
    expr=_length,
    shape=input_shapes.Value(QUEUE_LENGTH),
    levels={
        "warning": Level(Fraction(1000), hold=600, source=guide("Queue Metrics")),
        "critical": Level(
            Fraction(5000), hold=600, source=guide("Critical Alerts"), hold_source=guide("Critical Alerts")
        ),
    },
    overrides="queue",
    skips_dead_letters=True,
    summary="Queue {queue} holds {value:task} (limit {limit})",
    action="Check that workers consume this queue; then add workers or slow the producer.",
    meaning="More tasks wait than the workers take; whoever waits for their results waits longer and longer.",
    causes=(
        "a producer sends far more than usual",
        "workers are down or do not consume this queue",
        "tasks became slow: a database, a remote service",
    ),
    dashboard=_DASHBOARD,
)

QUEUE_GROWTH = Signal(
    id="queue_growth",
    alert="CeleryQueueGrowing",
    title="Queue growth rate",
    family="queues",
    unit="per_second",
    by=("queue",),
    needs=(QUEUE_LENGTH,),
    record="celery:queue_growth:deriv5m",
    expr=lambda site: f"deriv({_length(site)}[{promql.seconds(WINDOW)}])",
    shape=input_shapes.Growth(QUEUE_LENGTH),
    # Held for longer than the window: a batch of a few minutes has then left it.
    levels={"warning": Level(Fraction(10), hold=600, source=guide("Queue Metrics"))},
    overrides="queue",
    skips_dead_letters=True,
    summary="Queue {queue} grows by {value} (limit {limit})",
    action="Find the producer; at this rate compare with the queue's depth limit to see how much time is left.",
    meaning="Tasks arrive faster than workers take them.",
    causes=("a batch job started", "a retry storm: look at the retry ratio", "workers died"),
    dashboard=_DASHBOARD,
)

QUEUE_WAIT_P95 = Signal(
    id="queue_wait_p95",
    alert="CeleryTaskWaitTooLong",
    title="Task wait time (P95)",
    family="queues",
    unit="seconds",
    by=("queue",),
    needs=(TASK_WAIT_BUCKET,),
    record="celery:task_wait_time_seconds:p95_5m",
    expr=lambda site: f"histogram_quantile(0.95, {promql.select(TASK_WAIT_BUCKET.name, site.working())})",
    shape=input_shapes.Quantile(TASK_WAIT_BUCKET),
    levels={"warning": Level(Fraction(60), hold=300, source=guide("Queue Metrics"))},
    overrides="queue",
    guards=(Guard("min_tasks", f'{TASK_WAIT_BUCKET.name}{{le="+Inf"}}', 10, window=TASK_WAIT_BUCKET.window),),
    skips_dead_letters=True,
    summary="Tasks wait {value} in queue {queue} before they start (P95, limit {limit})",
    action="Add workers to this queue, or move slow tasks to a queue of their own.",
    meaning="One task in twenty waits longer than the limit before a worker begins it.",
    causes=("too few workers", "long tasks block short ones in the same queue", "prefetch hands tasks to busy workers"),
    dashboard=_DASHBOARD,
)

QUEUE_STUCK = Signal(
    id="queue_stuck",
    alert="CeleryQueueStuck",
    title="Tasks waiting while none starts",
    family="queues",
    unit="tasks",
    by=("queue",),
    needs=(QUEUE_LENGTH, TASKS_STARTED),
    record="celery:queue_stuck:length",
    # Who makes a queue shorter takes tasks from it, whatever is heard of their starts.
    expr=lambda site: (
        f"{_length(site)} unless on (queue) {TASKS_STARTED.name} > 0"
        f" unless on (queue) {shrinks(_length(site))}"
        f"{facts.unless_doubted('heartbeats', site)}{blindness.unless_unheard(TASKS_STARTED, site, '10m')}"
    ),
    shape=input_shapes.Stuck(QUEUE_LENGTH, TASKS_STARTED),
    # A queue of two processes with tasks of 40 minutes starts one every 20 minutes, and is well.
    levels={"warning": Level(Fraction(0), hold=1200)},
    overrides="queue",
    skips_dead_letters=True,
    summary="Queue {queue} is stuck with {value:task} waiting: none has started",
    action="Ask the workers what they do (`inspect active`); restart those that hang.",
    meaning="Tasks wait and no worker begins one. Workers may be alive and still not consume.",
    causes=(
        "every pool process is busy with a task that does not end",
        "workers lost their broker connection and hang, while their heartbeat goes on",
        "nobody consumes this queue",
    ),
    dashboard=_DASHBOARD,
)

QUEUE_NO_CONSUMERS = Signal(
    id="queue_no_consumers",
    alert="CeleryQueueWithoutConsumers",
    title="Workers on a queue that holds tasks",
    family="queues",
    unit="workers",
    by=("queue",),
    needs=(QUEUE_LENGTH, QUEUE_WORKERS),
    record="celery:queue_workers:needed",
    expr=lambda site: f"{promql.select(QUEUE_WORKERS.name, site.working())} and on (queue) {QUEUE_LENGTH.name} > 0",
    shape=input_shapes.Value(
        QUEUE_WORKERS, beside=((QUEUE_LENGTH, Fraction(1)),), silenced_by=((QUEUE_LENGTH, Fraction(0)),)
    ),
    bad_when="below",
    levels={"critical": Level(Fraction(1), hold=300)},
    skips_dead_letters=True,
    summary="Queue {queue} holds tasks and no worker consumes it",
    action="Start a worker with `-Q` naming this queue, or correct the route that fills it.",
    meaning="Tasks in this queue will never run until a worker consumes it.",
    causes=("a worker's -Q list lost this queue", "a typo in task_routes made a new queue", "its workers are down"),
    dashboard=_DASHBOARD,
)

QUEUE_WORKERS_SIGNAL = Signal(
    id="queue_workers",
    alert="CeleryWorkersMissing",
    title="Workers on a queue",
    family="queues",
    unit="workers",
    by=("queue",),
    needs=(QUEUE_WORKERS,),
    expr=lambda site: QUEUE_WORKERS.name,
    shape=input_shapes.Value(QUEUE_WORKERS),
    bad_when="below",
    levels={"warning": Level(Fraction(1), hold=600)},
    overrides="queue",
    limits_from="min_workers",
    summary="Queue {queue} has {value:worker}, fewer than its minimum of {limit}",
    action="Find the workers of this queue that are gone.",
    meaning="Fewer workers than queues.<name>.min_workers in stack.yaml asks for consume this queue.",
    causes=("a host or pod died", "a deployment changed -Q", "the autoscaler's lower bound is below min_workers"),
    dashboard=_DASHBOARD,
)

WORKER_TAKES_NONE = Signal(
    id="worker_takes_none",
    alert="CeleryWorkerTakesNothing",
    title="Tasks of a worker while a queue waits that every worker consumed within the last hour",
    family="queues",
    unit="tasks",
    by=("worker",),
    needs=(WORKER_TASKS, QUEUE_LENGTH, QUEUE_WORKERS, WORKERS_ACTIVE),
    record="celery:worker_tasks:needed",
    # A worker that says itself that it does not consume the queue any more is one fewer, and still meant: so within
    # the hour; and no more workers than then, or a new one may have another queue.
    expr=lambda site: (
        f"max_over_time({WORKER_TASKS.name}[{site.bridge}]) and on () ({_length(site)} > 0"
        f" and on (queue) max_over_time(({QUEUE_WORKERS.name} >= on () group_left () {WORKERS_ACTIVE.name})[1h:1m])"
        f" >= on () group_left () {WORKERS_ACTIVE.name})"
    ),
    shape=input_shapes.Value(
        WORKER_TASKS,
        beside=((QUEUE_LENGTH, Fraction(1)), (QUEUE_WORKERS, Fraction(9)), (WORKERS_ACTIVE, Fraction(1))),
        silenced_by=((QUEUE_LENGTH, Fraction(1)), (QUEUE_WORKERS, Fraction(1)), (WORKERS_ACTIVE, Fraction(9))),
    ),
    bad_when="below",
    levels={"warning": Level(Fraction(1), hold=420)},
    summary="Worker {worker} takes no task, while a queue waits that every worker consumed within the last hour",
    action="Restart it: its heartbeat goes on, and it takes nothing. Then look for a lost connection in its log.",
    meaning="The worker answers and works on nothing, though tasks wait for it. Others may do its part. "
    "If it stopped consuming the queue, this is told for an hour; `min_workers` of the queue tells it for longer.",
    causes=(
        "it reconnected to the broker after a failover or an idle timeout and consumes nothing since",
        "its consumer was cancelled (`control cancel_consumer`)",
        "its pool is gone and its parent process lives on",
    ),
    dashboard="celery-workers",
)

QUEUE_DRAIN_TIME = Signal(
    id="queue_drain_time",
    alert="CeleryQueueDrainsTooSlowly",
    title="Time until the queue is empty",
    family="queues",
    unit="seconds",
    by=("queue",),
    needs=(QUEUE_LENGTH, TASKS_STARTED),
    record="celery:queue_drain_time:seconds",
    expr=lambda site: f"{_length(site)} / on (queue) ({TASKS_STARTED.name} / {WINDOW} > 0)",
    shape=input_shapes.Drain(QUEUE_LENGTH, TASKS_STARTED),
    levels={"warning": Level(Fraction(1800), hold=600)},
    overrides="queue",
    guards=(Guard("min_tasks", QUEUE_LENGTH.name, 50, "waiting tasks"),),
    skips_dead_letters=True,
    summary="Queue {queue} needs {value} to empty at its present pace (limit {limit})",
    action="Add workers, or accept the delay and raise this queue's limit.",
    meaning="A task sent now starts only after everything before it: it waits about this long.",
    causes=("too few workers for the load", "tasks became slower"),
    dashboard=_DASHBOARD,
)

DEAD_LETTER_LENGTH = Signal(
    id="dead_letter_length",
    alert="CeleryDeadLetters",
    title="Dead letters",
    family="queues",
    unit="tasks",
    by=("queue",),
    needs=(QUEUE_LENGTH,),
    expr=lambda site: promql.select(QUEUE_LENGTH.name, site.dead()),
    shape=input_shapes.Value(QUEUE_LENGTH),
    levels={"warning": Level(Fraction(100), hold=300, source=guide("Queue Metrics"))},
    overrides="queue",
    only_names=lambda site: (*site.dead_letter, *site.dead_examples),
    only_dead_letters=True,
    applies=lambda site: "" if site.dead_letter or site.dead_patterns else "no queue has role dead_letter",
    log_queries=(log_queries.REJECTED, log_queries.FAILED),
    summary="Dead letter queue {queue} holds {value:message} (limit {limit})",
    action="Look at a few of them before anything else; replay or drop them, then mend the task that rejects them.",
    meaning="Work was given up. Celery itself fills no dead letter queue: RabbitMQ's exchange or the application does.",
    causes=("a task rejects messages it cannot handle", "a release changed a task's signature", "messages expire"),
    dashboard=_DASHBOARD,
)

DELAYED_UNDELIVERED_SIGNAL = Signal(
    id="delayed_undelivered",
    alert="CeleryDelayedTasksStuck",
    title="Delayed tasks that no queue takes",
    family="queues",
    unit="tasks",
    by=(),
    needs=(DELAYED_UNDELIVERED,),
    expr=lambda site: DELAYED_UNDELIVERED.name,
    shape=input_shapes.Value(DELAYED_UNDELIVERED),
    levels={"warning": Level(Fraction(0), hold=600)},
    applies=lambda site: "" if site.broker == "rabbitmq" else "only RabbitMQ delays tasks by itself",
    summary="RabbitMQ holds {value:delayed task} whose time has come and that no queue takes",
    action="See which queue they are for; start a worker that consumes it: workers bind it to the delayed delivery.",
    meaning="An ETA or countdown has passed and the task is not delivered. RabbitMQ keeps trying; nothing is lost yet.",
    causes=(
        "the queue is not bound to celery_delayed_delivery: no worker of this version consumed it yet",
        "the queue is full and rejects, or its quorum is lost",
        "the task was sent to a queue that does not exist",
    ),
    dashboard=_DASHBOARD,
)
