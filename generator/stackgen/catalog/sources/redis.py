"""oliver006/redis_exporter: the depth of queues on a Redis broker, whether or not any worker lives.

Facts: scrapes of redis_exporter 1.45 (tests/scrapes/redis-exporter-*.prom); kombu keeps priorities in lists named
`queue`, `queue\\x06\\x163`, `queue\\x06\\x166`, `queue\\x06\\x169`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from stackgen.catalog import facts, promql
from stackgen.catalog.corner import Corner
from stackgen.catalog.images import Image, by_version
from stackgen.catalog.launch import HttpHealth, Launch
from stackgen.catalog.series import BROKER_UP, QUEUE_LENGTH
from stackgen.catalog.site import Site
from stackgen.catalog.source import Metric, Reading, RecordingRule, Source, base_labels
from stackgen.catalog.timeline import Gauge, Input, Segment

JOB = "redis-exporter"
_JOB = f'job="{JOB}"'

KEY_SIZE = Metric(name="redis_key_size", type="gauge", labels=("db", "key"), always=True)
REDIS_UP = Metric(name="redis_up", type="gauge", labels=())


def _database(site: Site) -> str:
    return f"db{site.corner.database or 0}"


def keys(site: Site, queue: str) -> tuple[str, ...]:
    """The Redis lists that hold a queue: the plain one and one per priority step above 0."""
    corner = site.corner
    first = f"{corner.prefix}{queue}"
    return (first, *(f"{first}{corner.separator}{step}" for step in corner.steps))


def _length(site: Site) -> tuple[RecordingRule, ...]:
    corner = site.corner
    database = "" if corner.database is None else f"db={promql.text(_database(site))}"
    prefix = promql.escape_regex(corner.prefix)
    ours = f"key=~{promql.text(f'(?s){prefix}.+')}" if prefix else ""
    # A pattern such as *-bulk also finds the sets in which kombu notes what is bound to a queue.
    noted = f"key!~{promql.text(f'(?s){prefix}_kombu[.].+')}" if site.queue_patterns else ""
    sizes = f"last_over_time({promql.select(KEY_SIZE.name, _JOB, database, ours, noted)}[{site.bridge}])"
    # (?s) lets the dot match a newline; the priority suffix is cut off, so that its lists add up to one queue.
    separator = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in promql.escape_regex(corner.separator))
    pattern = promql.text(f"(?s){prefix}(.*?)(?:{separator}[0-9]+)?")
    named = f'label_replace({sizes}, "queue", "$1", "key", {pattern})'
    return (RecordingRule(f"max by (queue) (sum by (instance, queue) ({named}))"),)


def _length_stimulus(site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
    del step
    labels = {"db": _database(site), "key": keys(site, canonical["queue"])[0]}
    return [Gauge(KEY_SIZE.name, {**base_labels(JOB, site), **labels}, segments)]


def launch(site: Site, version: str) -> Launch:
    """The exporter's command line: every list of every queue, so that an empty one reads 0 and not absent."""
    database = _database(site)
    wanted = ",".join(f"{database}={quote(key, safe='')}" for queue in site.queues for key in keys(site, queue))
    return Launch(
        image=SOURCE.versions[version],
        user="59000:59000",
        entrypoint=("/redis_exporter",),  # its Dockerfile at v1.88.0, stage alpine
        command=(f"--check-single-keys={wanted}", *_patterns(site), *_flags(site.corner)),
        # Its --redis.password-file holds passwords by address, not the address itself.
        environment={"REDIS_ADDR": site.broker_url},
        secrets=site.broker_secrets,
        networks=("backend", "broker"),
        health=HttpHealth("/health", "wget"),
    )


def _patterns(site: Site) -> Iterator[str]:
    """Of queues behind a pattern those that are there are looked for, with SCAN."""
    database, separator = _database(site), _glob(site.corner.separator)
    globs = []
    for pattern in map(_glob, site.queue_patterns):
        globs.append(f"{_glob(site.corner.prefix)}{pattern}")
        if not pattern.endswith("*"):  # else it means the lists of priorities too
            globs.append(f"{globs[-1]}{separator}*")
    if globs:
        yield f"--check-keys={','.join(f'{database}={quote(one, safe=str())}' for one in globs)}"


def _glob(text: str) -> str:
    """The text as Redis's own patterns have it; a * stays."""
    return re.sub(r"[\[\]?\\]", lambda found: f"\\{found[0]}", text)


def _flags(corner: Corner) -> Iterator[str]:
    if corner.cluster:
        yield "--is-cluster"
    if corner.tls:
        names = ("tls-ca-cert-file", "tls-client-cert-file", "tls-client-key-file")
        files = zip(names, (corner.tls.ca, corner.tls.certificate, corner.tls.key), strict=True)
        yield from (f"--{name}={file}" for name, file in files if file)
        if not corner.tls.verify:
            yield "--skip-tls-verification"


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
            stimulus=_length_stimulus,
            at_least={"redis_database_unsaid": "it looks into database 0, for celery.broker.database names none"},
            caveat="Only queues that stack.yaml names are measured; behind a pattern or on a Redis Cluster those that "
            "are not empty.",
        ),
        Reading(
            series=BROKER_UP,
            uses=(REDIS_UP,),
            rules=facts.judged(facts.BROKER),
            stimulus=facts.agreed(facts.BROKER),
        ),
    ),
    versions=by_version(
        Image("redis", "v1.88.0", "oliver006/redis_exporter", "v1.88.0-alpine", "2026-07-23", "its releases")
    ),
    broker="redis",
    cannot={"redis_sentinel": "redis_exporter asks one address, and behind Sentinel the master moves"},
    launch=launch,
)
