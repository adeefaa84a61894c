"""Stalls, full pools, hoards, lost and repeated work: no process ends and no task fails, and each must be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tests.live import acts
from tests.live.brokers import Kind
from tests.live.cluster import WORKERS, Cluster
from tests.live.scenarios import BUSY, QUIET, Expected, Scenario

_HELD, _BLOCKING = (tuple(f"{name}-{n}" for n in range(6)) for name in ("held", "blocking"))
"""A worker has three processes, and prefetches as many messages; it never runs again what was revoked."""
_HANGING = "hanging"
_OUTLASTING = "outlasting"
_ETA_SECONDS = 100
_WAITING = 15
_VISIBILITY = "20"


def _hoards(cluster: Cluster, second: int) -> None:
    """The first worker takes all that there is; then the second comes, which is free."""
    if second == 0:
        for one in _HELD:
            cluster.send("live.slow", 600, queue="lane", task_id=one)
    if second == 5:
        cluster.consume("lane", on=True, worker=WORKERS[1])


def _expires(cluster: Cluster, second: int) -> None:
    """Nobody takes what waits, and it waits for no longer than it may."""
    if second == 0:
        for one in _BLOCKING:
            cluster.send("live.slow", 600, queue="lane", task_id=one)
    if second > 5:
        cluster.send("live.fine", queue="lane", expiration=5)


def _free(cluster: Cluster, *held: str) -> None:
    """What is revoked is a loss of its task, until one of it succeeds."""
    cluster.revoke(*held)
    cluster.send("live.slow", 0, queue="bulk")


def _lets_go(cluster: Cluster, second: int) -> None:
    del second
    cluster.consume("lane", on=False, worker=WORKERS[1])
    _free(cluster, *_HELD)


def _delays(cluster: Cluster, second: int) -> None:
    del second
    for _ in range(60):
        cluster.send("live.slow", 0, queue="bulk", countdown=_ETA_SECONDS)


def _fills(cluster: Cluster, second: int) -> None:
    """Every process of every worker is busy all the time, and some tasks wait."""
    del second
    for _ in range(_WAITING - cluster.waiting("bulk")):
        cluster.send("live.slow", 5, queue="bulk")


def _outlasts(cluster: Cluster, second: int) -> None:
    """The one worker of the lane has a short visibility timeout, and a task that takes longer."""
    del second
    cluster.programs.kill(WORKERS[0])
    cluster.start_worker(WORKERS[0], "celery,bulk,lane", LIVE_VISIBILITY=_VISIBILITY)
    cluster.send("live.outlasting", 600, queue="lane", task_id=_OUTLASTING)


def _as_before(cluster: Cluster, second: int) -> None:
    del second
    cluster.purge("lane")
    cluster.programs.kill(WORKERS[0])
    cluster.start_worker(WORKERS[0], "celery,bulk,lane")
    cluster.revoke(_OUTLASTING)  # what it did not acknowledge comes back after an hour


STUCK = Scenario(
    name="a task takes no notice of its limit",
    expected=(Expected("CeleryTaskStuck", "warning", {"task": "live.hanging"}),),
    breaks=lambda cluster, second: cluster.send("live.hanging", 600, task_id=_HANGING),
    mends=acts.revoke(_HANGING),
)
OVERRUNS = Scenario(
    name="a run takes longer than its period",
    expected=(Expected("CeleryScheduleOverruns", "warning", {"entry": "report often"}),),
    breaks=acts.touch("dawdles"),
    mends=acts.remove("dawdles"),
)


def _poison(cluster: Cluster, second: int) -> None:
    acts.touch("kills")(cluster, second)
    cluster.send("live.poison")


POISON = Scenario(
    name="a message kills its process each time",
    expected=(Expected("CeleryTaskRedelivered", "warning", {"task": "live.poison"}),),
    breaks=_poison,
    mends=acts.remove("kills"),
    ends=False,
)
DELAYED = Scenario(
    name="workers hold messages until their ETA",
    expected=(Expected("CeleryMessagesHoarded", "warning", {"queue": "bulk", "signal": "worker_delayed"}),),
    breaks=_delays,
)
HOARDED = Scenario(
    name="a full worker holds messages while another is free",
    expected=(Expected("CeleryMessagesHoarded", "warning", {"signal": "worker_reserved", "worker": WORKERS[0]}),),
    keeps=_hoards,
    mends=_lets_go,
)
FULL = Scenario(
    name="every pool is full",
    expected=tuple(Expected("CeleryWorkerPoolFull", "warning", {"worker": worker}) for worker in WORKERS),
    keeps=_fills,
    mends=acts.purge("bulk"),
)
OUTLASTS = Scenario(
    name="a task outlasts the visibility timeout",
    expected=(Expected("CeleryVisibilityTimeoutTooShort", "warning", {"task": "live.outlasting"}),),
    also=(Expected("CeleryTaskRedelivered", "warning", {"task": "live.outlasting"}),),
    breaks=_outlasts,
    mends=_as_before,
)
EXPIRES = Scenario(
    name="messages expire in the broker",
    expected=(Expected("CeleryMessagesExpire", "warning"),),
    also=(Expected("CeleryWorkerPoolFull", "warning", {"worker": WORKERS[0]}),),
    keeps=_expires,
    mends=lambda cluster, second: _free(cluster, *_BLOCKING),
    patience=900,  # what expired is counted for ten minutes
)
_EVERYWHERE = ((STUCK, OVERRUNS, DELAYED), (HOARDED,), (FULL,))
_HEALTHY = ((BUSY,), (replace(QUIET, name="a quiet hour but for beat"),))

BATCHES: Mapping[Kind, tuple[tuple[Scenario, ...], ...]] = {
    "redis": (*_EVERYWHERE, (OUTLASTS,), *_HEALTHY, (POISON,)),
    "rabbitmq": (*_EVERYWHERE, (EXPIRES,), *_HEALTHY, (POISON,)),
}
"""By broker: what happens side by side, and one after the other; what is told for an hour comes last."""
