"""What a source that is scraped should give and does not, and the alerts that are blind without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from stackgen.catalog import facts, registry
from stackgen.catalog.series import BROKER_BLOCKED, SOURCE_BLIND
from stackgen.catalog.site import Site
from stackgen.catalog.source import Metric, Reading, RecordingRule, Source, base_labels
from stackgen.catalog.timeline import Gauge, Input, Segment
from stackgen.catalog.witness import Witness


@dataclass(frozen=True)
class Expected:
    """One thing that a source gives while it is up."""

    source: Source
    metrics: tuple[Metric, ...]
    what: str
    native: bool = False
    """Whether it is a histogram that Prometheus may have made native: it is then there under its bare name."""
    heard_by: Witness | None = None
    """The witness that denies alone when it is not there: then no metric tells by itself."""

    @property
    def missing(self) -> str:
        """Value of the label `missing`."""
        return f"{self.what} of {self.source.id}"

    @property
    def selected(self) -> str:
        """What is looked for."""
        return f"{self.metrics[0].name}_bucket" if self.native else self.metrics[0].name


@lru_cache(maxsize=2)
def expected(site: Site) -> tuple[Expected, ...]:
    """All that this stack reads and should always find."""
    scraped = (source for source in registry.sources().values() if source.id in site.targets)
    return tuple(one for source in scraped for one in _of(source, site) if signals(one, site))


def _of(source: Source, site: Site) -> Iterator[Expected]:
    yield from (Expected(source, (metric,), metric.name) for metric in source.metrics if metric.always)
    histograms = tuple(metric for metric in source.metrics if metric.type == "histogram")
    if histograms:
        yield Expected(source, histograms, f"{histograms[0].name}_bucket", native=True)
    mortal = tuple(metric for metric in source.metrics if metric.lifetime)
    for witness in facts.deniers(facts.WORKERS, site):
        if witness.source == source.id and not witness.look:
            yield Expected(source, mortal, "events", heard_by=witness)


def signals(one: Expected, site: Site) -> tuple[str, ...]:
    """Names of the alerts that read it on this stack."""
    names = {metric.name for metric in one.metrics}
    read = {
        reading.series.name
        for reading in one.source.readings
        if one.source.id in site.read.get(reading.series.name, ()) and names & {metric.name for metric in reading.uses}
    }
    judged = (signal for name, signal in registry.signals().items() if name in site.judged)
    return tuple(dict.fromkeys(s.alert for s in judged if read & {series.name for series in s.needs}))


def hints(site: Site) -> Mapping[str, str]:
    """The blind alerts, by what is missing."""
    return {one.missing: f"Blind meanwhile: {', '.join(signals(one, site))}." for one in expected(site)}


def _rule(one: Expected, site: Site) -> str:
    """1 while it is missing, else nothing."""
    job = f'job="{one.source.job}"'
    there = f"unless on () count(last_over_time({one.selected}{{{job}}}[{site.bridge}]))"
    if one.heard_by:
        blocked = f" unless on () {BROKER_BLOCKED.name} == 1" if "rabbitmq" in site.targets else ""
        return f"max({facts.denies(facts.WORKERS, one.heard_by.name)}) + 1{blocked}"
    if one.native:
        return f"clamp_max(count(last_over_time({one.metrics[0].name}{{{job}}}[{site.bridge}])), 1) {there}"
    return f"max(max_over_time(up{{{job}}}[{site.bridge}])) == 1 {there}"


def _rules(site: Site) -> tuple[RecordingRule, ...]:
    return tuple(RecordingRule(_rule(one, site), {"missing": one.missing}) for one in expected(site))


def _feed(site: Site, labels: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
    """An amount of 1 is that it is missing; everything else of its source is there."""
    this = next(one for one in expected(site) if one.missing == labels["missing"])
    there = tuple(s._replace(amount=1, slope=Fraction(0)) for s in segments)
    inverted = tuple(s._replace(amount=None if s.amount == 1 else 1, slope=Fraction(0)) for s in segments)
    target = base_labels(this.source.job, site)
    made: list[Input] = [Gauge("up", target, there)]
    for one in expected(site):
        if one.source.id != this.source.id:
            continue
        if one.heard_by is None:
            made += [Gauge(one.metrics[0].name, target, there)] if one.native else []
            made.append(Gauge(one.selected, target, inverted if one == this else there))
        else:
            denied = tuple(s._replace(amount=0 if s.amount == 1 and one == this else 1) for s in segments)
            made += one.heard_by.feed(site, {}, denied, step)
            others = (w for w in facts.heard(facts.WORKERS, site) if w is not one.heard_by and one == this)
            made += [fed for other in others for fed in other.feed(site, {}, there, step)]
    return made


READING = Reading(series=SOURCE_BLIND, uses=(), rules=_rules, stimulus=_feed)
