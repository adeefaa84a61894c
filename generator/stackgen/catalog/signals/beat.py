"""Does beat keep its schedule: is it there, is it alone, and does it send each entry when it is due?"""

from __future__ import annotations

from fractions import Fraction

from stackgen.catalog import input_shapes
from stackgen.catalog.runbook import Command
from stackgen.catalog.series_schedule import BEATS, ENTRY_LATE
from stackgen.catalog.signal import Level, Signal

_DASHBOARD = "celery-schedule"
_PAGE = Command("curl -sS http://<beat>:<port>/livez", "Whether its clock goes on; `/metrics` tells of each entry.")

BEAT_GONE = Signal(
    id="beat_active",
    alert="CeleryBeatDown",
    title="Beats whose clock goes on",
    family="schedule",
    unit="count",
    by=(),
    needs=(BEATS,),
    expr=lambda site: BEATS.name,
    shape=input_shapes.Value(BEATS),
    bad_when="below",
    levels={"critical": Level(Fraction(1), hold=60)},
    commands=(_PAGE,),
    summary="No beat keeps the schedule: nothing periodic is sent",
    action="Start beat; if its process is there, restart it: it hangs, or waits for a broker, database or lock.",
    meaning="Periodic tasks are not sent any more. No queue grows and no task fails, so nothing else tells.",
    causes=(
        "its process ended and nobody started it again",
        "it hangs while it sends: the broker neither answers nor refuses",
        "another beat, dead by now, holds RedBeat's lock",
        "Prometheus does not reach its endpoint",
    ),
    dashboard=_DASHBOARD,
)

BEATS_MANY = Signal(
    id="beats_many",
    alert="CeleryBeatTwice",
    title="Beats at work",
    family="schedule",
    unit="count",
    by=(),
    needs=(BEATS,),
    expr=lambda site: BEATS.name,
    shape=input_shapes.Value(BEATS),
    # Longer than a deployment lets the old and the new one run side by side.
    levels={"warning": Level(Fraction(1), hold=120)},
    commands=(_PAGE,),
    summary="More than one beat keeps the schedule ({value}): each entry is sent by every one of them",
    action="Stop all but one.",
    meaning="Each periodic task is sent once by each beat, and its work is done as often.",
    causes=(
        "a deployment left the old beat running",
        "its service has more than one replica, or a worker of many runs with -B",
        "two stacks use one application",
    ),
    dashboard=_DASHBOARD,
)

ENTRY_MISSED = Signal(
    id="beat_entry_missed",
    alert="CeleryScheduleMissed",
    title="Time since an entry should have been sent",
    family="schedule",
    unit="seconds",
    by=("entry", "task"),
    needs=(ENTRY_LATE,),
    expr=lambda site: ENTRY_LATE.name,
    shape=input_shapes.Value(ENTRY_LATE),
    levels={"warning": Level(Fraction(60))},
    overrides="task",
    commands=(_PAGE,),
    summary="Beat should have sent entry {entry} (task {task}) {value} ago and has not (limit {limit})",
    action="Read beat's log at that time: an error says why it was not sent. Send the task by hand if it is needed.",
    meaning="Beat runs, and a run of this entry is missing. It is told until the entry is sent the next time.",
    causes=(
        "the broker refused the message; beat does not try again before the entry's next time",
        "beat was busy, or suspended with its host, for too long (beat_cron_starting_deadline)",
        "the entry names a queue or exchange that cannot be used",
    ),
    dashboard=_DASHBOARD,
)
