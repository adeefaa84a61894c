"""Do tasks end well, in time, and when they should?"""

from __future__ import annotations

from fractions import Fraction

from stackgen.catalog import input_shapes
from stackgen.catalog.logs import log_queries
from stackgen.catalog.series import TASK_DURATION_BUCKET, TASK_TIMEOUTS, TASKS
from stackgen.catalog.signal import Guard, Level, Signal, guide

_DASHBOARD = "celery-tasks"
_FAILED = 'state="FAILURE"'
_FINISHED = 'state=~"SUCCESS|FAILURE"'
_EXECUTED = 'state=~"SUCCESS|FAILURE|RETRY"'
_NO_CHORD = 'task!="celery.chord_unlock"'
_ENDED = 'state=~"SUCCESS|FAILURE|REJECTED"'


def _by_task(matcher: str) -> str:
    return f"sum by (task) ({TASKS.name}{{{matcher}}})"


def _share(part: str, whole: str) -> str:
    """Part of a whole; 0 when no part was ever seen, no result when the whole is 0."""
    return f"({part} or 0 * {whole}) / ({whole} > 0)"


FAILURE_RATIO = Signal(
    id="task_failure_ratio",
    alert="CeleryHighFailureRate",
    title="Task failure rate",
    family="tasks",
    unit="ratio",
    by=("task",),
    needs=(TASKS,),
    record="celery:task_failures:ratio10m",
    expr=lambda site: _share(_by_task(_FAILED), _by_task(_FINISHED)),
    shape=input_shapes.Share(
        TASKS, TASKS, {"state": "FAILURE"}, {"state": "SUCCESS"}, outside=("RETRY", "REVOKED", "REJECTED")
    ),
    levels={
        "warning": Level(Fraction(5, 100), hold=300, source=guide("Task Metrics")),
        "critical": Level(
            Fraction(20, 100), hold=300, source=guide("Critical Alerts"), hold_source=guide("Critical Alerts")
        ),
    },
    overrides="task",
    guards=(
        Guard("min_tasks", _by_task(_FINISHED), 20, window=TASKS.window),
        Guard("min_failures", _by_task(_FAILED), 5, "failures", TASKS.window),
    ),
    summary="{value} of task {task} fail (limit {limit})",
    action="Read the newest exception of this task, and look at what was released when it began.",
    meaning="Executions of this task end in an exception and are not retried any more.",
    causes=("a release", "a service or database the task needs is down", "input the task does not expect"),
    dashboard=_DASHBOARD,
)

SUCCESS_RATIO = Signal(
    id="task_success_ratio",
    alert="CeleryLowSuccessRate",
    title="Task success rate",
    family="tasks",
    unit="ratio",
    by=(),
    needs=(TASKS,),
    record="celery:task_successes:ratio10m",
    expr=lambda site: _share(f'sum({TASKS.name}{{state="SUCCESS"}})', f"sum({TASKS.name}{{{_ENDED}}})"),
    shape=input_shapes.Share(
        TASKS, TASKS, {"state": "REJECTED"}, {"state": "SUCCESS"}, inverted=True, outside=("RETRY", "REVOKED")
    ),
    bad_when="below",
    levels={"warning": Level(Fraction(95, 100), hold=300, source=guide("Task Metrics"))},
    guards=(Guard("min_tasks", f"sum({TASKS.name}{{{_ENDED}}})", 20, window=TASKS.window),),
    # One event, one page: while a task's failure rate is already reported, this would only repeat it.
    unless='ALERTS{alertname="CeleryHighFailureRate", alertstate="firing"}',
    silent_under=input_shapes.Share(TASKS, TASKS, {"state": "FAILURE"}, {"state": "SUCCESS"}),
    log_queries=(log_queries.FAILED, log_queries.REJECTED),
    summary="Only {value} of all tasks succeed (limit {limit})",
    action="See which state is left: failed tasks too rare to be judged alone, or tasks that workers reject.",
    meaning="Over the whole application too many tasks do not succeed, though no single task fails too often.",
    causes=("many rare tasks fail at once: a shared dependency", "workers reject tasks"),
    dashboard=_DASHBOARD,
)

DURATION_P95 = Signal(
    id="task_duration_p95",
    alert="CelerySlowTasks",
    title="Task duration (P95)",
    family="tasks",
    unit="seconds",
    by=("task",),
    needs=(TASK_DURATION_BUCKET,),
    record="celery:task_duration_seconds:p95_5m",
    expr=lambda site: f"histogram_quantile(0.95, sum by (task, le) ({TASK_DURATION_BUCKET.name}))",
    shape=input_shapes.Quantile(TASK_DURATION_BUCKET),
    levels={
        "warning": Level(
            Fraction(300), hold=900, source=guide("Task Metrics", "Warning Alerts"), hold_source=guide("Warning Alerts")
        )
    },
    overrides="task",
    guards=(
        Guard(
            "min_tasks",
            f'sum by (task) ({TASK_DURATION_BUCKET.name}{{le="+Inf"}})',
            0,
            window=TASK_DURATION_BUCKET.window,
        ),
    ),
    log_queries=(log_queries.SUCCEEDED, log_queries.SOFT, log_queries.HARD),
    summary="Task {task} takes {value} (P95, limit {limit})",
    action="Find what it waits for; if it is meant to take that long, give it a limit of its own in stack.yaml.",
    meaning="One execution in twenty takes longer than the limit. Tasks rarer than one in 5 minutes go unseen.",
    causes=("a slow query or remote service", "more data than before", "workers short of CPU"),
    dashboard=_DASHBOARD,
)

RETRY_RATIO = Signal(
    id="task_retry_ratio",
    alert="CeleryHighRetryRate",
    title="Task retry rate",
    family="tasks",
    unit="ratio",
    by=("task",),
    needs=(TASKS,),
    record="celery:task_retries:ratio10m",
    # A chord's end is polled for by retrying.
    expr=lambda site: _share(_by_task(f'state="RETRY",{_NO_CHORD}'), _by_task(_EXECUTED)),
    shape=input_shapes.Share(TASKS, TASKS, {"state": "RETRY"}, {"state": "SUCCESS"}, outside=("REVOKED", "REJECTED")),
    levels={"warning": Level(Fraction(10, 100), hold=300, source=guide("Task Metrics"))},
    overrides="task",
    guards=(
        Guard("min_tasks", _by_task(_EXECUTED), 20, window=TASKS.window),
        Guard("min_failures", _by_task('state="RETRY"'), 5, "retries", TASKS.window),
    ),
    log_queries=(log_queries.RETRIED,),
    summary="{value} of the executions of task {task} end in a retry (limit {limit})",
    action="Find the service that makes it retry; raise the back-off before the retries become the load.",
    meaning="The task works only after several attempts, or is on its way to failing for good.",
    causes=("a service it calls is slow or down", "a rate limit", "a lock that is always taken"),
    dashboard=_DASHBOARD,
)

TIMEOUT_RATIO = Signal(
    id="task_timeout_ratio",
    alert="CeleryTaskTimeouts",
    title="Task timeout rate",
    family="tasks",
    unit="ratio",
    by=("task",),
    needs=(TASKS, TASK_TIMEOUTS),
    record="celery:task_timeouts:ratio10m",
    expr=lambda site: _share(f"sum by (task) ({TASK_TIMEOUTS.name})", _by_task(_EXECUTED)),
    shape=input_shapes.Share(
        TASK_TIMEOUTS, TASKS, {}, {"state": "FAILURE"}, disjoint=False, outside=("REVOKED", "REJECTED")
    ),
    levels={"warning": Level(Fraction(1, 100), hold=300, source=guide("Task Metrics"))},
    overrides="task",
    guards=(
        Guard("min_tasks", _by_task(_EXECUTED), 20, window=TASKS.window),
        Guard("min_failures", f"sum by (task) ({TASK_TIMEOUTS.name})", 5, "timeouts", TASK_TIMEOUTS.window),
    ),
    log_queries=(log_queries.SOFT, log_queries.HARD),
    summary="{value} of the executions of task {task} run into a time limit (limit {limit})",
    action="See where it hangs; a hard limit kills it in the middle, so check what it left half done.",
    meaning="Celery stops executions of this task because they exceed time_limit or soft_time_limit.",
    causes=("a remote call without a timeout of its own", "more data than the limit allows for", "a deadlock"),
    dashboard=_DASHBOARD,
)
