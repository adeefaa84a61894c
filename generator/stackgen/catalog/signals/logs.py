"""What is judged in the logs: what metrics cannot see, or what says which task and worker it was."""

from __future__ import annotations

from fractions import Fraction

from stackgen.catalog.logs import log_queries
from stackgen.catalog.logs.line import TASK, WORKER
from stackgen.catalog.signal import Level, LogCount, Signal

WINDOW = 600
"""Seconds in which lines are counted: longer than any shipper's delay, short enough to end with the trouble."""

FAILURES = Signal(
    id="log_failures",
    alert="CeleryTaskFailuresLogged",
    title="Failures of one task in its logs",
    family="logs",
    unit="count",
    by=("task",),
    levels={"warning": Level(Fraction(100))},
    log_count=LogCount(log_queries.FAILED.filter._replace(by=(TASK,)), WINDOW),
    log_queries=(log_queries.FAILED,),
    summary="{task} wrote {value:failure} into the log within 10 minutes, more than {limit}",
    action="Read the newest of these lines: error.type and error.stack_trace say where it fails.",
    meaning="One task fails often, whatever its share of all tasks is. The lines name the exception and the place.",
    causes=(
        "a change of the task's code, or of a service it calls",
        "input that the task cannot handle, sent again and again",
    ),
    dashboard="celery-tasks",
)
UNREGISTERED = Signal(
    id="log_unregistered",
    alert="CeleryUnregisteredTask",
    title="Messages for tasks that no worker knows",
    family="logs",
    unit="count",
    by=("task",),
    levels={"warning": Level(Fraction(0))},
    log_count=LogCount(log_queries.UNKNOWN.filter._replace(by=(TASK,)), WINDOW),
    log_queries=(log_queries.UNKNOWN,),
    summary="A worker does not know {task} and threw {value:message} away within 10 minutes",
    action="Start the worker with the code that has the task, or stop who sends it; the messages are lost.",
    meaning="A worker took a message from the queue, did not know the task, and threw the message away for good.",
    causes=(
        "senders were deployed before workers",
        "the module with the task is not imported by the worker (`include`, autodiscovery)",
        "the task was renamed while messages with its old name were waiting",
    ),
    dashboard="celery-tasks",
)
WORKER_LOST = Signal(
    id="log_worker_lost",
    alert="CeleryWorkerProcessLost",
    title="Pool processes that died under a task",
    family="logs",
    unit="count",
    by=("worker",),
    levels={"warning": Level(Fraction(0))},
    log_count=LogCount(log_queries.LOST.filter._replace(by=(WORKER,)), WINDOW),
    log_queries=(log_queries.LOST,),
    summary="{value:process} of {worker} died under a running task within 10 minutes",
    action="Look for the kernel's out-of-memory killer on that host (`dmesg`), then at the task of these lines.",
    meaning="A process of the pool ended while it ran a task, which runs again only with `task_reject_on_worker_lost`.",
    causes=(
        "the kernel killed it because memory ran out",
        "a library written in C crashed",
        "somebody or something sent the process a signal",
    ),
    dashboard="celery-workers",
)
SILENCE = Signal(
    id="log_silence",
    alert="CeleryLogsMissing",
    title="Time without any log line",
    family="logs",
    unit="seconds",
    by=(),
    # Held for a moment: at the first start nothing has arrived yet, whatever the window is.
    levels={"warning": Level(Fraction(900), hold=120)},
    log_count=LogCount(log_queries.ALL.filter, None),
    log_queries=(log_queries.ALL,),
    summary="No log line has arrived for {limit}",
    action="See whether workers run, then whether the shipper reads the file and may write to its backend.",
    meaning="Nobody writes, or nothing arrives. Until it is mended, what happens to tasks is written down nowhere.",
    causes=(
        "the shipper is down, or cannot read the files",
        "the backend refuses what the shipper sends: credentials, limits, a full disk",
        "no task runs at all",
    ),
    dashboard="celery-stack",
)
