"""Spec and catalogue to Plan; what stack.yaml asks for and no listed source can give is an error at its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import chain

from stackgen.catalog import registry
from stackgen.catalog.series import Series
from stackgen.catalog.signal import Signal
from stackgen.catalog.signals.queues import QUEUE_WAIT_P95
from stackgen.catalog.signals.tasks import DURATION_P95
from stackgen.catalog.signals.workers import WORKERS_MISSING
from stackgen.catalog.site import EngineSettings, Fact, FlowerSettings, Site
from stackgen.catalog.source import Reading, Source
from stackgen.catalog.sources.flower import JOB as FLOWER
from stackgen.catalog.sources.prometheus import ALERTMANAGER
from stackgen.document import Document, Trail
from stackgen.problem import Problem, SpecError
from stackgen.resolve import cloudwatch, logs
from stackgen.resolve.alerts import alerts, with_silencers
from stackgen.resolve.numbers import Numbers, limits_of, numbers
from stackgen.resolve.plan import Chosen, DisabledSignal, Plan, Scraped
from stackgen.spec.model import StackSpec

BUCKET_BOUNDS = tuple(Fraction(b) for b in ("0.1", "0.5", "1", "5", "10", "30", "60", "120", "300", "600"))
"""Bucket bounds of durations and waits in seconds, before thresholds are added: few, as each is a series per task."""

MAX_BOUNDS = 40
"""Most buckets of a histogram: its series are multiplied by this."""


def resolve(spec: StackSpec, document: Document) -> Plan:
    """The plan for one stack; raises SpecError when stack.yaml names a signal that no listed source can feed."""
    candidates = {signal.id: numbers(signal, spec) for signal in registry.signals().values()}
    scraped = _scraped(spec)
    site = _site(spec, scraped, candidates)
    active, off = [], []
    chosen: dict[str, Chosen] = {}
    for candidate in candidates.values():
        why = _why_off(candidate, spec, site, scraped, chosen)
        if why:
            off.append(why)
        else:
            active.append(candidate)
    problems = [*_named_but_off(off, spec, document), *_too_many_bounds(site, document)]
    if problems:
        raise SpecError(problems)
    _choose_rest(site, scraped, chosen)
    used = {name: chosen[name] for name in registry.series() if name in chosen}
    plan = Plan(
        spec=spec,
        site=site,
        alerts=(),
        off=tuple(off),
        chosen=used,
        scraped=scraped,
    )
    plan = replace(plan, alerts=alerts(active, plan))
    if impossible := list(cloudwatch.problems(plan, document)):
        raise SpecError(impossible)
    return replace(plan, alerts=with_silencers(plan))


def _scraped(spec: StackSpec) -> tuple[Scraped, ...]:
    known = registry.sources()
    listed = []
    for written in spec.sources:
        source = known[written.name]
        version = written.version or next(iter(source.versions), "")
        at, path = _endpoint(source, spec)
        targets = tuple(map(str, written.targets or (at,)))
        ours = any(t.removeprefix("dns:").partition(":")[0] == source.host for t in targets)
        listed.append(Scraped(source, version, targets, path, elsewhere=not ours))
    own = [Scraped(s, next(iter(s.versions)), _own_targets(s, spec), s.path) for s in known.values() if s.always]
    return (*listed, *_brought(spec), *own)


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
    """Where the source is scraped by default, and under which path: Flower's and the workers' follow their settings."""
    host = source.target.partition(":")[0]
    if source.id == FLOWER:
        return f"{host}:{spec.flower.port}", spec.flower.url_prefix + source.path
    return f"dns:{host}:{spec.app.metrics.port}" if source.is_worker else source.target, source.path


def _site(spec: StackSpec, scraped: Iterable[Scraped], candidates: Mapping[str, Numbers]) -> Site:
    names = tuple(spec.queues)
    return Site(
        scrape=spec.prometheus.scrape_interval.seconds,
        evaluation=spec.prometheus.evaluation_interval.seconds,
        queues=names,
        dead_letter=tuple(name for name in names if spec.queues[name].role == "dead_letter"),
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
        fleet_settles=_fleet_settles(spec.prometheus.evaluation_interval.seconds, candidates[WORKERS_MISSING.id]),
        worker_memory_limit=spec.celery.worker_memory_limit,
        broker=spec.celery.broker.kind,
        broker_env=spec.celery.broker.env or "CELERY_BROKER_URL",
        stack=spec.stack.name,
        flower=_flower(spec),
        engine=EngineSettings(spec.compose.engine.data, spec.compose.engine.socket),
    )


def _missed(source: Source, spec: StackSpec) -> bool:
    """Whether its loss must be noticed: not of what the logs bring along, unless it is listed."""
    return not source.is_worker and (not source.brought_by or any(s.name == source.id for s in spec.sources))


def _flower(spec: StackSpec) -> FlowerSettings:
    flower = spec.flower
    return FlowerSettings(
        port=flower.port,
        url_prefix=flower.url_prefix,
        folder=flower.database.rpartition("/")[0] or "/data",
        users_file=flower.basic_auth.file,
        users_env=flower.basic_auth.users_env,
    )


def _fleet_settles(evaluation: Fraction, numbers: Numbers) -> Fraction:
    """More workers must last as long as fewer must: a deployment has old and new ones for a while."""
    return max(2 * evaluation, min((threshold.hold for threshold in numbers.thresholds.values()), default=Fraction(0)))


def _match(source: Source, spec: StackSpec) -> str:
    return next((s.match for s in spec.sources if s.name == source.id and s.match), source.match)


def _facts(spec: StackSpec) -> Iterable[Fact]:
    if not spec.celery.events:
        yield "events_off"
    if not spec.celery.sent_events:
        yield "sent_events_off"
    if spec.celery.pool == "solo":
        yield "pool_solo"
    if spec.celery.broker.kind == "redis" and spec.celery.broker.priorities:
        yield "redis_priorities"
    if spec.celery.worker_memory_limit is None:
        yield "no_memory_limit"


def _buckets(numbers: Numbers) -> tuple[Fraction, ...]:
    """Every threshold is a bound, and one bound lies beyond the largest: between bounds a quantile is a guess."""
    limits = {threshold.value for threshold in numbers.thresholds.values() if threshold.value}
    limits |= set(chain.from_iterable(levels.values() for levels in numbers.overrides.values()))
    bounds = {*BUCKET_BOUNDS, *limits}
    if limits and max(limits) >= max(BUCKET_BOUNDS):
        bounds.add(2 * max(limits))
    return tuple(sorted(b for b in bounds if b > 0))


def _too_many_bounds(site: Site, document: Document) -> Iterable[Problem]:
    """Each bound is one more series for every task or queue that the exporter sees."""
    for signal, section, bounds in (
        (DURATION_P95.id, "tasks", site.duration_buckets),
        (QUEUE_WAIT_P95.id, "queues", site.wait_buckets),
    ):
        if len(bounds) > MAX_BOUNDS:
            message = f"{signal} has so many different limits that each histogram would need {len(bounds)} buckets"
            hint = f"let {section} share limits: at most {MAX_BOUNDS} buckets, one for each different limit"
            yield Problem(document.key_mark((section,)), "too-many-limits", section, message, hint)


def _usable(reading: Reading, scraped: Scraped, site: Site) -> str:
    """Why a reading cannot be used; "" when it can."""
    for fact, reason in reading.spoiled_by.items():
        if fact in site.facts:
            return reason
    order = list(scraped.source.versions)
    for metric in reading.uses:
        if metric.since and order.index(scraped.version) < order.index(metric.since):
            return f"version {scraped.version} does not have {metric.name}"
    return ""


def _choose(series: Series, site: Site, scraped: Iterable[Scraped]) -> tuple[Chosen | None, list[str]]:
    reasons = []
    for candidate in scraped:
        for reading in candidate.source.readings:
            if reading.series is series:
                reason = _usable(reading, candidate, site)
                if not reason:
                    return Chosen(candidate.source, reading, series), []
                reasons.append(f"{candidate.source.id}: {reason}")
    return None, reasons


def _why_off(
    candidate: Numbers, spec: StackSpec, site: Site, scraped: tuple[Scraped, ...], chosen: dict[str, Chosen]
) -> DisabledSignal | None:
    """Also fills `chosen` with what the signal needs when it is on."""
    signal = candidate.signal
    written = spec.thresholds.get(signal.id)
    if written is not None and not written.enabled:
        return DisabledSignal(signal, "switched off in stack.yaml", wanted=True)
    if signal.log_count and not logs.judges(spec):
        return DisabledSignal(signal, logs.NO_JUDGE, logs.HINT)
    if reason := signal.applies(site):
        return DisabledSignal(signal, reason)
    if not candidate.thresholds:
        if signal.limits_from and not limits_of(signal, spec):
            return DisabledSignal(signal, f"no {signal.overrides} sets {signal.limits_from}")
        return DisabledSignal(signal, "every severity is switched off", wanted=True)
    found: dict[str, Chosen] = {}
    for series in signal.needs:
        choice, reasons = _choose(series, site, scraped)
        if choice is None:
            return DisabledSignal(
                signal, "; ".join(reasons) or "no listed source measures it", _add_source(series, spec)
            )
        found[series.name] = choice
    if signal.one_source and len({choice.source.id for choice in found.values()}) == 1:
        return DisabledSignal(signal, signal.one_source)
    chosen.update(found)
    return None


def _add_source(series: Series, spec: StackSpec) -> str:
    listed = {s.name for s in spec.sources}
    able = [
        s.id
        for s in registry.sources().values()
        if s.id not in listed
        and s.broker in ("", spec.celery.broker.kind)
        and any(r.series is series for r in s.readings)
    ]
    if able:
        able.sort(key=lambda name: name != "worker")
        return f"add source {' or '.join(able)}"
    return ""


def _named_but_off(off: Iterable[DisabledSignal], spec: StackSpec, document: Document) -> Iterable[Problem]:
    for item in off:
        if item.wanted:
            continue
        for path in _names(item.signal, spec):
            yield Problem(
                document.key_mark(path),
                "signal-without-source",
                ".".join(map(str, path)),
                f"{item.signal.id} cannot be judged on this stack: {item.reason}",
                item.hint,
            )


def _names(signal: Signal, spec: StackSpec) -> Iterable[Trail]:
    if signal.id in spec.thresholds:
        yield ("thresholds", signal.id)
    for section, parts in (("queues", spec.queues), ("tasks", spec.tasks)):
        for name, part in parts.items():
            if signal.id in part.thresholds:
                yield (section, name, "thresholds", signal.id)
    yield from limits_of(signal, spec)


def _choose_rest(site: Site, scraped: tuple[Scraped, ...], chosen: dict[str, Chosen]) -> None:
    """Series that no alert needs but dashboards show are recorded too, where a listed source has them."""
    for name, series in registry.series().items():
        if name not in chosen:
            choice, _ = _choose(series, site, scraped)
            if choice:
                chosen[name] = choice
