"""What lies about a healthy system, and what no exporter says by itself: each must be told as what it is."""

from __future__ import annotations

from collections.abc import Mapping

from tests.live import acts
from tests.live.brokers import Kind
from tests.live.cluster import WORKERS, Cluster
from tests.live.exporters import DEAF
from tests.live.scenarios import BUSY, QUIET, Expected, Scenario

_REPLACED_SECONDS = 20
"""Between two workers of a deployment."""
_WAITING = 60
_TINY, _USUAL = "1.0e-6", "0.4"
"""Shares of the machine's memory above which RabbitMQ takes no messages."""


def _password(password: str) -> acts.Act:
    return lambda cluster, second: cluster.let_in(password)


def _deaf(cluster: Cluster, second: int) -> None:
    """celery-exporter hears nothing any more, while tasks run."""
    (cluster.folder / DEAF).touch()
    acts.busy(cluster, second)


def _hears(cluster: Cluster, second: int) -> None:
    del second
    (cluster.folder / DEAF).unlink()


def _replace(*, remote: bool) -> acts.Act:
    """One worker after the other is replaced by one of another release; tasks run all the time."""

    def act(cluster: Cluster, second: int) -> None:
        acts.busy(cluster, second)
        which, rest = divmod(second, _REPLACED_SECONDS)
        if which < len(WORKERS) and rest == 0:
            cluster.programs.kill(WORKERS[which])
            cluster.start_worker(WORKERS[which], remote=remote)

    return act


def _all_replaced(cluster: Cluster, second: int) -> None:
    del second
    for worker in WORKERS:
        cluster.programs.kill(worker)
        cluster.start_worker(worker)


def _takes_nothing(*, on: bool) -> acts.Act:
    """The first worker consumes none of its queues, or all again."""

    def act(cluster: Cluster, second: int) -> None:
        del second
        for queue in ("celery", "bulk"):
            cluster.consume(queue, on=on)

    return act


def _fill(cluster: Cluster, second: int) -> None:
    """Tasks wait all the time, fewer than anybody minds."""
    if second % 2 == 0:
        for _ in range(_WAITING - cluster.waiting("bulk")):
            cluster.send("live.slow", 1.0, queue="bulk")


def _expires(cluster: Cluster, second: int) -> None:
    """One task of many comes too late each time."""
    cluster.send("live.ticking", expires=0.001)
    acts.busy(cluster, second)


def _memory(share: str) -> acts.Act:
    return lambda cluster, second: cluster.let_use(share)


def _wrong_password(witness: str) -> Scenario:
    return Scenario(
        name="an exporter's password is taken away",
        expected=(Expected("CeleryEvidenceContradicted", "warning", {"witness": witness}),),
        breaks=_password("changed"),
        keeps=acts.busy,
        mends=acts.let_in,
    )


def _muted(*witnesses: str) -> Scenario:
    return Scenario(
        name="remote control is off",
        expected=tuple(Expected("CeleryEvidenceContradicted", "warning", {"witness": name}) for name in witnesses),
        keeps=_replace(remote=False),
        mends=_all_replaced,
    )


EVENTS = Scenario(
    name="celery-exporter hears no events",
    expected=(Expected("CeleryExporterBlind", "warning", {"missing": "events of celery-exporter"}),),
    keeps=_deaf,
    mends=_hears,
)
CANCELLED = Scenario(
    name="a worker's consumers are cancelled",
    expected=(Expected("CeleryWorkerTakesNothing", "warning"),),
    breaks=_takes_nothing(on=False),
    keeps=_fill,
    mends=_takes_nothing(on=True),
)
EXPIRES = Scenario(
    name="a task always expires",
    expected=(
        Expected("CeleryTasksExpire", "warning", {"task": "live.ticking"}),
        Expected("CeleryTaskAlwaysFails", "warning", {"task": "live.ticking"}),
    ),
    keeps=_expires,
    mends=acts.send("live.ticking", times=500),
)
BLOCKED = Scenario(
    name="RabbitMQ's alarm for memory",
    expected=(Expected("CeleryBrokerDown", "critical", {"alarm": "memory"}),),
    breaks=_memory(_TINY),
    mends=_memory(_USUAL),
)

BATCHES: Mapping[Kind, tuple[tuple[Scenario, ...], ...]] = {
    "redis": (
        (_wrong_password("redis-exporter"), EXPIRES),
        (CANCELLED,),
        (EVENTS,),
        (_muted("inspect"),),
        (BUSY,),
        (QUIET,),
    ),
    "rabbitmq": (
        (_wrong_password("probe"), EXPIRES),
        (CANCELLED,),
        (BLOCKED,),
        (EVENTS,),
        (_muted("inspect", "probe"),),
        (BUSY,),
        (QUIET,),
    ),
}
"""By broker: what happens side by side, and one after the other."""
