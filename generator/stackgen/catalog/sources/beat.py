"""Beat itself: the endpoint of our app-side module in the process that keeps the schedule.

Facts: scrapes of beats with each scheduler on Celery 5.7 (tests/scrapes/beat-*.prom). A target that is down is a beat
that is down; one whose scheduler hangs answers, and its next tick stays in the past.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from stackgen.app.parts.beat import BEAT_SLACK
from stackgen.catalog import promql
from stackgen.catalog.counting import increase, latest, per_worker
from stackgen.catalog.series_schedule import BEATS, ENTRY_DUE, ENTRY_LATE, ENTRY_PERIOD, ENTRY_RUNS, ENTRY_SENT
from stackgen.catalog.site import Site
from stackgen.catalog.source import Metric, Reading, RecordingRule, Source, base_labels, counter, gauge
from stackgen.catalog.timeline import Gauge, Input, Segment

JOB = "celery-beat"
_JOB = f'job="{JOB}"'
_ENTRY = {"entry": "entry", "task": "task"}

TICK_LATE = Metric(name="celery_beat_tick_late_seconds", type="gauge", labels=())
LATE = Metric(name="celery_beat_entry_late_seconds", type="gauge", labels=("entry", "task"))
DUE = Metric(name="celery_beat_entry_due_timestamp_seconds", type="gauge", labels=("entry", "task"))
PERIOD = Metric(name="celery_beat_entry_period_seconds", type="gauge", labels=("entry", "task"))
LAST = Metric(name="celery_beat_entry_last_sent_timestamp_seconds", type="gauge", labels=("entry", "task"))
SENT = Metric(name="celery_beat_entry_sent_total", type="counter", labels=("entry", "task"))


def _going(site: Site) -> str:
    """Beats whose next tick is not late."""
    slack = promql.number(Fraction(BEAT_SLACK))
    return f"count(last_over_time({TICK_LATE.name}{{{_JOB}}}[{site.bridge}]) <= {slack}) or vector(0)"


def _entry(metric: Metric, site: Site) -> str:
    return latest(metric.name, (_JOB, site.task_matcher("task")), site, _ENTRY)


def _beats(site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
    """As many beats, and one whose clock stands still."""
    del canonical, step
    most = max((int(s.amount) for s in segments if s.amount is not None), default=0)
    late = Fraction(BEAT_SLACK) + 1
    return [
        Gauge(
            TICK_LATE.name,
            base_labels(JOB, site, f"beat{n}:9811"),
            tuple(s._replace(amount=0 if s.amount is not None and n < s.amount else late) for s in segments),
        )
        for n in range(most + 1)
    ]


def _labels(canonical: Mapping[str, str]) -> dict[str, str]:
    return {name: canonical[name] for name in _ENTRY}


SOURCE = Source(
    id="beat",
    title="beat's own endpoint",
    job=JOB,
    target="beat:9811",
    link="https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html",
    metrics=(TICK_LATE, LATE, DUE, PERIOD, LAST, SENT),
    readings=(
        Reading(
            series=BEATS,
            uses=(TICK_LATE,),
            rules=lambda site: (RecordingRule(_going(site)),),
            stimulus=_beats,
            caveat="A beat that waits for RedBeat's lock does not count.",
        ),
        Reading(
            series=ENTRY_DUE,
            uses=(DUE,),
            rules=lambda site: (RecordingRule(_entry(DUE, site)),),
            stimulus=gauge(JOB, DUE, _labels),
        ),
        Reading(
            series=ENTRY_LATE,
            uses=(LATE,),
            rules=lambda site: (RecordingRule(_entry(LATE, site)),),
            stimulus=gauge(JOB, LATE, _labels),
            caveat="Of a schedule with more than 1000 entries, the first 1000.",
        ),
        Reading(
            series=ENTRY_PERIOD,
            uses=(PERIOD,),
            rules=lambda site: (RecordingRule(_entry(PERIOD, site)),),
            stimulus=gauge(JOB, PERIOD, _labels),
        ),
        Reading(
            series=ENTRY_SENT,
            uses=(LAST,),
            rules=lambda site: (RecordingRule(_entry(LAST, site)),),
            stimulus=gauge(JOB, LAST, _labels),
        ),
        Reading(
            series=ENTRY_RUNS,
            uses=(SENT,),
            rules=lambda site: (
                RecordingRule(per_worker(increase(SENT.name, (_JOB, site.task_matcher("task")), site, "zero"), _ENTRY)),
            ),
            stimulus=counter(JOB, SENT.name, _labels),
        ),
    ),
    part="beat",
    advice="give beat the generated celery/celery_monitoring.py and restart it",
)
