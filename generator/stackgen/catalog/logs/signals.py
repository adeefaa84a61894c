"""What is judged in the logs: what metrics cannot see, or what says which task and worker it was."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Literal, NamedTuple

from stackgen.catalog.logs.line import ACTION, ERROR_TYPE, TASK, WORKER
from stackgen.catalog.logs.question import Question, happened
from stackgen.catalog.series import Unit
from stackgen.catalog.signal import Level, Severity


class LogSignal(NamedTuple):
    """One thing that is counted in the logs, or missed in them; the same for every backend that judges."""

    id: str
    alert: str
    title: str
    unit: Unit
    question: Question
    levels: Mapping[Severity, Level]
    window: int | None
    """Seconds in which lines are counted; None: the threshold is the time without any line."""
    summary: str
    """One line. `{value}`, `{limit}` and `{<label>}` are filled in."""
    action: str
    meaning: str
    causes: tuple[str, ...]
    dashboard: str
    """uid of the dashboard that shows such lines."""
    by: tuple[str, ...] = ()
    """Labels of the alert, one for each field that the question counts by."""
    bad_when: Literal["above"] = "above"
    family: Literal["logs"] = "logs"
    needs: tuple[()] = ()
    overrides: None = None
    only_overrides: Literal[False] = False
    guards: tuple[()] = ()
    unless: Literal[""] = ""
    min_tasks: None = None
    min_failures: None = None


WINDOW = 600
"""Seconds in which lines are counted: longer than any shipper's delay, short enough to end with the trouble."""

FAILURES = LogSignal(
    id="log_failures",
    alert="CeleryTaskFailuresLogged",
    title="Failures of one task in its logs",
    unit="count",
    question=happened("failed", TASK),
    by=("task",),
    levels={"warning": Level(Fraction(100))},
    window=WINDOW,
    summary="{task} wrote {value} failures into the log within 10 minutes, more than {limit}",
    action="Read the newest of these lines: error.type and error.stack_trace say where it fails.",
    meaning="One task fails often, whatever its share of all tasks is. The lines name the exception and the place.",
    causes=(
        "a change of the task's code, or of a service it calls",
        "input that the task cannot handle, sent again and again",
    ),
    dashboard="celery-tasks",
)
UNREGISTERED = LogSignal(
    id="log_unregistered",
    alert="CeleryUnregisteredTask",
    title="Messages for tasks that no worker knows",
    unit="count",
    question=happened("unknown", TASK),
    by=("task",),
    levels={"warning": Level(Fraction(0))},
    window=WINDOW,
    summary="{value} messages for {task} were thrown away within 10 minutes: the worker does not know this task",
    action="Start the worker with the code that has the task, or stop who sends it; the messages are lost.",
    meaning="A worker took a message from the queue, did not know the task, and threw the message away for good.",
    causes=(
        "senders were deployed before workers",
        "the module with the task is not imported by the worker (`include`, autodiscovery)",
        "the task was renamed while messages with its old name were waiting",
    ),
    dashboard="celery-tasks",
)
WORKER_LOST = LogSignal(
    id="log_worker_lost",
    alert="CeleryWorkerProcessLost",
    title="Pool processes that died under a task",
    unit="count",
    # Celery writes a line of its own with this error too.
    question=Question(((ACTION, "task-failed"), (ERROR_TYPE, "WorkerLostError")), (WORKER,)),
    by=("worker",),
    levels={"warning": Level(Fraction(0))},
    window=WINDOW,
    summary="{value} processes of {worker} died under a running task within 10 minutes",
    action="Look for the kernel's out-of-memory killer on that host (`dmesg`), then at the task of these lines.",
    meaning="A process of the pool ended while it ran a task, which runs again only with `task_reject_on_worker_lost`.",
    causes=(
        "the kernel killed it because memory ran out",
        "a library written in C crashed",
        "somebody or something sent the process a signal",
    ),
    dashboard="celery-workers",
)
SILENCE = LogSignal(
    id="log_silence",
    alert="CeleryLogsMissing",
    title="Time without any log line",
    unit="seconds",
    question=Question(()),
    levels={"warning": Level(Fraction(900))},
    window=None,
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

LOG_SIGNALS: Mapping[str, LogSignal] = MappingProxyType(
    {signal.id: signal for signal in (FAILURES, UNREGISTERED, WORKER_LOST, SILENCE)}
)
"""Every signal of the logs by id."""
