"""The worker itself: the metrics endpoint of our app-side module, with the guide's own metric names and exact counts.

One target per worker, so a target that is down is a worker that is down. Facts: scrapes of workers of each pool with
that module on Celery 5.7 (tests/scrapes/worker-*.prom).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from stackgen.catalog import facts, promql
from stackgen.catalog.counting import grown, increase, of_limit, per_worker
from stackgen.catalog.series import (
    FINAL,
    STATES,
    TASK_DURATION_BUCKET,
    TASK_DURATION_SUM,
    TASK_TIMEOUTS,
    TASK_WAIT_BUCKET,
    TASKS,
    TASKS_NEW,
    TASKS_STARTED,
    WINDOW,
    WORKER_CPU,
    WORKER_MEMORY,
    WORKER_START,
    WORKERS_ACTIVE,
    WORKERS_SERVING,
)
from stackgen.catalog.site import Site
from stackgen.catalog.source import FILLED_IN, Metric, Reading, RecordingRule, Source, base_labels, counter
from stackgen.catalog.sources import worker_doing
from stackgen.catalog.sources.worker_doing import of_worker
from stackgen.catalog.timeline import Counter, Gauge, Input, Segment, steady

JOB = worker_doing.JOB
_JOB = f'job="{JOB}"'
_TASK = {"task": "task", "queue": "queue"}
_STATES = f'state=~"{"|".join(STATES)}"'
_FINAL = f'state=~"{"|".join(FINAL)}"'
_UNSTAMPED = ("tasks whose sender does not load celery_monitoring.py",)
_POOL = 100
"""Pool processes of the worker that tests feed: makes hundredths of a ratio whole CPU seconds."""

ENDED = Metric(name="celery_tasks_total", type="counter", labels=("task", "queue", "state"), born="first value")
DURATION = Metric(name="celery_task_duration_seconds", type="histogram", labels=("task", "queue"), born="first value")
WAIT = Metric(name="celery_task_wait_time_seconds", type="histogram", labels=("task", "queue"), born="first value")
TIMEOUTS = Metric(
    name="celery_task_timeouts_total", type="counter", labels=("task", "queue", "kind"), born="first value"
)
CPU = Metric(name="celery_worker_cpu_seconds_total", type="counter", labels=("worker",))
MEMORY = Metric(name="celery_worker_resident_memory_bytes", type="gauge", labels=("worker",))
MEMORY_LIMIT = Metric(name="celery_worker_memory_limit_bytes", type="gauge", labels=("worker",))
PROCESSES = Metric(name="celery_worker_processes", type="gauge", labels=("worker",))
START = Metric(name="celery_worker_start_time_seconds", type="gauge", labels=("worker",))


def _matchers(site: Site) -> tuple[str, ...]:
    return (_JOB, site.task_matcher("task"), site.passing("queue"))


def _count(metric: str, site: Site, names: Mapping[str, str], *more: str, window: int = WINDOW) -> str:
    listed = "" if "task" in names else site.listed("queue")
    return per_worker(increase(metric, (*_matchers(site), listed, *more), site, "first value", window), names)


def _new(site: Site) -> str:
    return per_worker(grown(ENDED.name, (*_matchers(site), _FINAL), site), {"task": "task", "state": "state"})


def _answering(site: Site) -> str:
    """Endpoints that were scraped; absent where service discovery knows none."""
    return f"sum(max_over_time(up{{{_JOB}}}[{site.bridge}]))"


def begun(site: Site) -> str:
    """Tasks that workers began lately, by queue."""
    return f"increase({promql.select(f'{WAIT.name}_count', *_matchers(site))}[{facts.lately(site)}])"


def _cpu(site: Site) -> str:
    """Seconds used of seconds available; the parent process only supervises, so it adds no capacity."""
    used = f"sum by (worker) (increase({CPU.name}{{{_JOB}}}[{WINDOW // 60}m]))"
    return f"{used} / ({WINDOW} * clamp_min({of_worker(PROCESSES, site)} - 1, 1))"


def _cpu_stimulus(site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
    labels = {**base_labels(JOB, site, canonical["worker"]), "worker": canonical["worker"]}
    return [
        Counter(CPU.name, labels, tuple(s.times(Fraction(step * _POOL)) for s in segments)),
        Gauge(PROCESSES.name, labels, steady(segments, Fraction(_POOL + 1))),
    ]


def _memory_stimulus(site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
    del step
    labels = {**base_labels(JOB, site, canonical["worker"]), "worker": canonical["worker"]}
    found = Fraction(1_000_000_000)
    limit = Fraction(site.worker_memory_limit or found)
    return [
        Gauge(MEMORY.name, labels, tuple(s.times(limit) for s in segments)),
        Gauge(MEMORY_LIMIT.name, labels, steady(segments, found)),
    ]


def _start_stimulus(site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
    del step
    labels = {**base_labels(JOB, site, canonical["worker"]), "worker": canonical["worker"]}
    return [Gauge(START.name, labels, segments)]


def _alive_stimulus(site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
    del canonical, step
    most = max((int(s.amount) for s in segments if s.amount is not None), default=0)
    return [
        Gauge(
            "up",
            base_labels(JOB, site, f"worker{n}:9809"),
            tuple(s._replace(amount=Fraction(1 if s.amount is not None and n < s.amount else 0)) for s in segments),
        )
        for n in range(max(most, 1))
    ]


def labels_of(canonical: Mapping[str, str]) -> dict[str, str]:
    """The labels of a count of this task, queue and state."""
    labels = {"task": canonical.get("task", FILLED_IN["task"]), "queue": canonical.get("queue", FILLED_IN["queue"])}
    return labels | {k: canonical[k] for k in ("state", "le") if k in canonical}


READINGS = (
    Reading(
        series=WORKERS_ACTIVE,
        uses=(),
        rules=facts.judged(facts.WORKERS, _answering),
        stimulus=_alive_stimulus,
        misses=("workers that service discovery does not know",),
    ),
    Reading(
        series=WORKERS_SERVING,
        uses=(),
        # A job that service discovery forgot has no `up` at all.
        rules=lambda site: (RecordingRule(f"{_answering(site)} or vector(0)"),),
        stimulus=_alive_stimulus,
    ),
    Reading(
        series=WORKER_CPU,
        uses=(CPU, PROCESSES),
        rules=lambda site: (RecordingRule(_cpu(site)),),
        stimulus=_cpu_stimulus,
    ),
    Reading(
        series=WORKER_MEMORY,
        uses=(MEMORY, MEMORY_LIMIT),
        rules=lambda site: (RecordingRule(of_limit(of_worker(MEMORY, site), of_worker(MEMORY_LIMIT, site), site)),),
        stimulus=_memory_stimulus,
        caveat="Pages that pool processes share are counted once per process.",
    ),
    Reading(
        series=WORKER_START,
        uses=(START,),
        rules=lambda site: (RecordingRule(of_worker(START, site)),),
        stimulus=_start_stimulus,
    ),
    Reading(
        series=TASKS_STARTED,
        uses=(WAIT,),
        rules=lambda site: (RecordingRule(_count(f"{WAIT.name}_count", site, {"queue": "queue"})),),
        stimulus=counter(JOB, f"{WAIT.name}_count", labels_of),
        misses=_UNSTAMPED,
    ),
    Reading(
        series=TASK_WAIT_BUCKET,
        uses=(WAIT,),
        rules=lambda site: (RecordingRule(_count(f"{WAIT.name}_bucket", site, {"queue": "queue", "le": "le"})),),
        stimulus=counter(JOB, f"{WAIT.name}_bucket", labels_of),
        misses=_UNSTAMPED,
    ),
    Reading(
        series=TASKS,
        uses=(ENDED,),
        rules=lambda site: (
            RecordingRule(_count(ENDED.name, site, {**_TASK, "state": "state"}, _STATES, window=TASKS.window)),
        ),
        stimulus=counter(JOB, ENDED.name, labels_of),
    ),
    Reading(
        series=TASKS_NEW,
        uses=(ENDED,),
        rules=lambda site: (RecordingRule(_new(site)),),
        stimulus=counter(JOB, ENDED.name, labels_of),
    ),
    Reading(
        series=TASK_DURATION_BUCKET,
        uses=(DURATION,),
        rules=lambda site: (RecordingRule(_count(f"{DURATION.name}_bucket", site, {**_TASK, "le": "le"})),),
        stimulus=counter(JOB, f"{DURATION.name}_bucket", labels_of),
    ),
    Reading(
        series=TASK_DURATION_SUM,
        uses=(DURATION,),
        rules=lambda site: (RecordingRule(_count(f"{DURATION.name}_sum", site, _TASK)),),
        stimulus=counter(JOB, f"{DURATION.name}_sum", labels_of),
    ),
    Reading(
        series=TASK_TIMEOUTS,
        uses=(TIMEOUTS,),
        rules=lambda site: (RecordingRule(_count(TIMEOUTS.name, site, _TASK, window=TASK_TIMEOUTS.window)),),
        stimulus=counter(JOB, TIMEOUTS.name, lambda c: {**labels_of(c), "kind": "hard"}),
    ),
)

SOURCE = Source(
    id="worker",
    title="the workers' own metrics endpoint",
    job=JOB,
    target="worker:9809",
    link="https://github.com/prometheus/client_python",
    metrics=(ENDED, DURATION, WAIT, TIMEOUTS, CPU, MEMORY, MEMORY_LIMIT, PROCESSES, START, *worker_doing.METRICS),
    readings=(*READINGS, *worker_doing.READINGS),
    part="worker",
    advice="give every worker the generated celery/celery_monitoring.py and restart it",
)
