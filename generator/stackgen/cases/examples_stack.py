"""Worked examples of queues in Redis and of the stack that watches itself."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from stackgen.cases.worlds import STEPS, TICK, Example, Results, World, gone, number
from stackgen.catalog.site import Site
from stackgen.catalog.sources import prometheus, redis
from stackgen.catalog.timeline import Gauge, Input, Segment


def redis_length(site: Site) -> Iterator[Example]:
    """The lists of a queue, one a priority."""
    w = World(redis.JOB, site)
    lists = [
        w.level(redis.KEY_SIZE.name, n, db="db0", key=key) for n, key in zip((1, 2, 4, 8), redis.keys("q"), strict=True)
    ]
    replica = w.level(redis.KEY_SIZE.name, 3, "b:1", db="db0", key="q")
    other = w.level(redis.KEY_SIZE.name, 99, job="stranger", db="db0", key="q")
    yield Example("a queue is its lists of all priorities", (*lists, replica, other), (({"queue": "q"}, Fraction(15)),))


def redis_up(site: Site) -> Iterator[Example]:
    """Whether any exporter reaches the broker."""
    w = World(redis.JOB, site)
    up = redis.REDIS_UP.name
    yield Example("one exporter that reaches the broker is enough", (w.level(up, 1), w.level(up, 0, "b:1")), number(1))


def _sources(site: Site, amount: int) -> Results:
    return tuple(({"source": source}, Fraction(amount)) for source in site.jobs)


def source_up(site: Site) -> Iterator[Example]:
    """Whether any replica of each source is scraped."""
    w = World("", site)
    yield Example("no job is known", (w.level("up", 1, job="stranger"),), _sources(site, 0))
    replicas = [w.level("up", n, f"{k}:1", job=job) for job in site.jobs.values() for k, n in enumerate((1, 1, 0))]
    yield Example("one replica of each is enough", tuple(replicas), _sources(site, 1))
    lost = tuple(World(job, site).once("up", 1) for job in site.jobs.values())
    yield gone(site, "all", lost, _sources(site, 1), _sources(site, 0))


def failed_scrapes(site: Site) -> Iterator[Example]:
    """How often the worst replica of each source failed."""
    ups: list[Input] = []
    for job in site.jobs.values():
        for instance, failed in (("a:1", 2), ("b:1", 1)):
            labels = {"job": job, "instance": instance}
            ups.append(Gauge("up", labels, (Segment(Fraction(0), failed), Segment(Fraction(1), STEPS - failed))))
    soon, late = 600, 900 + 3 * TICK
    story = "the worst replica counts, ten minutes later; a quarter of an hour later all is well"
    yield Example(story, tuple(ups), _sources(site, 2), soon, ((late, _sources(site, 0)),))


def rule_failures(site: Site) -> Iterator[Example]:
    """Failed evaluations of our own rule groups."""
    w = World(prometheus.PROMETHEUS, site)
    ours = f"/rules/x.yml;{prometheus.GROUP_PREFIX}x"
    name = prometheus.RULES_FAILED.name
    feeds = (
        w.flow(name, Fraction(1), rule_group=ours),
        w.flow(name, Fraction(1), rule_group="/rules/theirs.yml;theirs"),
    )
    yield Example("other people's rules are theirs", feeds, (({"rule_group": ours}, Fraction(300)),))


def notifications(site: Site) -> Iterator[Example]:
    """Notifications that failed, and alerts that never reached Alertmanager."""
    w = World(prometheus.ALERTMANAGER, site)
    failed, dropped = prometheus.NOTIFICATIONS_FAILED.name, prometheus.NOTIFICATIONS_DROPPED.name
    feeds = (
        w.flow(failed, Fraction(1), integration="email", reason="clientError"),
        w.flow(failed, Fraction(2), integration="email", reason="other"),
        w.flow(failed, Fraction(1), "b:1", integration="email", reason="other"),
        w.flow(dropped, Fraction(5), job=prometheus.PROMETHEUS),
        w.flow(dropped, Fraction(4), "b:1", job=prometheus.PROMETHEUS),
        w.flow(dropped, Fraction(9), job="stranger"),
    )
    gives = (({"integration": "email"}, Fraction(900)), ({"integration": "alertmanager"}, Fraction(1500)))
    yield Example("reasons add up, replicas do not", feeds, gives)
