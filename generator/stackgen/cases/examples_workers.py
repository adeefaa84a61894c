"""Worked examples of workers: who counts, what is missing for a while, whose limit is unknown."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from stackgen.cases.worlds import Example, World, ago, gone, number
from stackgen.catalog.site import Site
from stackgen.catalog.sources import celery_exporter, containers, flower, worker
from stackgen.catalog.timeline import Input


def exporter_workers(site: Site) -> Iterator[Example]:
    """Heartbeats count hosts, inspect says whether any answers."""
    w = World(celery_exporter.JOB, site)
    up, answers = celery_exporter.WORKER_UP.name, celery_exporter.ACTIVE_WORKERS.name
    hosts = [w.level(up, 1, hostname="h1"), w.level(up, 1, hostname="h2"), w.level(up, 0, hostname="h3")]
    others = [w.level(up, 1, job="stranger", hostname=h) for h in ("x", "y")]
    alive, dead = w.level("up", 1), w.level("up", 0)
    yield Example("no host, the exporter alone", (alive, w.level("up", 1, "b:1")), number(0))
    yield Example("a dead exporter knows nothing", (dead, w.level("up", 1, job="stranger")), ())
    twice = (*hosts, w.level(up, 1, "b:1", hostname="h1"))
    if "pool_solo" in site.facts:
        yield Example("hosts are counted once", (*twice, *others, alive), number(2))
        return
    one, none = w.level(answers, 1, queue_name="q"), w.level(answers, 0, queue_name="r")
    yield Example("hosts are counted, not queues", (*hosts, *others, one, none, alive), number(2))
    more = (w.level(answers, 1, "b:1", queue_name="q"), w.level("up", 1, "b:1"))
    yield Example("the replica that sees most is believed", (*twice, one, none, *more, alive), number(2))
    elsewhere = w.level(answers, 9, job="stranger", queue_name="q")
    silent = w.level(answers, 0, queue_name="q")
    yield Example("none answers, heartbeats linger", (*hosts, silent, elsewhere, alive), number(0))
    other = (w.level(up, 1, "b:1", hostname="h1"), *more)
    yield Example("only a replica whose workers answer counts", (*hosts, silent, *other, alive), number(1))
    yield from _exporter_gaps(site, w)
    yield Example("answers without heartbeats", (one, w.level(answers, 2, "b:1", queue_name="q"), elsewhere), number(2))


def _exporter_gaps(site: Site, w: World) -> Iterator[Example]:
    """What is missing for a while: heartbeats, answers, everything."""
    up, answers = celery_exporter.WORKER_UP.name, celery_exporter.ACTIVE_WORKERS.name
    alive, answer = w.level("up", 1), w.level(answers, 1, queue_name="q")
    hosts = (w.level(up, 1, hostname="h1"), w.level(up, 1, hostname="h2"))
    lost_hosts = (w.once(up, 1, hostname="h1"), w.once(up, 1, hostname="h2"))
    lost = w.once(answers, 1, queue_name="q")
    yield gone(site, "heartbeats", (*lost_hosts, answer, alive), number(2), number(1))
    yield gone(site, "answers", (*hosts, lost, alive), number(2), number(0))
    yield gone(site, "answers without heartbeats", (lost, alive), number(1), number(0))
    yield gone(site, "the exporter", (w.once("up", 1),), number(0), ())


def worker_endpoints(site: Site) -> Iterator[Example]:
    """Endpoints that answer are counted; where there is none to ask, that is none, not nothing."""
    w = World(worker.JOB, site)
    stranger = w.level("up", 1, job="stranger")
    up = (w.level("up", 1), w.level("up", 1, "b:1"), w.level("up", 0, "c:1"))
    yield Example("two of three endpoints", (*up, stranger), number(2))
    yield Example("no endpoint at all", (stranger,), number(0))


def flower_workers(site: Site) -> Iterator[Example]:
    """Workers that are online, whichever Flower sees most of them."""
    w = World(flower.JOB, site)
    online = flower.ONLINE.name
    hosts = [w.level(online, 1, worker="w1"), w.level(online, 1, worker="w2"), w.level(online, 0, worker="w3")]
    twice = (*hosts, w.level(online, 1, "b:1", worker="w1"), w.level(online, 1, job="stranger", worker="w4"))
    yield Example("no worker, Flower alone", (w.level("up", 1), w.level("up", 1, "b:1")), number(0))
    yield Example("a dead Flower knows nothing", (w.level("up", 0), w.level("up", 1, job="stranger")), ())
    yield gone(site, "Flower", (w.once("up", 1),), number(0), ())
    yield Example("the Flower that sees most is believed", (*twice, w.level("up", 1)), number(2))


def process_workers(site: Site) -> Iterator[Example]:
    """Process groups whose name fits and that have a process."""
    w = World(containers.PROCESSES, site)
    procs = containers.GROUP_PROCS.name
    yield Example("no group, the exporter alone", (w.level("up", 1), w.level("up", 1, "b:1")), number(0))
    yield Example("a dead exporter knows nothing", (w.level("up", 0), w.level("up", 1, job="stranger")), ())
    yield gone(site, "the exporter", (w.once("up", 1),), number(0), ())
    groups = (w.level(procs, 1, groupname="my worker"), w.level(procs, 0, groupname="old worker"))
    others = (w.level(procs, 1, groupname="nginx"), w.level(procs, 1, job="stranger", groupname="x worker"))
    yield Example("groups with a process count, if the name fits", (*groups, *others), number(1))


def process_start(site: Site) -> Iterator[Example]:
    """When the oldest process of a group started, while it has one."""
    w = World(containers.PROCESSES, site)
    start, procs = containers.GROUP_START.name, containers.GROUP_PROCS.name
    feeds: list[Input] = []
    for name, count in (("my worker", 1), ("old worker", 0)):
        feeds += [w.level(start, 1000, groupname=name), w.level(procs, count, groupname=name)]
    yield Example("a group without a process has no start", tuple(feeds), (({"worker": "my worker"}, Fraction(1000)),))


def process_cpu(site: Site) -> Iterator[Example]:
    """CPU of a group of which the parent does no work."""
    w = World(containers.PROCESSES, site)
    cpu = w.flow(containers.GROUP_CPU.name, Fraction(1, 2), groupname="my worker", mode="user")
    procs = w.level(containers.GROUP_PROCS.name, 1, groupname="my worker")
    yield Example("one process is its own pool", (cpu, procs), (({"worker": "my worker"}, Fraction(1, 2)),))


def container_cpu(site: Site) -> Iterator[Example]:
    """CPU of a container, of its quota."""
    w = World(containers.CADVISOR, site)
    feeds: list[Input] = []
    for name, quota in (("worker free", 0), ("worker tiny", 1)):
        feeds += [
            w.flow(containers.CPU.name, Fraction(1, 2), name=name, cpu="total"),
            w.level(containers.QUOTA.name, quota, name=name),
            w.level(containers.PERIOD.name, 2, name=name),
        ]
    yield Example("a container without quota is not judged", tuple(feeds), (({"worker": "worker tiny"}, Fraction(1)),))


def container_memory(site: Site) -> Iterator[Example]:
    """Memory of a container, of its limit."""
    w = World(containers.CADVISOR, site)
    feeds: list[Input] = []
    for name, limit in (("worker free", 0), ("worker tiny", 1)):
        feeds += [
            w.level(containers.WORKING_SET.name, 1, name=name),
            w.level(containers.MEMORY_LIMIT.name, limit, name=name),
        ]
    yield Example("a container without limit is not judged", tuple(feeds), (({"worker": "worker tiny"}, Fraction(1)),))


def worker_cpu(site: Site) -> Iterator[Example]:
    """CPU of a worker with its pool, whichever endpoints it has."""
    w = World(worker.JOB, site)
    solo = (w.flow(worker.CPU.name, Fraction(1, 2), worker="solo"), w.level(worker.PROCESSES.name, 1, worker="solo"))
    twin: list[Input] = [
        w.flow(worker.CPU.name, Fraction(1, 4), instance, worker="twin") for instance in ("a:1", "b:1")
    ]
    gives = (({"worker": "solo"}, Fraction(1, 2)), ({"worker": "twin"}, Fraction(1, 2)))
    feeds: tuple[Input, ...] = (*solo, *twin, w.level(worker.PROCESSES.name, 2, worker="twin"))
    yield Example("one process is its own pool, two endpoints are one worker", feeds, gives)


def worker_memory(site: Site) -> Iterator[Example]:
    """Memory of a worker: of the limit in stack.yaml, else while both it and its measured limit are known."""
    w = World(worker.JOB, site)
    memory, limit = worker.MEMORY.name, worker.MEMORY_LIMIT.name
    after = ago(site, seen=False)
    yield Example("memory long gone", (w.once(memory, 1, worker="w"), w.level(limit, 1, worker="w")), (), after)
    if allowed := site.worker_memory_limit:
        twice = (w.level(memory, 2 * allowed, worker="w"), w.level(limit, 8 * allowed, worker="w"))
        yield Example("whatever limit the worker found", twice, (({"worker": "w"}, Fraction(2)),))
        return
    feeds: list[Input] = []
    for name, bytes_ in (("free", 0), ("tiny", 1)):
        feeds += [w.level(memory, 1, worker=name), w.level(limit, bytes_, worker=name)]
    yield Example("a worker without limit is not judged", tuple(feeds), (({"worker": "tiny"}, Fraction(1)),))
    yield Example("limit long gone", (w.level(memory, 1, worker="w"), w.once(limit, 1, worker="w")), (), after)
