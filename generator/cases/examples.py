"""Small worlds that show what a source's reading makes of them: the cases that its general shape does not reach.

The numbers expected are worked out by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from generator.catalog.series import (
    BROKER_UP,
    NOTIFICATION_FAILURES,
    QUEUE_LENGTH,
    RULE_FAILURES,
    SOURCE_FAILED_SCRAPES,
    SOURCE_UP,
    WORKER_CPU,
    WORKER_MEMORY,
    WORKER_START,
    WORKERS_ACTIVE,
    Series,
)
from generator.catalog.site import Site
from generator.catalog.sources import celery_exporter, containers, flower, redis, stack, worker
from generator.catalog.timeline import Counter, Gauge, Input, Segment

LASTS = 300
"""Seconds a world with counters is fed before it is looked at: the window of every `5m` series."""

Results = tuple[tuple[Mapping[str, str], Fraction], ...]


@dataclass(frozen=True)
class Example:
    """What is scraped, and all that the series then says."""

    story: str
    inputs: tuple[Input, ...]
    gives: Results

    @property
    def seconds(self) -> int:
        """How long it must be fed: windows fill up, levels are there at once."""
        return LASTS if any(isinstance(one, Counter) for one in self.inputs) else 0


def _steps(site: Site) -> int:
    return ceil(Fraction(LASTS) / site.evaluation) + 1


@dataclass(frozen=True)
class _World:
    """Makes input series of one job that last as long as the test does."""

    job: str
    site: Site

    def level(self, name: str, amount: int, instance: str = "a:1", job: str = "", **labels: str) -> Gauge:
        return Gauge(name, {"job": job or self.job, "instance": instance, **labels}, self._for(Fraction(amount)))

    def flow(self, name: str, per_second: Fraction, instance: str = "a:1", job: str = "", **labels: str) -> Counter:
        amounts = self._for(per_second * self.site.evaluation)
        return Counter(name, {"job": job or self.job, "instance": instance, **labels}, amounts)

    def _for(self, amount: Fraction) -> tuple[Segment, ...]:
        return (Segment(amount, _steps(self.site)),)


def _number(amount: int | Fraction) -> Results:
    return (({}, Fraction(amount)),)


def _exporter_workers(site: Site) -> Iterator[Example]:
    w = _World(celery_exporter.JOB, site)
    up, answers = celery_exporter.WORKER_UP.name, celery_exporter.ACTIVE_WORKERS.name
    hosts = [w.level(up, 1, hostname="h1"), w.level(up, 1, hostname="h2"), w.level(up, 0, hostname="h3")]
    others = [w.level(up, 1, job="stranger", hostname=h) for h in ("x", "y")]
    alive, dead = w.level("up", 1), w.level("up", 0)
    yield Example("no host, the exporter alone", (alive, w.level("up", 1, "b:1")), _number(0))
    yield Example("a dead exporter knows nothing", (dead, w.level("up", 1, job="stranger")), ())
    twice = (*hosts, w.level(up, 1, "b:1", hostname="h1"))
    if "pool_solo" in site.facts:
        yield Example("hosts are counted once", (*twice, *others, alive), _number(2))
        return
    one, none = w.level(answers, 1, queue_name="q"), w.level(answers, 0, queue_name="r")
    yield Example("hosts are counted, not queues", (*hosts, *others, one, none, alive), _number(2))
    more = (w.level(answers, 1, "b:1", queue_name="q"), w.level("up", 1, "b:1"))
    yield Example("the replica that sees most is believed", (*twice, one, none, *more, alive), _number(2))
    elsewhere = w.level(answers, 9, job="stranger", queue_name="q")
    silent = w.level(answers, 0, queue_name="q")
    yield Example("none answers, heartbeats linger", (*hosts, silent, elsewhere, alive), _number(0))
    other = (w.level(up, 1, "b:1", hostname="h1"), *more)
    yield Example("only a replica whose workers answer counts", (*hosts, silent, *other, alive), _number(1))
    yield Example(
        "answers without heartbeats", (one, w.level(answers, 2, "b:1", queue_name="q"), elsewhere), _number(2)
    )


def _flower_workers(site: Site) -> Iterator[Example]:
    w = _World(flower.JOB, site)
    online = flower.ONLINE.name
    hosts = [w.level(online, 1, worker="w1"), w.level(online, 1, worker="w2"), w.level(online, 0, worker="w3")]
    twice = (*hosts, w.level(online, 1, "b:1", worker="w1"), w.level(online, 1, job="stranger", worker="w4"))
    yield Example("no worker, Flower alone", (w.level("up", 1), w.level("up", 1, "b:1")), _number(0))
    yield Example("a dead Flower knows nothing", (w.level("up", 0), w.level("up", 1, job="stranger")), ())
    yield Example("the Flower that sees most is believed", (*twice, w.level("up", 1)), _number(2))


def _process_workers(site: Site) -> Iterator[Example]:
    w = _World(containers.PROCESSES, site)
    procs = containers.GROUP_PROCS.name
    yield Example("no group, the exporter alone", (w.level("up", 1), w.level("up", 1, "b:1")), _number(0))
    yield Example("a dead exporter knows nothing", (w.level("up", 0), w.level("up", 1, job="stranger")), ())
    groups = (w.level(procs, 1, groupname="my worker"), w.level(procs, 0, groupname="old worker"))
    others = (w.level(procs, 1, groupname="nginx"), w.level(procs, 1, job="stranger", groupname="x worker"))
    yield Example("groups with a process count, if the name fits", (*groups, *others), _number(1))


def _process_start(site: Site) -> Iterator[Example]:
    w = _World(containers.PROCESSES, site)
    start, procs = containers.GROUP_START.name, containers.GROUP_PROCS.name
    feeds = []
    for name, count in (("my worker", 1), ("old worker", 0)):
        feeds += [w.level(start, 1000, groupname=name), w.level(procs, count, groupname=name)]
    yield Example("a group without a process has no start", tuple(feeds), (({"worker": "my worker"}, Fraction(1000)),))


def _process_cpu(site: Site) -> Iterator[Example]:
    w = _World(containers.PROCESSES, site)
    cpu = w.flow(containers.GROUP_CPU.name, Fraction(1, 2), groupname="my worker", mode="user")
    procs = w.level(containers.GROUP_PROCS.name, 1, groupname="my worker")
    yield Example("one process is its own pool", (cpu, procs), (({"worker": "my worker"}, Fraction(1, 2)),))


def _container_cpu(site: Site) -> Iterator[Example]:
    w = _World(containers.CADVISOR, site)
    feeds = []
    for name, quota in (("worker free", 0), ("worker tiny", 1)):
        feeds += [
            w.flow(containers.CPU.name, Fraction(1, 2), name=name, cpu="total"),
            w.level(containers.QUOTA.name, quota, name=name),
            w.level(containers.PERIOD.name, 2, name=name),
        ]
    yield Example("a container without quota is not judged", tuple(feeds), (({"worker": "worker tiny"}, Fraction(1)),))


def _container_memory(site: Site) -> Iterator[Example]:
    w = _World(containers.CADVISOR, site)
    feeds = []
    for name, limit in (("worker free", 0), ("worker tiny", 1)):
        feeds += [
            w.level(containers.WORKING_SET.name, 1, name=name),
            w.level(containers.MEMORY_LIMIT.name, limit, name=name),
        ]
    yield Example("a container without limit is not judged", tuple(feeds), (({"worker": "worker tiny"}, Fraction(1)),))


def _worker_cpu(site: Site) -> Iterator[Example]:
    w = _World(worker.JOB, site)
    feeds = (w.flow(worker.CPU.name, Fraction(1, 2), worker="solo"), w.level(worker.PROCESSES.name, 1, worker="solo"))
    yield Example("one process is its own pool", feeds, (({"worker": "solo"}, Fraction(1, 2)),))


def _worker_memory(site: Site) -> Iterator[Example]:
    w = _World(worker.JOB, site)
    feeds = []
    for name, limit in (("free", 0), ("tiny", 1)):
        feeds += [w.level(worker.MEMORY.name, 1, worker=name), w.level(worker.MEMORY_LIMIT.name, limit, worker=name)]
    yield Example("a worker without limit is not judged", tuple(feeds), (({"worker": "tiny"}, Fraction(1)),))


def _redis_length(site: Site) -> Iterator[Example]:
    w = _World(redis.JOB, site)
    lists = [
        w.level(redis.KEY_SIZE.name, n, db="db0", key=key) for n, key in zip((1, 2, 4, 8), redis.keys("q"), strict=True)
    ]
    replica = w.level(redis.KEY_SIZE.name, 3, "b:1", db="db0", key="q")
    other = w.level(redis.KEY_SIZE.name, 99, job="stranger", db="db0", key="q")
    yield Example("a queue is its lists of all priorities", (*lists, replica, other), (({"queue": "q"}, Fraction(15)),))


def _redis_up(site: Site) -> Iterator[Example]:
    w = _World(redis.JOB, site)
    up = redis.REDIS_UP.name
    yield Example("one exporter that reaches the broker is enough", (w.level(up, 1), w.level(up, 0, "b:1")), _number(1))


def _sources(site: Site, amount: int) -> Results:
    return tuple(({"source": source}, Fraction(amount)) for source in site.jobs)


def _source_up(site: Site) -> Iterator[Example]:
    w = _World("", site)
    yield Example("no job is known", (w.level("up", 1, job="stranger"),), _sources(site, 0))
    both = [w.level("up", n, f"{n}:1", job=job) for job in site.jobs.values() for n in (0, 1)]
    yield Example("one replica of each is enough", tuple(both), _sources(site, 1))


def _failed_scrapes(site: Site) -> Iterator[Example]:
    w = _World("", site)
    ups = [w.level("up", n, f"{n}:1", job=job) for job in site.jobs.values() for n in (0, 1)]
    yield Example("the worst replica counts", tuple(ups), _sources(site, 2))


def _rule_failures(site: Site) -> Iterator[Example]:
    w = _World(stack.PROMETHEUS, site)
    ours = f"/rules/x.yml;{stack.GROUP_PREFIX}x"
    name = stack.RULES_FAILED.name
    feeds = (
        w.flow(name, Fraction(1), rule_group=ours),
        w.flow(name, Fraction(1), rule_group="/rules/theirs.yml;theirs"),
    )
    yield Example("other people's rules are theirs", feeds, (({"rule_group": ours}, Fraction(300)),))


def _notifications(site: Site) -> Iterator[Example]:
    w = _World(stack.ALERTMANAGER, site)
    failed, dropped = stack.NOTIFICATIONS_FAILED.name, stack.NOTIFICATIONS_DROPPED.name
    feeds = (
        w.flow(failed, Fraction(1), integration="email", reason="clientError"),
        w.flow(failed, Fraction(2), integration="email", reason="other"),
        w.flow(failed, Fraction(1), "b:1", integration="email", reason="other"),
        w.flow(dropped, Fraction(5), job=stack.PROMETHEUS),
        w.flow(dropped, Fraction(4), "b:1", job=stack.PROMETHEUS),
        w.flow(dropped, Fraction(9), job="stranger"),
    )
    gives = (({"integration": "email"}, Fraction(900)), ({"integration": "alertmanager"}, Fraction(1500)))
    yield Example("reasons add up, replicas do not", feeds, gives)


WORLDS: Mapping[tuple[str, str], Callable[[Site], Iterator[Example]]] = {
    ("celery-exporter", WORKERS_ACTIVE.name): _exporter_workers,
    ("flower", WORKERS_ACTIVE.name): _flower_workers,
    ("process-exporter", WORKERS_ACTIVE.name): _process_workers,
    ("process-exporter", WORKER_START.name): _process_start,
    ("process-exporter", WORKER_CPU.name): _process_cpu,
    ("cadvisor", WORKER_CPU.name): _container_cpu,
    ("cadvisor", WORKER_MEMORY.name): _container_memory,
    ("worker", WORKER_CPU.name): _worker_cpu,
    ("worker", WORKER_MEMORY.name): _worker_memory,
    ("redis", QUEUE_LENGTH.name): _redis_length,
    ("redis", BROKER_UP.name): _redis_up,
    ("prometheus", SOURCE_UP.name): _source_up,
    ("prometheus", SOURCE_FAILED_SCRAPES.name): _failed_scrapes,
    ("prometheus", RULE_FAILURES.name): _rule_failures,
    ("prometheus", NOTIFICATION_FAILURES.name): _notifications,
}
"""By source and canonical series."""


def examples(source: str, series: Series, site: Site) -> Iterator[Example]:
    """The worlds of one reading; none where the general stories say it all."""
    world = WORLDS.get((source, series.name))
    if world and source not in site.match:  # a pattern of the user's own need not fit the names used here
        yield from world(site)
