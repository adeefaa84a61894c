"""What is broken, and which alerts must be told because of it: these, all of these, and no others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from tests.live import acts, seen
from tests.live.brokers import Kind
from tests.live.cluster import HOARD_MEGABYTES, WORKERS, Cluster
from tests.live.inbox import News

HOUR_SECONDS = 240.0
"""An hour, a fifteenth of it, as stack.yaml shortens the holds."""


@dataclass(frozen=True, eq=False)
class Expected:
    """An alert, as far as the scenario knows its labels."""

    alert: str
    severity: str
    about: Mapping[str, str] = field(default_factory=dict)

    def is_in(self, news: News) -> bool:
        """Whether this is the alert that was told."""
        wanted = {"alertname": self.alert, "severity": self.severity, **self.about}
        return wanted.items() <= news.labels.items()

    def __str__(self) -> str:
        """The alert, and what it is about."""
        return f"{self.alert}({', '.join([self.severity, *self.about.values()])})"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One thing that goes wrong."""

    name: str
    expected: tuple[Expected, ...]
    breaks: acts.Act = acts.nothing
    keeps: acts.Act = acts.nothing
    """Called each second until all expected alerts were told."""
    mends: acts.Act = acts.nothing
    also: tuple[Expected, ...] = ()
    """May be told too, because the milder severity can be reached first."""
    sees: Callable[[Cluster], str] = lambda cluster: ""
    """Looks at the system when all were told, or at the end when nothing may be; what it says is wrong."""
    shows: str = ""
    """For scenarios that expect nothing: the query of its picture."""
    patience: float = 600
    """Seconds until all must be told; as many again until all have ended. Much more than is needed on an idle machine:
    on a busy one a run may be slow."""
    short: bool = False
    """Part of the short form."""
    stays: float = HOUR_SECONDS
    """For scenarios that expect nothing: how long nothing may happen."""
    ends: bool = True
    """False of what is told for an hour whatever is done: its end is not waited for, and nothing comes after it."""
    hour: bool = False
    """Whether it stays as long as the run says."""


DEAD_LETTERS = Scenario(
    name="dead letters",
    expected=(Expected("CeleryDeadLetters", "warning", {"queue": "dead_letter"}),),
    breaks=acts.send("live.fine", times=15, queue="dead_letter"),
    mends=acts.purge("dead_letter"),
    short=True,
)
NO_CONSUMERS = Scenario(
    name="queue without consumers",
    expected=(
        Expected("CeleryQueueWithoutConsumers", "critical", {"queue": "orphan"}),
        Expected("CeleryQueueStuck", "warning", {"queue": "orphan"}),
    ),
    breaks=acts.send("live.fine", queue="orphan"),
    mends=acts.purge("orphan"),
    short=True,
)
FLOOD = Scenario(
    name="queue flooded",
    expected=(Expected("CeleryQueueBacklog", "critical", {"queue": "bulk"}),),
    also=(Expected("CeleryQueueBacklog", "warning", {"queue": "bulk"}),),
    keeps=acts.flood,
    mends=acts.purge("bulk"),
    short=True,
)

TOGETHER = (
    DEAD_LETTERS,
    NO_CONSUMERS,
    FLOOD,
    Scenario(
        name="25 % of a task fail",
        expected=(Expected("CeleryHighFailureRate", "critical", {"task": "live.flaky"}),),
        also=(Expected("CeleryHighFailureRate", "warning", {"task": "live.flaky"}),),
        keeps=acts.fails,
        mends=acts.send("live.flaky", False, times=1300),
    ),
    Scenario(
        name="half of a task's calls retry",
        expected=(Expected("CeleryHighRetryRate", "warning", {"task": "live.retrying"}),),
        keeps=acts.retries,
        mends=acts.send("live.retrying", False, times=700),
    ),
    Scenario(
        name="slow tasks",
        expected=(Expected("CelerySlowTasks", "warning", {"task": "live.dawdling"}),),
        keeps=acts.is_slow,
        mends=acts.send("live.dawdling", 0, times=500),
    ),
    Scenario(
        name="tasks wait",
        expected=(Expected("CeleryTaskWaitTooLong", "warning", {"queue": "lane"}),),
        breaks=acts.nobody_takes,
        keeps=acts.wait,
        mends=acts.send("live.slow", 0, times=400, queue="lane"),
    ),
    Scenario(
        name="soft and hard time limits",
        expected=(Expected("CeleryTaskTimeouts", "warning", {"task": "live.limited"}),),
        breaks=acts.send("live.limited", 0, times=800),
        keeps=acts.hits_limits,
        mends=acts.send("live.limited", 0, times=1500),
    ),
    Scenario(
        name="memory hog",
        expected=(Expected("CeleryWorkerHighMemory", "warning"),),
        breaks=acts.send("live.hoard", HOARD_MEGABYTES, 75),
    ),
)

RESTARTS = Scenario(
    name="restart loop",
    expected=(Expected("CeleryWorkerRestarted", "warning", {"worker": WORKERS[1]}),),
    keeps=acts.restarts,
    ends=False,
)
LOST = (
    Scenario(
        name="one of three workers killed",
        # Twice: fewer than most of the last hour, and fewer than min_workers of the queue.
        expected=(
            Expected("CeleryWorkersMissing", "warning", {"queue": "celery"}),
            Expected("CeleryWorkersMissing", "warning", {"signal": "workers_missing"}),
        ),
        breaks=acts.kill(WORKERS[2]),
        mends=acts.start_workers(WORKERS[2]),
    ),
)

COMPUTES = Scenario(
    name="a worker computes all the time",
    expected=(Expected("CeleryWorkerHighCPU", "warning", {"worker": WORKERS[0]}),),
    breaks=acts.computes,
    # What it computed stays in the window for five minutes; with more processes it is a smaller share, as long as
    # the worker is not restarted.
    mends=lambda cluster, second: cluster.resize(WORKERS[0], 6),
)
ALL_KILLED = Scenario(
    name="all workers killed",
    expected=(Expected("CeleryNoWorkersRunning", "critical"),),
    breaks=acts.kill(*WORKERS),
    mends=acts.start_workers(*WORKERS),
)
UNSERVED = Scenario(
    name="workers' metrics out of reach",
    expected=(Expected("CeleryWorkerMetricsMissing", "warning"),),
    breaks=acts.scrape_workers("/nowhere"),
    mends=acts.scrape_workers("/metrics"),
)
BROKER_KILLED = Scenario(
    name="broker killed and back",
    expected=(Expected("CeleryBrokerDown", "critical"),),
    breaks=lambda cluster, second: cluster.programs.kill(cluster.kind),
    mends=acts.broker_again,
    sees=seen.that_the_broker_is_down,
)
BUSY = Scenario(name="a healthy and busy hour", expected=(), keeps=acts.busy, hour=True)
QUIET = Scenario(name="a healthy and quiet hour", expected=(), hour=True)

BATCHES: Mapping[Kind, tuple[tuple[Scenario, ...], ...]] = {
    "redis": (
        TOGETHER,
        LOST,
        (ALL_KILLED,),
        (
            Scenario(
                name="exporters killed",
                expected=tuple(
                    Expected("CeleryExporterDown", "critical", {"source": source})
                    for source in ("celery-exporter", "flower")
                ),
                breaks=acts.kill("exporter", "flower"),
                mends=acts.start_exporters("exporter", "flower"),
            ),
            COMPUTES,
        ),
        (UNSERVED,),
        (BROKER_KILLED,),
        (BUSY,),
        (QUIET,),
        (RESTARTS,),
    ),
    "rabbitmq": (
        (
            DEAD_LETTERS,
            replace(NO_CONSUMERS, sees=seen.that_depths_agree),
            replace(FLOOD, sees=seen.that_it_is_flooded),
        ),
        (ALL_KILLED,),
        (
            Scenario(
                name="probe killed",
                expected=(Expected("CeleryExporterDown", "critical", {"source": "probe"}),),
                breaks=acts.kill("probe"),
                mends=acts.start_exporters("probe"),
            ),
        ),
        (BROKER_KILLED,),
        (QUIET,),
    ),
}
"""By broker: what happens side by side, and one after the other."""
