"""What a worker's endpoint tells of this very moment: what runs, what waits inside it, what it was given again.

Upper end of series a worker: 3 for each task and queue that has run for 5 s, no more than the pool has slots; 4 for
each queue, of which 50 are told apart beside the known ones; 4 for each of 1,000 entries of beat's schedule; 5 more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from stackgen.catalog import promql
from stackgen.catalog.counting import latest
from stackgen.catalog.series import Series
from stackgen.catalog.series_doing import (
    ENTRY_RUNNING,
    ENTRY_RUNTIME,
    ENTRY_STARTED,
    ENTRY_SUCCEEDED,
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
from stackgen.catalog.site import Site
from stackgen.catalog.source import FILLED_IN, Metric, Reading, RecordingRule, base_labels, gauge
from stackgen.catalog.timeline import Gauge, Input, Segment, steady

JOB = "celery-worker"
_JOB = f'job="{JOB}"'
_SLOTS_FED = 100
"""Slots of the worker that tests feed: hundredths of a ratio are whole."""

RUNNING = Metric(name="celery_task_running_seconds", type="gauge", labels=("task", "queue", "worker"))
LIMIT = Metric(name="celery_task_limit_seconds", type="gauge", labels=("task", "queue", "worker"))
VISIBILITY = Metric(name="celery_task_visibility_seconds", type="gauge", labels=("task", "queue", "worker", "timeout"))
STARTS = Metric(name="celery_task_message_starts", type="gauge", labels=("task", "worker"))
SLOTS = Metric(name="celery_worker_slots", type="gauge", labels=("worker",))
BUSY = Metric(name="celery_worker_slots_busy", type="gauge", labels=("worker",))
IDLE = Metric(name="celery_worker_idle_seconds", type="gauge", labels=("worker",))
CONSUMES = Metric(name="celery_worker_consumes", type="gauge", labels=("worker", "queue"))
RESERVED = Metric(name="celery_worker_reserved_seconds", type="gauge", labels=("worker", "queue"))
DELAYED = Metric(name="celery_worker_delayed", type="gauge", labels=("worker", "queue"))
RUNS = Metric(name="celery_entry_running", type="gauge", labels=("entry", "task"))
ENTRIES = {
    series.name: Metric(name=f"celery_entry_{name}", type="gauge", labels=("entry", "task"))
    for series, name in (
        (ENTRY_STARTED, "start_timestamp_seconds"),
        (ENTRY_SUCCEEDED, "success_timestamp_seconds"),
        (ENTRY_RUNTIME, "runtime_seconds"),
    )
}
METRICS = (
    *(RUNNING, LIMIT, VISIBILITY, STARTS, SLOTS, BUSY, IDLE, CONSUMES, RESERVED, DELAYED),
    *(RUNS, *ENTRIES.values()),
)


def _matchers(metric: Metric, site: Site) -> tuple[str, ...]:
    """Those of the job, without tasks and queues that stack.yaml ignores."""
    task = site.task_matcher("task") if "task" in metric.labels else ""
    return _JOB, task, site.passing("queue") if "queue" in metric.labels else ""


def _latest(metric: Metric, series: Series, site: Site) -> str:
    """The largest for each of the series' labels."""
    return latest(metric.name, _matchers(metric, site), site, {name: name for name in series.labels})


def _lately(metric: Metric, site: Site) -> str:
    return f"last_over_time({promql.select(metric.name, *_matchers(metric, site))}[{site.bridge}])"


def _labels(metric: Metric, canonical: Mapping[str, str]) -> dict[str, str]:
    return {name: canonical.get(name, FILLED_IN.get(name, f"a-{name}")) for name in metric.labels}


def _always(site: Site) -> bool:
    del site
    return True


def _beat_tells(site: Site) -> bool:
    """Only a beat that answers writes the entry into the messages that it sends."""
    return "beat" in site.targets


def _read(series: Series, metric: Metric, caveat: str = "", *, where: Callable[[Site], bool] = _always) -> Reading:
    """A series that is a gauge as it is, where there can be one."""
    return Reading(
        series=series,
        uses=(metric,),
        rules=lambda site: (RecordingRule(_latest(metric, series, site)),) if where(site) else (),
        stimulus=gauge(JOB, metric, lambda canonical: _labels(metric, canonical)),
        caveat=caveat,
    )


def of_worker(metric: Metric, site: Site) -> str:
    """The gauge of each worker, of all its endpoints the largest."""
    return latest(metric.name, (_JOB,), site, {"worker": "worker"})


def _used(site: Site) -> str:
    return f"{of_worker(BUSY, site)} / ({of_worker(SLOTS, site)} > 0)"


def _free(site: Site) -> str:
    """What is free in each worker, for each queue that it takes from."""
    free = f"({of_worker(SLOTS, site)} - {of_worker(BUSY, site)})"
    return f"sum by (queue) ({free} * on (worker) group_right () {_latest(CONSUMES, WORKER_CONSUMES, site)})"


def _on(site: Site, canonical: Mapping[str, str]) -> dict[str, str]:
    return {**base_labels(JOB, site, canonical["worker"]), "worker": canonical["worker"]}


def _used_stimulus(site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
    del step
    labels = _on(site, canonical)
    return [
        Gauge(BUSY.name, labels, tuple(s.times(Fraction(_SLOTS_FED)) for s in segments)),
        Gauge(SLOTS.name, labels, steady(segments, _SLOTS_FED)),
    ]


def _free_stimulus(site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
    """A worker of the queue that has so many free slots, and does nothing."""
    del step
    labels = _on(site, {"worker": f"free-for-{canonical['queue']}"})
    return [
        Gauge(SLOTS.name, labels, segments),
        Gauge(BUSY.name, labels, steady(segments, 0)),
        Gauge(CONSUMES.name, {**labels, "queue": canonical["queue"]}, steady(segments, 1)),
    ]


READINGS = (
    _read(TASK_RUNNING, RUNNING),
    _read(TASK_LIMIT, LIMIT),
    _read(TASK_VISIBILITY, VISIBILITY, where=lambda site: site.broker == "redis"),
    _read(TASK_STARTS, STARTS, "Each worker counts its own starts, and forgets them when it starts again."),
    Reading(
        series=WORKER_SLOTS,
        uses=(BUSY, SLOTS),
        rules=lambda site: (RecordingRule(_used(site)),),
        stimulus=_used_stimulus,
    ),
    _read(WORKER_IDLE, IDLE),
    _read(WORKER_CONSUMES, CONSUMES),
    _read(WORKER_RESERVED, RESERVED, "Counted from when a scrape first saw it wait."),
    _read(WORKER_DELAYED, DELAYED),
    Reading(
        series=QUEUE_SLOTS,
        uses=(SLOTS, BUSY, CONSUMES),
        rules=lambda site: (RecordingRule(_free(site)),),
        stimulus=_free_stimulus,
    ),
    *(_read(one, ENTRIES[one.name], where=_beat_tells) for one in (ENTRY_STARTED, ENTRY_SUCCEEDED, ENTRY_RUNTIME)),
    Reading(
        series=ENTRY_RUNNING,
        uses=(RUNS,),
        rules=lambda site: (
            (RecordingRule(f"sum by (entry, task) ({_lately(RUNS, site)})"),) if _beat_tells(site) else ()
        ),
        stimulus=gauge(JOB, RUNS, lambda canonical: _labels(RUNS, canonical)),
    ),
)
