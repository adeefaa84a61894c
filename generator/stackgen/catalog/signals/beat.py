"""Does beat keep its schedule: is it there, is it alone, and does it send each entry when it is due?"""

from __future__ import annotations

from fractions import Fraction

from stackgen.catalog import input_shapes
from stackgen.catalog.runbook import Command
from stackgen.catalog.series_doing import ENTRY_RUNTIME
from stackgen.catalog.series_schedule import BEATS, ENTRY_DUE, ENTRY_LATE, ENTRY_PERIOD, ENTRY_SENT
from stackgen.catalog.signal import Level, Signal
from stackgen.catalog.site import Site

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
    # It mutes CeleryTaskOverdue, which ends only when a run that beat sends again was done, scraped and evaluated.
    levels={"critical": Level(Fraction(1), hold=60, keep=180)},
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


def _overrun(site: Site) -> str:
    """Runs against the longer of this period and the next: from Friday on, a report of weekdays has three days."""
    del site
    on = "on (entry, task)"
    now = f"({ENTRY_DUE.name} - {on} {ENTRY_SENT.name})"
    return f"{ENTRY_RUNTIME.name} / {on} ({ENTRY_PERIOD.name} >= {on} {now} or {on} {now} or {on} {ENTRY_PERIOD.name})"


ENTRY_OVERRUNS = Signal(
    id="beat_entry_runtime",
    alert="CeleryScheduleOverruns",
    title="Longest run of an entry, of its period",
    family="schedule",
    unit="ratio",
    by=("entry", "task"),
    needs=(ENTRY_RUNTIME, ENTRY_PERIOD, ENTRY_DUE, ENTRY_SENT),
    record="celery:entry_runtime:of_period",
    expr=_overrun,
    shape=input_shapes.Value(ENTRY_RUNTIME, Fraction(1, 1000), beside=((ENTRY_PERIOD, Fraction(1)),)),
    # Longer than a run is told after its end: one that was a little late is no finding, each of them is.
    levels={"warning": Level(Fraction(1), hold=360)},
    overrides="task",
    summary="A run of entry {entry} (task {task}) takes {value} of its period (limit {limit})",
    action="Make it faster, its period longer, or let a run end at once while another one works (a lock).",
    meaning="The next run is sent before this one ends: they overlap, or wait for each other and fall behind for ever.",
    causes=(
        "there is more to do than when the period was chosen",
        "it waits for something slow: a database, a remote service, a lock",
        "it hangs, and has no time limit",
    ),
    dashboard=_DASHBOARD,
)
