"""Do periodic tasks run when they should: not too late, and not far too often?"""

from __future__ import annotations

from fractions import Fraction

from stackgen.catalog import blindness, facts, input_shapes, promql, week
from stackgen.catalog.series import TASKS, TASKS_NEW
from stackgen.catalog.signal import Guard, Level, Signal
from stackgen.catalog.site import Site
from stackgen.catalog.source import RecordingRule

_DASHBOARD = "celery-tasks"
_PERIODS = 'max by (task) (celery:threshold_override{signal="task_overdue"})'
"""The period of each task that has one."""


def _last_success(site: Site) -> tuple[tuple[str, RecordingRule], ...]:
    """The time of the last success, carried from evaluation to evaluation; the first evaluation starts the clock.

    A success that no evaluation saw as new, as when Prometheus was down, counts as of now while the window holds it.
    """
    name = "celery:task_last_success:timestamp"
    new = f'0 * sum by (task) ({TASKS_NEW.name}{{state="SUCCESS"}}) + time()'
    recent = f'0 * (sum by (task) ({TASKS.name}{{state="SUCCESS"}}) > 0) + time()'
    kept = f"max by (task) (last_over_time({name}[1d]))"
    window = promql.number(TASKS.window + site.bridged)
    return (
        (
            name,
            RecordingRule(
                f"({new} or ({recent} unless on (task) {kept} > time() - {window}) or {kept}"
                f" or 0 * {_PERIODS} + time()) and on (task) {_PERIODS}"
            ),
        ),
    )


def _periodic(site: Site, matchers: tuple[str, ...], period: Fraction) -> str:
    """Tasks behind a pattern that are counted, or were within the last three periods; a deleted one is forgotten."""
    del site
    counted = promql.select(TASKS.name, 'state="SUCCESS"', *matchers)
    step = max(Fraction(60), Fraction(int(period / 10)))
    return f"{counted} or last_over_time({counted}[{promql.seconds(3 * period)}:{promql.seconds(step)}])"


def _since(site: Site) -> str:
    """Seconds since the last success, of tasks that run on some days only those of these days."""
    last = "celery:task_last_success:timestamp"
    some = [week.elapsed(days, promql.select(last, *meant)) for meant, days in site.weeks]
    every = f"time() - {last}"
    return f"({' or '.join([*some, every])})" if some else every


OVERDUE = Signal(
    id="task_overdue",
    alert="CeleryTaskOverdue",
    title="Time since the last success of a periodic task",
    family="tasks",
    unit="seconds",
    by=("task",),
    needs=(TASKS, TASKS_NEW),
    record="celery:task_since_success:seconds",
    before=_last_success,
    # A worker that has little to do shows only now and then that it works.
    expr=lambda site: (
        f"{_since(site)}{facts.unless_doubted('heartbeats', site)}{blindness.unless_unheard(TASKS, site, '1h')}"
    ),
    shape=input_shapes.Overdue(TASKS, {"state": "SUCCESS"}),
    levels={"warning": Level(Fraction(0))},
    overrides="task",
    seen=_periodic,
    limits_from="period",
    summary="Periodic task {task} last succeeded {value} ago (period {limit})",
    action="Check that beat runs and sends it, that a worker takes it, and that it does not fail.",
    meaning="A task that must run regularly has not succeeded within its period.",
    causes=(
        "beat is down or has lost its schedule",
        "the task fails each time",
        "its queue is stuck or has no workers",
    ),
    dashboard=_DASHBOARD,
)

_RUNS = f'sum by (task) (sum_over_time({TASKS_NEW.name}{{state=~"SUCCESS|FAILURE"}}[1h]))'

TOO_OFTEN = Signal(
    id="task_too_often",
    alert="CeleryTaskTooOften",
    title="Runs of a periodic task in an hour, of those its period allows",
    family="tasks",
    unit="count",
    by=("task",),
    needs=(TASKS_NEW,),
    record="celery:task_runs:per_period",
    expr=lambda site: f"{_RUNS} * on (task) {_PERIODS} / 3600",
    shape=input_shapes.Tally(TASKS, {"state": "FAILURE"}, 3600, per_period=True),
    levels={"warning": Level(Fraction(5))},
    overrides="task",
    guards=(Guard("min_tasks", _RUNS, 6, "runs", window=3600),),
    only_names=lambda site: site.periodic,
    applies=lambda site: "" if site.periodic else "no task sets period",
    summary="Periodic task {task} runs {value:time} as often as its period says (limit {limit})",
    action="Look at its schedule, and at who else sends it; if it may run so often, correct its period in stack.yaml.",
    meaning="Somebody sends this task far more often than stack.yaml says, and its work is done again and again.",
    causes=(
        "a crontab without a minute runs every minute of its hour",
        "several beats send the same schedule",
        "the application sends it too, or it sends itself again",
    ),
    dashboard=_DASHBOARD,
)
