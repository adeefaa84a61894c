"""oliver006/redis_exporter: the depth of queues on a Redis broker, whether or not any worker lives.

Facts: scrapes of redis_exporter 1.45 (tests/scrapes/redis-exporter-*.prom); kombu keeps priorities in lists named
`queue`, `queue\\x06\\x163`, `queue\\x06\\x166`, `queue\\x06\\x169`.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from stackgen.catalog import promql
from stackgen.catalog.images import Image, by_version
from stackgen.catalog.launch import HttpHealth, Launch
from stackgen.catalog.series import BROKER_UP, QUEUE_LENGTH
from stackgen.catalog.site import Site
from stackgen.catalog.source import Metric, Reading, RecordingRule, Source, gauge

JOB = "redis-exporter"
PRIORITY_SEPARATOR = "\x06\x16"
PRIORITY_STEPS = (3, 6, 9)
_JOB = f'job="{JOB}"'

KEY_SIZE = Metric(name="redis_key_size", type="gauge", labels=("db", "key"))
REDIS_UP = Metric(name="redis_up", type="gauge", labels=())


def keys(queue: str) -> tuple[str, ...]:
    """The Redis lists that hold a queue: the plain one and one per priority step above 0."""
    return (queue, *(f"{queue}{PRIORITY_SEPARATOR}{step}" for step in PRIORITY_STEPS))


def _length(site: Site) -> tuple[RecordingRule, ...]:
    sizes = f"last_over_time({KEY_SIZE.name}{{{_JOB}}}[{site.bridge}])"
    # (?s) lets the dot match a newline; the priority suffix is cut off, so that its lists add up to one queue.
    pattern = promql.text("(?s)(.*?)(?:\x06\x16[0-9]+)?")
    named = f'label_replace({sizes}, "queue", "$1", "key", {pattern})'
    return (RecordingRule(f"max by (queue) (sum by (instance, queue) ({named}))"),)


def _key(canonical: Mapping[str, str]) -> dict[str, str]:
    return {"db": "db0", "key": canonical["queue"]}


def launch(site: Site, version: str) -> Launch:
    """The exporter's command line: every list of every queue, so that an empty one reads 0 and not absent."""
    wanted = ",".join(f"db0={quote(key, safe='')}" for queue in site.queues for key in keys(queue))
    return Launch(
        image=SOURCE.versions[version],
        user="59000:59000",
        command=(f"--check-single-keys={wanted}",),
        environment={"REDIS_ADDR": site.broker_url},
        networks=("backend", "broker"),
        health=HttpHealth("/health", "wget"),
    )


SOURCE = Source(
    id="redis",
    title="oliver006/redis_exporter",
    job=JOB,
    target="redis-exporter:9121",
    link="https://github.com/oliver006/redis_exporter",
    metrics=(KEY_SIZE, REDIS_UP),
    readings=(
        Reading(
            series=QUEUE_LENGTH,
            uses=(KEY_SIZE,),
            rules=_length,
            stimulus=gauge(JOB, KEY_SIZE, _key),
            caveat="Only the queues that stack.yaml names are measured.",
        ),
        Reading(
            series=BROKER_UP,
            uses=(REDIS_UP,),
            rules=lambda site: (RecordingRule(f"max(max_over_time({REDIS_UP.name}{{{_JOB}}}[{site.bridge}]))"),),
            stimulus=gauge(JOB, REDIS_UP, lambda _: {}),
        ),
    ),
    versions=by_version(
        Image("redis", "v1.88.0", "oliver006/redis_exporter", "v1.88.0-alpine", "2026-07-23", "its releases")
    ),
    broker="redis",
    launch=launch,
)
