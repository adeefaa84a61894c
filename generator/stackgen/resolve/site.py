"""What is scraped on this stack, and what the catalogue's expressions may know of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from stackgen.catalog import input_shapes, promql, registry
from stackgen.catalog.copies import Copies
from stackgen.catalog.corner import Corner, Tls
from stackgen.catalog.entries import Entries, examples, is_pattern
from stackgen.catalog.series import Slow
from stackgen.catalog.signals.queues import QUEUE_WAIT_P95
from stackgen.catalog.signals.tasks import DURATION_P95
from stackgen.catalog.signals.workers import WORKERS_MISSING
from stackgen.catalog.site import EngineSettings, Fact, FlowerSettings, Site, Told
from stackgen.catalog.source import Source
from stackgen.catalog.sources.flower import JOB as FLOWER
from stackgen.catalog.sources.prometheus import ALERTMANAGER, PROMETHEUS
from stackgen.resolve.numbers import Numbers
from stackgen.resolve.plan import LOOKED_UP, Scraped
from stackgen.spec.model import StackSpec

BUCKET_BOUNDS = tuple(Fraction(b) for b in ("0.1", "0.5", "1", "5", "10", "30", "60", "120", "300", "600"))
"""Bucket bounds of durations and waits in seconds, before thresholds are added: few, as each is a series per task."""

MAX_BOUNDS = 40
"""Most buckets of a histogram: its series are multiplied by this."""

_SLOWEST: Mapping[Slow, Fraction] = {"losses": Fraction(120), "durations": Fraction(240)}
"""Seconds between two evaluations at the most: a value older than five minutes is none, and what ended is counted in
the last five minutes. What is carried on from evaluation to evaluation bears that one of them is missed."""


def scrape_jobs(spec: StackSpec) -> tuple[Scraped, ...]:
    """Everything that is scraped: what stack.yaml lists first, what its logs bring along, the stack itself."""
    known, facts = registry.sources(), frozenset(_facts(spec))
    listed = []
    for written in spec.sources:
        source = known[written.name]
        version = written.version or next(iter(source.versions), "")
        at, path = _endpoint(source, spec)
        cluster = written.kubernetes
        found = (cluster.found(at.rpartition(":")[2]),) if cluster else (at,)
        targets = tuple(map(str, written.targets or found))
        ours = any(t.removeprefix("dns:").partition(":")[0] == source.host for t in targets)
        off = source.off(facts) if ours else ""
        listed.append(
            Scraped(
                source,
                version,
                targets,
                written.path or path,
                not ours,
                off,
                other_job=written.job or "",
                labels=written.telling,
                kubernetes=cluster,
            )
        )
    own = (_own(source, spec) for source in known.values() if source.always)
    return (*listed, *_brought(spec), *filter(None, own))


def _own(source: Source, spec: StackSpec) -> Scraped | None:
    """A part of the stack itself; of what others run only Prometheus is left, for what it says of all it scrapes."""
    shared = spec.shares(source.id)
    if shared and source.id != PROMETHEUS:
        return None
    return Scraped(source, next(iter(source.versions)), _own_targets(source, spec), source.path, shared=shared)


def _brought(spec: StackSpec) -> Iterable[Scraped]:
    """What the logs bring along and stack.yaml does not list."""
    if spec.logs is None or "alloy" not in spec.logs.shippers:
        return
    listed = {written.name for written in spec.sources}
    brought = {"alloy", "loki"} if spec.logs.loki.bundled else {"alloy"}
    for source in registry.sources().values():
        if source.brought_by in brought and source.id not in listed:
            yield Scraped(source, "", (source.target,), source.path)


def _own_targets(source: Source, spec: StackSpec) -> tuple[str, ...]:
    """Where Prometheus finds itself and the Alertmanagers."""
    if source.id == ALERTMANAGER:
        return tuple(spec.prometheus.alertmanagers)
    return (f"localhost:{spec.prometheus.address.rpartition(':')[2]}",)


def _endpoint(source: Source, spec: StackSpec) -> tuple[str, str]:
    """Where the source is scraped by default, and under which path: as the settings of Flower and of the app say."""
    host = source.target.partition(":")[0]
    if source.id == FLOWER:
        return f"{host}:{spec.flower.port}", spec.flower.url_prefix + source.path
    ports = {"worker": spec.app.metrics.port, "beat": spec.app.beat.port}
    return f"dns:{host}:{ports[source.part]}" if source.part else source.target, source.path


def site_of(spec: StackSpec, scraped: Iterable[Scraped], candidates: Mapping[str, Numbers]) -> Site:
    """What expressions may know of this stack."""
    entries = Entries(spec.queues)
    dead = {name for name, queue in spec.queues.items() if queue.role == "dead_letter"}
    dead_patterns = tuple(name for name in entries.patterns if name in dead)
    return Site(
        scrape=spec.prometheus.scrape_interval.seconds,
        evaluation=spec.prometheus.evaluation_interval.seconds,
        slow={part: _slow(part, spec, candidates) for part in _SLOWEST},
        queues=entries.names,
        dead_letter=tuple(name for name in entries.names if name in dead),
        queue_patterns=entries.patterns,
        dead_patterns=dead_patterns,
        dead_examples=examples(entries, dead_patterns),
        listed_only=spec.ignore.unlisted_queues,
        ignored_queues=tuple(spec.ignore.queues),
        ignored_tasks=tuple(spec.ignore.tasks),
        facts=frozenset(_facts(spec)),
        jobs={s.source.id: s.source.job for s in scraped if _missed(s.source, spec)},
        versions={s.source.id: s.version for s in scraped},
        tags=spec.versions,
        targets={s.source.id: s.targets for s in scraped},
        match={s.source.id: _match(s.source, spec) for s in scraped if s.source.match},
        duration_buckets=_buckets(candidates[DURATION_P95.id]),
        wait_buckets=_buckets(candidates[QUEUE_WAIT_P95.id]),
        fleet_settles=_fleet_settles(spec, candidates[WORKERS_MISSING.id]),
        scales=_scales(spec),
        scales_to_zero=spec.celery.fleet.scales_to_zero,
        expiring=tuple(name for name, task in spec.tasks.items() if task.expires == "wanted"),
        periodic=examples(Entries(spec.tasks), (key for key, task in spec.tasks.items() if task.period)),
        weeks=tuple(_weeks(spec)),
        worker_memory_limit=spec.celery.worker_memory_limit,
        broker=spec.celery.broker.kind,
        corner=_corner(spec),
        broker_env=spec.celery.broker.env or "CELERY_BROKER_URL",
        broker_file=spec.celery.broker.url_file or "",
        stack=spec.stack.name,
        environment=spec.stack.environment,
        told={s.source.job: told for s in scraped if (told := _told(s, spec))},
        copies=Copies({label: tuple(values) for label, values in spec.stack.copies.items()}),
        central=frozenset(s.source.job for s in scraped if s.source.is_central),
        flower=_flower(spec),
        engine=EngineSettings(spec.compose.engine.data, spec.compose.engine.socket),
    )


def _weeks(spec: StackSpec) -> Iterable[tuple[tuple[str, ...], tuple[str, ...]]]:
    known = Entries(spec.tasks)
    for key, task in spec.tasks.items():
        if task.weekdays:
            meant = known.matchers("task", key) if is_pattern(key) else (promql.one_of("task", [key]),)
            yield meant, tuple(task.weekdays)


def _missed(source: Source, spec: StackSpec) -> bool:
    """Whether its loss must be noticed: not of what the logs bring along, unless it is listed."""
    return not source.part and (not source.brought_by or any(s.name == source.id for s in spec.sources))


def _told(scraped: Scraped, spec: StackSpec) -> Told | None:
    """How this stack's targets are told: as stack.yaml says, else by their addresses; None: by the source's own job.

    The operator of Kubernetes names the jobs of PodMonitors `namespace/name`, and relabels addresses. Monitors of ours
    give their targets the job and whose they are.
    """
    written = next((s for s in spec.sources if s.name == scraped.source.id), None)
    others = spec.shares("prometheus")
    if written is None:
        return None
    monitored = spec.wants("kubernetes") and not written.is_found
    ours = {"stack": spec.stack.name, "environment": spec.stack.environment} if monitored else {}
    labels = {**written.telling, **ours}
    any_job = others and not written.job and not monitored
    job = f"(.+/)?{promql.escape_regex(scraped.job)}" if any_job else scraped.job
    of_job = f"job{'=~' if job != scraped.job else '='}{promql.text(job)}"
    fixed = not others and not labels and not any(t.startswith(LOOKED_UP) for t in scraped.targets)
    targets = scraped.targets if written.targets and fixed else ()
    if not others and not targets and not labels and not written.job:
        return None
    of_labels = (promql.one_of(name, [value]) for name, value in labels.items())
    matchers = ",".join(filter(None, (of_job, *of_labels, promql.one_of("instance", targets))))
    return Told(job, matchers, {"job": scraped.job, **labels}, targets)


def _flower(spec: StackSpec) -> FlowerSettings:
    flower = spec.flower
    return FlowerSettings(
        port=flower.port,
        url_prefix=flower.url_prefix,
        folder=flower.database.rpartition("/")[0] or "/data",
        users_file=flower.basic_auth.file,
        users_env=flower.basic_auth.users_env,
    )


def _fleet_settles(spec: StackSpec, numbers: Numbers) -> Fraction:
    """More workers must last as long as fewer must: a deployment has old and new ones for a while."""
    if spec.celery.fleet.settles:
        return spec.celery.fleet.settles.seconds
    shortest = min((threshold.hold for threshold in numbers.thresholds.values()), default=Fraction(0))
    return max(2 * spec.prometheus.evaluation_interval.seconds, shortest)


def _slow(part: Slow, spec: StackSpec, candidates: Mapping[str, Numbers]) -> Fraction:
    """Two evaluations fit into the shortest wait; never more often than all others are evaluated."""
    often, written = spec.prometheus.evaluation_interval.seconds, spec.prometheus.slow_interval
    if written and part == "losses":
        return max(written.seconds, often)
    most = _SLOWEST[part] if written is None else _SLOWEST[part] / _SLOWEST["losses"] * written.seconds
    slow = (numbers for numbers in candidates.values() if numbers.signal.slow == part)
    waits = (wait / 2 for numbers in slow for wait in _waits(numbers, 4 * often))
    return max(often, min([most, *waits]) // often * often)


def _waits(numbers: Numbers, least: Fraction) -> Iterable[Fraction]:
    """How long what a signal judges must last until it is told; a period that is over counts as `least` at least."""
    shape, limits = numbers.signal.shape, [*numbers.limits]
    over = Fraction(shape.window or 0) if isinstance(shape, input_shapes.Tally) else Fraction(0)
    if isinstance(shape, input_shapes.Overdue) and limits:
        over = max(min(limits), least)
    for severity, threshold in numbers.thresholds.items():
        if limits or not numbers.signal.limits_from:
            yield threshold.hold + over
        yield from (wait.hold + over for wait in numbers.waits(severity).values())


def _scales(spec: StackSpec) -> bool:
    """Whether it is on purpose that there are fewer workers than there were."""
    fleet, consumed = spec.celery.fleet, [queue for queue in spec.queues.values() if queue.role == "normal"]
    if fleet.scales is None:
        return fleet.scales_to_zero or (bool(consumed) and all(queue.min_workers is not None for queue in consumed))
    return fleet.scales


def _match(source: Source, spec: StackSpec) -> str:
    return next((s.match for s in spec.sources if s.name == source.id and s.match), source.match)


def _facts(spec: StackSpec) -> Iterable[Fact]:
    if not spec.celery.events:
        yield "events_off"
    if not spec.celery.sent_events:
        yield "sent_events_off"
    if spec.celery.pool == "solo":
        yield "pool_solo"
    if spec.celery.worker_memory_limit is None:
        yield "no_memory_limit"
    if spec.shares("prometheus"):
        yield "prometheus_shared"
    broker = spec.celery.broker
    if broker.kind == "redis":
        if broker.priorities:
            yield "redis_priorities"
        if broker.transport_options.master_name:
            yield "redis_sentinel"
        if broker.cluster:
            yield "redis_cluster"
        elif broker.database is None:
            yield "redis_database_unsaid"
    else:
        yield "not_redis"


def _corner(spec: StackSpec) -> Corner:
    broker, tls = spec.celery.broker, spec.celery.broker.tls
    return Corner(
        kind=broker.kind,
        database=broker.database,
        vhost=broker.vhost,
        options=broker.transport_options.model_dump(exclude_defaults=True),
        tls=Tls(tls.ca_file, tls.cert_file, tls.key_file, tls.verify) if tls else None,
        cluster=broker.cluster,
    )


def _buckets(numbers: Numbers) -> tuple[Fraction, ...]:
    """Every threshold is a bound, and one bound lies beyond the largest: between bounds a quantile is a guess."""
    limits = {threshold.value for threshold in numbers.thresholds.values() if threshold.value}
    limits |= set(numbers.limits)
    bounds = {*BUCKET_BOUNDS, *limits}
    if limits and max(limits) >= max(BUCKET_BOUNDS):
        bounds.add(2 * max(limits))
    return tuple(sorted(b for b in bounds if b > 0))
