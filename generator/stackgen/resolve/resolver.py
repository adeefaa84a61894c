"""Spec and catalogue to Plan; what stack.yaml asks for and no listed source can give is an error at its line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stackgen.catalog import registry
from stackgen.catalog.signal import Signal
from stackgen.catalog.signals.queues import QUEUE_WAIT_P95
from stackgen.catalog.signals.tasks import DURATION_P95
from stackgen.catalog.site import Site
from stackgen.document import Document, Trail
from stackgen.problem import Problem, SpecError
from stackgen.resolve import cloudwatch, kubernetes, logs
from stackgen.resolve.alerts import alerts, with_silencers
from stackgen.resolve.choose import add_source, choose_rest, missing
from stackgen.resolve.numbers import Numbers, limits_of, numbers
from stackgen.resolve.plan import Chosen, DisabledSignal, Plan, Scraped
from stackgen.resolve.site import MAX_BOUNDS, scrape_jobs, site_of
from stackgen.spec.model import StackSpec


def resolve(spec: StackSpec, document: Document) -> Plan:
    """The plan for one stack; raises SpecError when stack.yaml names a signal that no listed source can feed."""
    spec = kubernetes.namespaced(spec)
    candidates = {signal.id: numbers(signal, spec) for signal in registry.signals().values()}
    listed = scrape_jobs(spec)
    scraped = tuple(one for one in listed if not one.off and not one.shared)
    site = site_of(spec, scraped, candidates)
    active, off = [], []
    chosen: dict[str, Chosen] = {}
    for candidate in candidates.values():
        why = _why_off(candidate, spec, site, listed, chosen)
        if why:
            off.append(why)
        else:
            active.append(candidate)
    problems = [*_named_but_off(off, spec, document), *_too_many_bounds(site, document)]
    if problems:
        raise SpecError(problems)
    choose_rest(site, listed, chosen)
    read = {name: tuple(one.id for one in choice.sources) for name, choice in chosen.items()}
    site = replace(site, read=read, judged=tuple(numbers.signal.id for numbers in active))
    # What is recorded and judged of the sources themselves depends on what else is read and judged.
    choose_rest(site, listed, chosen)
    used = {name: chosen[name] for name in registry.series() if name in chosen}
    late = {one.signal.id: DisabledSignal(one.signal, reason) for one in active if (reason := one.signal.applies(site))}
    active = [one for one in active if one.signal.id not in late]
    off += late.values()
    plan = Plan(
        spec=spec,
        site=replace(site, judged=tuple(numbers.signal.id for numbers in active)),
        alerts=(),
        off=tuple(off),
        chosen=used,
        scraped=scraped,
        left_out=tuple(one for one in listed if one.off),
    )
    plan = replace(plan, alerts=alerts(active, plan, document))
    if impossible := [*cloudwatch.problems(plan, document), *kubernetes.problems(plan, document)]:
        raise SpecError(impossible)
    return replace(plan, alerts=with_silencers(plan))


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


def _why_off(
    candidate: Numbers, spec: StackSpec, site: Site, listed: tuple[Scraped, ...], chosen: dict[str, Chosen]
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
    found, lacking, reason = missing(signal, site, listed)
    if lacking:
        return DisabledSignal(signal, reason or "no listed source measures it", add_source(lacking, spec, site))
    if signal.one_source and len({choice.source.id for choice in found.values()}) == 1:
        return DisabledSignal(signal, signal.one_source)
    chosen.update(found)
    return None


def _named_but_off(off: Iterable[DisabledSignal], spec: StackSpec, document: Document) -> Iterable[Problem]:
    for item in off:
        if item.wanted:
            continue
        for path in _names(item.signal, spec):
            yield Problem(
                document.key_mark(path),
                "signal-without-source",
                ".".join(map(str, path)),
                f"{item.signal.id} cannot be judged on this stack: {item.reason}{document.beside(path, ('sources',))}",
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
