"""What a scenario does to the system, once or each second."""

from __future__ import annotations

from collections.abc import Callable

from tests.live.brokers import PASSWORD
from tests.live.cluster import WORKERS, Cluster

Act = Callable[[Cluster, int], None]
"""Called with the number of seconds since the scenario began."""


def nothing(cluster: Cluster, second: int) -> None:
    """Does nothing."""
    del cluster, second


def send(task: str, *args: object, times: int = 1, queue: str = "celery") -> Act:
    """Sends a task, so many times."""

    def act(cluster: Cluster, second: int) -> None:
        del second
        for _ in range(times):
            cluster.send(task, *args, queue=queue)

    return act


def purge(queue: str) -> Act:
    """Empties a queue."""
    return lambda cluster, second: cluster.purge(queue)


def broker_again(cluster: Cluster, second: int) -> None:
    """Starts the broker; a Redis that keeps nothing has forgotten the queues that nobody consumes."""
    del second
    cluster.start_broker()
    cluster.declare()


def touch(name: str) -> Act:
    """Puts a file into the run's folder, which a task looks for."""
    return lambda cluster, second: (cluster.folder / name).touch()


def remove(name: str) -> Act:
    """Takes it away again."""
    return lambda cluster, second: (cluster.folder / name).unlink()


def revoke(*ids: str) -> Act:
    """Ends tasks that run."""
    return lambda cluster, second: cluster.revoke(*ids)


def flood(cluster: Cluster, second: int) -> None:
    """Keeps the queue bulk full."""
    if second % 2 == 0:
        for _ in range(260 - cluster.waiting("bulk")):
            cluster.send("live.slow", 1.0, queue="bulk")


def fails(cluster: Cluster, second: int) -> None:
    """A quarter of the calls fail."""
    cluster.send("live.flaky", second % 4 == 0)
    cluster.send("live.flaky", second % 4 == 2)


def retries(cluster: Cluster, second: int) -> None:
    """Half of the calls are retried."""
    cluster.send("live.retrying", second % 2 == 0)


def is_slow(cluster: Cluster, second: int) -> None:
    """Tasks take longer than they may."""
    if second % 4 == 0 and second < 60:
        cluster.send("live.dawdling", 2.5)


def wait(cluster: Cluster, second: int) -> None:
    """Nobody consumes the lane for a while, so what was sent to it waits."""
    if second == 9:
        cluster.consume("lane", on=True)


def nobody_takes(cluster: Cluster, second: int) -> None:
    """Nobody consumes the lane."""
    cluster.consume("lane", on=False)
    send("live.slow", 0, times=12, queue="lane")(cluster, second)


def computes(cluster: Cluster, second: int) -> None:
    """One process of the first worker computes for a minute and a half."""
    cluster.consume("lane", on=True)  # a worker that was started anew does not
    send("live.burn", 90, queue="lane")(cluster, second)


def hits_limits(cluster: Cluster, second: int) -> None:
    """Few of many, so that the failure rate is no finding."""
    # Twice: a worker's first time limit begins its series, and only growth of a series is counted so early.
    if second in (12, 30):
        for stubborn in (False, True, False, False) * (second // 10):
            cluster.send("live.limited", 4, stubborn)


def restarts(cluster: Cluster, second: int) -> None:
    """A worker never grows old."""
    if second % 25 == 0:
        cluster.programs.kill(WORKERS[1])
        cluster.start_worker(WORKERS[1])


def kill(*names: str) -> Act:
    """Ends programs at once."""

    def act(cluster: Cluster, second: int) -> None:
        del second
        for name in names:
            cluster.programs.kill(name)

    return act


def start_workers(*names: str) -> Act:
    """Starts workers again."""

    def act(cluster: Cluster, second: int) -> None:
        del second
        for name in names:
            cluster.start_worker(name)

    return act


def start_exporters(*names: str) -> Act:
    """Starts exporters again."""

    def act(cluster: Cluster, second: int) -> None:
        del second
        for name in names:
            cluster.start_exporter(name)

    return act


def scrape_workers(path: str) -> Act:
    """Makes Prometheus look for the workers' metrics at this path."""
    return lambda cluster, second: cluster.scrape_workers(path)


def busy(cluster: Cluster, second: int) -> None:
    """What a healthy system does: one failure in fifty."""
    cluster.send("live.fine")
    cluster.send("live.flaky", second % 50 == 0)
    cluster.send("live.slow", 0.2, queue="bulk")


def let_in(cluster: Cluster, second: int) -> None:
    """The user that some exporters have is let in again."""
    del second
    cluster.let_in(PASSWORD)


def warm_up(cluster: Cluster) -> None:
    """Runs every task once in each way: an increase can only be seen of a series that is already there."""
    for act in (
        send("live.fine", times=5),
        send("live.flaky", True),
        send("live.flaky", False, times=20),
        send("live.retrying", True),
        send("live.retrying", False, times=12),
        send("live.dawdling", 0, times=3),
        send("live.slow", 0, times=3, queue="bulk"),
        send("live.slow", 0, times=3, queue="lane"),
        send("live.ticking", times=3),
        send("live.limited", 4),
        send("live.limited", 4, True),
    ):
        act(cluster, 0)
    cluster.consume("lane", on=True)
