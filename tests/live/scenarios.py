"""What is broken, and which alerts must be told because of it: these, all of these, and no others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.live.cluster import HOARD_MEGABYTES, WORKERS, Cluster
from tests.live.inbox import News

Act = Callable[[Cluster, int], None]
"""Called with the number of seconds since the scenario began."""


def _nothing(cluster: Cluster, second: int) -> None:
    del cluster, second


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
    breaks: Act = _nothing
    keeps: Act = _nothing
    """Called each second until all expected alerts were told."""
    mends: Act = _nothing
    also: tuple[Expected, ...] = ()
    """May be told too, because the milder severity can be reached first."""
    patience: float = 240
    """Seconds until all must be told; as many again until all have ended."""
    short: bool = False
    """Part of the short form."""
    stays: float = 0
    """For scenarios that expect nothing: how long nothing may happen."""


def _send(task: str, *args: object, times: int = 1, queue: str = "celery") -> Act:
    def act(cluster: Cluster, second: int) -> None:
        del second
        for _ in range(times):
            cluster.send(task, *args, queue=queue)

    return act


def _purge(queue: str) -> Act:
    return lambda cluster, second: cluster.purge(queue)


def _flood(cluster: Cluster, second: int) -> None:
    if second % 2 == 0:
        for _ in range(260 - cluster.waiting("bulk")):
            cluster.send("live.slow", 1.0, queue="bulk")


def _fails(cluster: Cluster, second: int) -> None:
    cluster.send("live.flaky", second % 4 == 0)
    cluster.send("live.flaky", second % 4 == 2)


def _retries(cluster: Cluster, second: int) -> None:
    cluster.send("live.retrying", second % 2 == 0)


def _is_slow(cluster: Cluster, second: int) -> None:
    if second % 4 == 0 and second < 60:
        cluster.send("live.dawdling", 2.5)


def _wait(cluster: Cluster, second: int) -> None:
    """Nobody consumes the lane for a while, so what was sent to it waits."""
    if second == 9:
        cluster.consume("lane", on=True)


def _nobody_takes(cluster: Cluster, second: int) -> None:
    cluster.consume("lane", on=False)
    _send("live.slow", 0, times=12, queue="lane")(cluster, second)


def _hits_limits(cluster: Cluster, second: int) -> None:
    """Few of many, so that the failure rate is no finding."""
    # Twice: a worker's first time limit begins its series, and only growth of a series is counted so early.
    if second in (12, 30):
        for stubborn in (False, True, False, False) * (second // 10):
            cluster.send("live.limited", 4, stubborn)


def _restarts(cluster: Cluster, second: int) -> None:
    if second % 25 == 0:
        cluster.programs.kill(WORKERS[1])
        cluster.start_worker(WORKERS[1])


def _kill(*names: str) -> Act:
    def act(cluster: Cluster, second: int) -> None:
        del second
        for name in names:
            cluster.programs.kill(name)

    return act


def _start_workers(*names: str) -> Act:
    def act(cluster: Cluster, second: int) -> None:
        del second
        for name in names:
            cluster.start_worker(name)

    return act


def _busy(cluster: Cluster, second: int) -> None:
    cluster.send("live.fine")
    cluster.send("live.flaky", second % 50 == 0)
    cluster.send("live.slow", 0.2, queue="bulk")


TOGETHER = (
    Scenario(
        name="dead letters",
        expected=(Expected("CeleryDeadLetters", "warning", {"queue": "dead_letter"}),),
        breaks=_send("live.fine", times=15, queue="dead_letter"),
        mends=_purge("dead_letter"),
        short=True,
    ),
    Scenario(
        name="queue without consumers",
        expected=(
            Expected("CeleryQueueWithoutConsumers", "critical", {"queue": "orphan"}),
            Expected("CeleryQueueStuck", "warning", {"queue": "orphan"}),
        ),
        breaks=_send("live.fine", queue="orphan"),
        mends=_purge("orphan"),
        short=True,
    ),
    Scenario(
        name="queue flooded",
        expected=(Expected("CeleryQueueBacklog", "critical", {"queue": "bulk"}),),
        also=(Expected("CeleryQueueBacklog", "warning", {"queue": "bulk"}),),
        keeps=_flood,
        mends=_purge("bulk"),
        short=True,
    ),
    Scenario(
        name="25 % of a task fail",
        expected=(Expected("CeleryHighFailureRate", "critical", {"task": "live.flaky"}),),
        also=(Expected("CeleryHighFailureRate", "warning", {"task": "live.flaky"}),),
        keeps=_fails,
        mends=_send("live.flaky", False, times=1300),
        patience=300,
    ),
    Scenario(
        name="half of a task's calls retry",
        expected=(Expected("CeleryHighRetryRate", "warning", {"task": "live.retrying"}),),
        keeps=_retries,
        mends=_send("live.retrying", False, times=700),
        patience=300,
    ),
    Scenario(
        name="slow tasks",
        expected=(Expected("CelerySlowTasks", "warning", {"task": "live.dawdling"}),),
        keeps=_is_slow,
        mends=_send("live.dawdling", 0, times=500),
        patience=300,
    ),
    Scenario(
        name="tasks wait",
        expected=(Expected("CeleryTaskWaitTooLong", "warning", {"queue": "lane"}),),
        breaks=_nobody_takes,
        keeps=_wait,
        mends=_send("live.slow", 0, times=400, queue="lane"),
    ),
    Scenario(
        name="soft and hard time limits",
        expected=(Expected("CeleryTaskTimeouts", "warning", {"task": "live.limited"}),),
        breaks=_send("live.limited", 0, times=800),
        keeps=_hits_limits,
        mends=_send("live.limited", 0, times=1500),
        patience=300,
    ),
    Scenario(
        name="memory hog",
        expected=(Expected("CeleryWorkerHighMemory", "warning"),),
        breaks=_send("live.hoard", HOARD_MEGABYTES, 75),
    ),
)

LOST = (
    Scenario(
        name="restart loop",
        expected=(Expected("CeleryWorkerRestarted", "warning", {"worker": WORKERS[1]}),),
        keeps=_restarts,
    ),
    Scenario(
        name="one of three workers killed",
        # Twice: fewer than most of the last hour, and fewer than min_workers of the queue.
        expected=(
            Expected("CeleryWorkersMissing", "warning", {"queue": "celery"}),
            Expected("CeleryWorkersMissing", "warning", {"signal": "workers_missing"}),
        ),
        breaks=_kill(WORKERS[2]),
        mends=_start_workers(WORKERS[2]),
    ),
)

ONE_AFTER_THE_OTHER = (
    Scenario(
        name="all workers killed",
        expected=(Expected("CeleryNoWorkersRunning", "critical"),),
        breaks=_kill(*WORKERS),
        mends=_start_workers(*WORKERS),
    ),
    Scenario(
        name="exporter killed",
        expected=(Expected("CeleryExporterDown", "critical", {"source": "celery-exporter"}),),
        breaks=_kill("exporter"),
        mends=lambda cluster, second: cluster.start_exporter(),
    ),
    Scenario(
        name="broker killed and back",
        expected=(Expected("CeleryBrokerDown", "critical"),),
        breaks=_kill("redis"),
        mends=lambda cluster, second: cluster.start_redis(),
    ),
    Scenario(name="healthy and busy", expected=(), keeps=_busy, stays=120),
    Scenario(name="healthy and quiet", expected=(), stays=90),
)


def warm_up(cluster: Cluster) -> None:
    """Runs every task once in each way: an increase can only be seen of a series that is already there."""
    for act in (
        _send("live.fine", times=5),
        _send("live.flaky", True),
        _send("live.flaky", False, times=20),
        _send("live.retrying", True),
        _send("live.retrying", False, times=12),
        _send("live.dawdling", 0, times=3),
        _send("live.slow", 0, times=3, queue="bulk"),
        _send("live.slow", 0, times=3, queue="lane"),
        _send("live.limited", 4),
        _send("live.limited", 4, True),
    ):
        act(cluster, 0)
    cluster.consume("lane", on=True)
