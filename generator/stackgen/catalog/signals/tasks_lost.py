"""Is work lost: tasks of which every execution fails, that always expire, or that no worker knows?"""

from __future__ import annotations

from fractions import Fraction

from stackgen.catalog import input_shapes, promql
from stackgen.catalog.logs import log_queries
from stackgen.catalog.series import TASKS, TASKS_NEW, TASKS_UNKNOWN
from stackgen.catalog.signal import Guard, Level, Signal
from stackgen.catalog.site import Site
from stackgen.catalog.source import RecordingRule

_DASHBOARD = "celery-tasks"
_STREAK = "celery:task_losses:since_success"
_LAST = "celery:task_last_loss:timestamp"
_TOLD = 2 * 86_400
"""Seconds after its last loss for which a task is told."""
_REMEMBERED = 31 * 86_400
"""Seconds after its last loss for which the losses before it still count."""
_GAP = "15m"
"""How long nothing may be evaluated before what is carried on is forgotten; each evaluation reads as much."""


def _expired(site: Site) -> str:
    """A matcher for tasks whose expiry is a loss."""
    return promql.none_of("task", site.expiring)


def _losses(site: Site) -> str:
    """Executions since the last evaluation whose work is lost."""
    if not site.expiring:
        return f'sum by (task) ({TASKS_NEW.name}{{state!="SUCCESS"}})'
    expired = promql.select(TASKS_NEW.name, 'state="REVOKED"', _expired(site))
    return f'sum by (task) ({TASKS_NEW.name}{{state=~"FAILURE|REJECTED"}} or {expired})'


def _streak(site: Site) -> tuple[tuple[str, RecordingRule], ...]:
    """Losses since the last success, and when the last was, both carried from evaluation to evaluation."""
    lost, good = _losses(site), f'sum by (task) ({TASKS_NEW.name}{{state="SUCCESS"}})'
    streak, last = (f"max by (task) (last_over_time({name}[{_GAP}]))" for name in (_STREAK, _LAST))
    return (
        (_LAST, RecordingRule(f"0 * {lost} + time() or {last} > time() - {_REMEMBERED}")),
        (
            _STREAK,
            RecordingRule(f"0 * {good} or {lost} + ({streak} or 0 * {lost}) or {streak} > 0 and on (task) {_LAST}"),
        ),
    )


LOSS_STREAK = Signal(
    id="task_loss_streak",
    alert="CeleryTaskAlwaysFails",
    title="Executions lost since the last success",
    family="tasks",
    unit="tasks",
    by=("task",),
    needs=(TASKS_NEW,),
    before=_streak,
    record="celery:task_losses:in_a_row",
    expr=lambda site: f"{_STREAK} and on (task) {_LAST} > time() - {_TOLD}",
    shape=input_shapes.Tally(TASKS, {"state": "FAILURE"}),
    levels={"warning": Level(Fraction(5), hold=600)},
    overrides="task",
    log_queries=(log_queries.FAILED, log_queries.REVOKED, log_queries.REJECTED),
    summary="The last {value:execution} of task {task} all failed, expired or were rejected (limit {limit})",
    action="Read the newest exception of this task; of one that expires, see how long its queue makes it wait.",
    meaning="No execution of this task has succeeded for a while: failed, expired, revoked and rejected ones count, "
    "until one succeeds, and for two days after the last.",
    causes=(
        "a release broke a task that runs too rarely for its failure rate to be judged",
        "every message waits longer than it may (`expires`)",
        "no worker knows the task: it is not registered, or its message cannot be read",
    ),
    dashboard=_DASHBOARD,
)

_ENDED = 'state=~"SUCCESS|FAILURE|REVOKED|REJECTED"'


_EXPIRED = f'sum by (task) ({TASKS.name}{{state="REVOKED"}})'


def _expired_share(site: Site) -> str:
    revoked = promql.select(TASKS.name, 'state="REVOKED"', _expired(site))
    return f"sum by (task) ({revoked}) / (sum by (task) ({TASKS.name}{{{_ENDED}}}) > 0)"


EXPIRED_RATIO = Signal(
    id="task_expired_ratio",
    alert="CeleryTasksExpire",
    title="Tasks expired or revoked",
    family="tasks",
    unit="ratio",
    by=("task",),
    needs=(TASKS,),
    record="celery:task_revocations:ratio10m",
    expr=_expired_share,
    shape=input_shapes.Share(TASKS, TASKS, {"state": "REVOKED"}, {"state": "SUCCESS"}, outside=("RETRY",)),
    # Held for longer than the window: what piled up behind workers that were restarted has then left it.
    levels={"warning": Level(Fraction(50, 100), hold=1200)},
    sees_bursts=False,
    overrides="task",
    guards=(Guard("min_failures", _EXPIRED, 5, "revocations", TASKS.window),),
    log_queries=(log_queries.REVOKED,),
    summary="{value} of task {task} expire or are revoked before they run (limit {limit})",
    action="See how long its queue makes it wait; if its expiry is wanted, write `expires: wanted` for it.",
    meaning="Messages of this task reach a worker later than they may, or somebody revokes them: their work is lost.",
    causes=("too few workers for its queue", "`expires` is shorter than the usual wait", "clocks of hosts differ"),
    dashboard=_DASHBOARD,
)

UNKNOWN_TASKS = Signal(
    id="tasks_unknown",
    alert="CeleryUnknownTasks",
    title="Messages of tasks that no worker knows, in 10 minutes",
    family="tasks",
    unit="tasks",
    by=(),
    needs=(TASKS_UNKNOWN,),
    expr=lambda site: TASKS_UNKNOWN.name,
    shape=input_shapes.Value(TASKS_UNKNOWN),
    levels={"warning": Level(Fraction(0), hold=120)},
    log_queries=(log_queries.FAILED, log_queries.REJECTED),
    summary="Workers threw {value:message} away: they do not know the task",
    action="The workers' logs name it: `Received unregistered task`. Import its module in the workers.",
    meaning="A worker that does not know a task drops its message. The work is lost, and nobody else is told.",
    causes=(
        "senders were released before workers",
        "a module is missing in `imports` or `include`",
        "a worker of another application consumes this queue",
    ),
    dashboard=_DASHBOARD,
)

CHORD_POLLS = Signal(
    id="chord_polls",
    alert="CeleryChordsNeverEnd",
    title="Polls for the end of chords, in 10 minutes",
    family="tasks",
    unit="count",
    by=(),
    needs=(TASKS,),
    record="celery:chord_polls:increase10m",
    expr=lambda site: f'sum({TASKS.name}{{task="celery.chord_unlock",state="RETRY"}})',
    shape=input_shapes.Value(TASKS, labels={"task": "celery.chord_unlock", "state": "RETRY"}),
    # Each chord that waits polls once a second. A chord that ends within the hour is no finding.
    levels={"warning": Level(Fraction(6000), hold=3600)},
    log_queries=(log_queries.RETRIED,),
    summary="Chords were polled {value:time} in 10 minutes, for an hour (limit {limit})",
    action="Find the chords whose header never ends (`inspect scheduled` names them), and revoke their chord_unlock.",
    meaning="celery.chord_unlock asks again and again whether a chord's tasks have ended. Some never do.",
    causes=(
        "a task of the header ignores its result, or its result has expired",
        "a task of the header was lost or revoked",
        "a result backend that lost its data",
    ),
    dashboard=_DASHBOARD,
)
