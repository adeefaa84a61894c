"""Which listed source's word counts for a canonical series, and why others' does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from stackgen.catalog import facts, promql, registry
from stackgen.catalog.series import Series
from stackgen.catalog.signal import Signal
from stackgen.catalog.site import Site
from stackgen.catalog.source import Reading
from stackgen.document import Document, Trail, where
from stackgen.problem import Problem
from stackgen.resolve.plan import Chosen, Plan, Scraped
from stackgen.spec.model import StackSpec


def choose(series: Series, site: Site, listed: Iterable[Scraped]) -> tuple[Chosen | None, list[str]]:
    """The source that can measure it and misses least; the length of queues all that can, for each may be wrong.

    Without any: None, and why each that has it is of no use.
    """
    reasons, found = [], list[Chosen]()
    for candidate in listed:
        reading = next((r for r in candidate.source.readings if r.series is series), None)
        if reading is None:
            continue
        if reason := _unusable(reading, candidate, site):
            reasons.append(f"{candidate.source.id}: {reason}")
            continue
        found.append(Chosen(candidate.source, reading, series, too_small=_too_small(reading, site)))
    if not found:
        return None, reasons
    return (_joined if series is facts.LENGTH.judged else best)(found), []


def choose_rest(site: Site, listed: Iterable[Scraped], chosen: dict[str, Chosen]) -> None:
    """Series that no alert needs but dashboards show are recorded too, where a listed source has them."""
    for name, series in registry.series().items():
        if name not in chosen:
            choice, _ = choose(series, site, listed)
            if choice and choice.reading.rules(site):
                chosen[name] = choice


def add_source(series: Series, spec: StackSpec, site: Site) -> str:
    """A hint that names the sources which would measure it; "" when none does."""
    listed = {s.name for s in spec.sources}
    able = [
        s.id
        for s in registry.sources().values()
        if s.id not in listed
        and not s.always
        and s.broker in ("", spec.celery.broker.kind)
        and not s.off(site.facts)
        and any(r.series is series for r in s.readings)
    ]
    able.sort(key=lambda name: name != "worker")
    return f"add source {' or '.join(able)}" if able else ""


def missing(signal: Signal, site: Site, listed: Iterable[Scraped]) -> tuple[dict[str, Chosen], Series | None, str]:
    """What the signal needs, by name; the first series that nobody measures, and why."""
    found: dict[str, Chosen] = {}
    for series in signal.needs:
        choice, reasons = choose(series, site, listed)
        if choice is None:
            return found, series, "; ".join(reasons)
        found[series.name] = choice
    return found, None, ""


def notices(plan: Plan, document: Document) -> Iterator[Problem]:
    """Listed sources that are left out, numbers that may be too small, and queues that may be another team's."""
    written = [source.name for source in plan.spec.sources]
    for one in plan.left_out:
        path: Trail = ("sources", written.index(one.source.id))
        message = f"{one.source.id} is neither started nor scraped: {one.off}"
        hint = "give the targets of one that somebody else runs, or remove it"
        yield Problem(document.key_mark(document.walk(path)[0]), "source-off", where(path), message, hint, "notice")
    path = ("celery", "broker")
    for name, chosen in plan.chosen.items():
        if chosen.too_small:
            others = add_source(chosen.series, plan.spec, plan.site)
            hint = f"say what is missing there, or {others}" if others else "say what is missing there"
            message = f"{name} may be too small: {chosen.too_small}"
            yield Problem(document.key_mark(path), "lower-bound", where(path), message, hint, "notice")
    if plan.site.corner.vhost is None and any(one.source.vhost_param for one in plan.scraped):
        message = "queues of every virtual host are judged: celery.broker.vhost names none"
        hint = "name the one at the end of the broker's address; / when there is nothing"
        yield Problem(document.key_mark(path), "every-vhost", where(path), message, hint, "notice")


def _unusable(reading: Reading, scraped: Scraped, site: Site) -> str:
    if scraped.off:
        return scraped.off
    for fact, reason in reading.spoiled_by.items():
        if fact in site.facts:
            return reason
    order = list(scraped.source.versions)
    for metric in reading.uses:
        if metric.since and order.index(scraped.version) < order.index(metric.since):
            return f"version {scraped.version} does not have {metric.name}"
    return ""


def _too_small(reading: Reading, site: Site) -> str:
    return next((reason for fact, reason in reading.at_least.items() if fact in site.facts), "")


def best(found: Sequence[Chosen]) -> Chosen:
    """What misses least, then what is freshest; of equals the one that is listed first."""
    first, *others = sorted(found, key=lambda one: (len(one.reading.misses), one.reading.late))
    return replace(first, passed=tuple((one.source, _why_not(one.reading, first.reading)) for one in others))


def _why_not(reading: Reading, chosen: Reading) -> str:
    if len(reading.misses) > len(chosen.misses):
        more = [one for one in reading.misses if one not in chosen.misses]
        return f"it does not see {' or '.join(more)}"
    if reading.late > chosen.late:
        return f"it tells {promql.seconds(reading.late - chosen.late)} later"
    return "it is as good, and listed later"


def _joined(found: Sequence[Chosen]) -> Chosen:
    """One reading of what all of these say."""
    first, *others = found
    if not others:
        return first
    sure = not all(one.too_small for one in found)
    return replace(
        first,
        reading=facts.together([one.reading for one in found]),
        others=tuple(one.source for one in others),
        too_small="" if sure else "; ".join(f"{one.source.id}: {one.too_small}" for one in found),
    )
