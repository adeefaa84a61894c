"""What a source that is scraped should give and does not, and the alerts that are blind without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from stackgen.catalog import facts, promql, registry
from stackgen.catalog.counting import shrinks
from stackgen.catalog.series import BROKER_BLOCKED, BROKER_UP, QUEUE_LENGTH, SOURCE_BLIND, WINDOW, Series
from stackgen.catalog.series_doing import EVENTS_UNHEARD
from stackgen.catalog.series_evidence import LENGTH_TOLD
from stackgen.catalog.site import Site
from stackgen.catalog.source import Metric, Reading, RecordingRule, Source, base_labels
from stackgen.catalog.timeline import Gauge, Input, Segment
from stackgen.catalog.witness import Witness

_CHUNK = 50
"""Queues that one rule looks for."""
_WINDOW = promql.seconds(WINDOW)


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
    moved: str = ""
    """What has a result while there must be some of it; "" where it is always there."""

    @property
    def missing(self) -> str:
        """Value of the label `missing`."""
        return f"{self.what} of {self.source.id}"

    @property
    def selected(self) -> str:
        """What is looked for."""
        return f"{self.metrics[0].name}_bucket" if self.native else self.metrics[0].name

    @property
    def labels(self) -> dict[str, str]:
        """Those that it is looked for with: of all buckets the one that every histogram has."""
        return {"le": "+Inf"} if self.native else {}


@lru_cache(maxsize=2)
def expected(site: Site) -> tuple[Expected, ...]:
    """All that this stack reads of one source alone and should always find."""
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
    # Who sends a task is no worker.
    events = tuple(metric for metric in mortal if metric.type == "counter" and "_sent_" not in metric.name)
    moved = _moved(source, site)
    if source.taken and moved and "events_off" not in site.facts:
        yield Expected(source, events, "task events", moved=moved)


def _moved(source: Source, site: Site) -> str:
    """What tells that workers take tasks, by others than this source."""
    begun = (w.says(site) for w in facts.heard(facts.BROKER, site) if w.name == "tasks" and w.source != source.id)
    lengths = _lengths(site)
    # A purge makes a queue shorter once, and the alert waits for longer than the window.
    falls = f"count({shrinks(lengths)})" if _read(site) else ""
    return " or ".join(filter(None, (*begun, falls, *_more(site))))


def _more(site: Site) -> Iterator[str]:
    """A worker that works on more tasks than before began some; its heartbeat says so, with task events or without."""
    for source in registry.sources().values():
        if source.id in site.targets and source.working:
            worked = f'{source.working}{{job="{source.job}"}}[{_WINDOW}]'
            yield f"count(changes({worked}) > resets({worked}))"


def _seen(source: Source, site: Site) -> tuple[str, ...]:
    """What tells that its events arrive, or that it is known already that none do."""
    job = f'job="{source.job}"'
    counters = (promql.select(name, job, matcher) for name, matcher in source.taken)
    seen = (f"count({one} unless {one} offset {_WINDOW} >= {one})" for one in counters)
    deaf = [w.name for w in facts.deniers(facts.WORKERS, site) if w.source == source.id and not w.look]
    known = promql.select(facts.WORKERS.series.name, promql.one_of("witness", deaf))
    return (*seen, *([f"{known} == 0"] if deaf else []))


def _unheard(site: Site) -> tuple[RecordingRule, ...]:
    return tuple(
        RecordingRule(_unheard_of(one, site), {"source": one.source.id}) for one in expected(site) if one.moved
    )


def _unheard_of(one: Expected, site: Site) -> str:
    seen = " or ".join(_seen(one.source, site))
    return f"clamp_max({one.moved}, 1) and on () {_up(one.source, site)} unless on () ({seen})"


def unless_unheard(series: Series, site: Site, lately: str) -> str:
    """Appended to what lets one say that nothing happens: nothing while only a source tells it that hears no event."""
    deaf = [one.source.id for one in expected(site) if one.moved and site.read.get(series.name) == (one.source.id,)]
    told = promql.select(EVENTS_UNHEARD.name, promql.one_of("source", deaf))
    return f" unless on () max_over_time({told}[{lately}])" if deaf else ""


def signals(one: Expected, site: Site) -> tuple[str, ...]:
    """Names of the alerts that are blind without it on this stack: nobody else tells what they read."""
    names = {metric.name for metric in one.metrics}
    read = {
        reading.series.name
        for reading in one.source.readings
        if site.read.get(reading.series.name, ()) == (one.source.id,) and names & {m.name for m in reading.uses}
    }
    return _reading(read, site)


def _reading(series: set[str], site: Site) -> tuple[str, ...]:
    judged = (signal for name, signal in registry.signals().items() if name in site.judged)
    return tuple(dict.fromkeys(s.alert for s in judged if series & {one.name for one in s.needs}))


def _read(site: Site) -> tuple[str, ...]:
    """The sources that tell the length of queues."""
    return site.read.get(QUEUE_LENGTH.name, ())


def _lengths(site: Site, *matchers: str) -> str:
    """Every length that anybody tells, also where they contradict each other."""
    return promql.select((LENGTH_TOLD if len(_read(site)) > 1 else QUEUE_LENGTH).name, *matchers)


def _length_of(what: str, site: Site) -> str:
    return f"length of {what} of {' and '.join(_read(site))}"


def _told_by_queue(site: Site) -> tuple[str, ...]:
    """The declared queues, each of which is missed while another one has a length."""
    return site.queues if _read(site) and len(site.queues) > 1 and _reading({QUEUE_LENGTH.name}, site) else ()


def names(site: Site) -> tuple[str, ...]:
    """Everything that may be missing."""
    every = (_length_of("any queue", site),) if len(_read(site)) > 1 else ()
    queues = (_length_of(f"queue {name}", site) for name in _told_by_queue(site))
    return (*(one.missing for one in expected(site)), *every, *queues)


def hints(site: Site) -> Mapping[str, str]:
    """The blind alerts, by what is missing; "" is the length of queues."""
    found = {one.missing: f"Blind meanwhile: {', '.join(signals(one, site))}." for one in expected(site)}
    blind = _reading({QUEUE_LENGTH.name}, site) if _told_by_queue(site) or len(_read(site)) > 1 else ()
    return found | ({"": f"Blind meanwhile for what has no length: {', '.join(blind)}."} if blind else {})


def blinded(missing: str, site: Site) -> tuple[str, ...]:
    """The alerts that are blind without it."""
    return next((signals(one, site) for one in expected(site) if one.missing == missing), None) or _reading(
        {QUEUE_LENGTH.name}, site
    )


def _up(source: Source, site: Site) -> str:
    return f'max(max_over_time(up{{job="{source.job}"}}[{site.bridge}])) == 1'


def _rule(one: Expected, site: Site) -> str:
    """1 while it is missing, else nothing."""
    job = f'job="{one.source.job}"'
    looked = promql.select(one.selected, job, *promql.exactly(one.labels))
    there = f"unless on () count(last_over_time({looked}[{site.bridge}]))"
    if one.heard_by:
        blocked = f" unless on () {BROKER_BLOCKED.name} == 1" if "rabbitmq" in site.targets else ""
        return f"max({facts.denies(facts.WORKERS, one.heard_by.name)}) + 1{blocked}"
    if one.moved:
        return f"max({promql.select(EVENTS_UNHEARD.name, *promql.exactly({'source': one.source.id}))})"
    if one.native:
        return f"clamp_max(count(last_over_time({one.metrics[0].name}{{{job}}}[{site.bridge}])), 1) {there}"
    return f"{_up(one.source, site)} {there}"


def _of_queues(site: Site) -> Iterator[RecordingRule]:
    """Of several sources no length at all; of any a queue without length while another has one."""
    if len(_read(site)) > 1:
        up = " or ".join(_up(registry.sources()[name], site) for name in _read(site))
        missing = {"missing": _length_of("any queue", site)}
        down = f" unless on () {BROKER_UP.name} == 0" if BROKER_UP.name in site.read else ""
        yield RecordingRule(f"({up}) unless on () count({_lengths(site)}){down}", missing)
    queues = _told_by_queue(site)
    size = -(-len(queues) // -(-len(queues) // _CHUNK)) if queues else 1
    for some in (queues[start : start + size] for start in range(0, len(queues), size)):
        others = f"count({_lengths(site, promql.one_of('queue', some))})"
        yield RecordingRule(f"max by (missing) ({_without(some, site)}) and on () {others}")


def _without(queues: tuple[str, ...], site: Site) -> str:
    """1 for each of these queues whose length nobody tells, labelled with that."""
    declared = " or ".join(f'label_replace(vector(1), "queue", {_replacement(name)}, "", "")' for name in queues)
    missing = promql.text(_length_of("queue $1", site))
    return f'label_replace(({declared}) unless on (queue) {_lengths(site)}, "missing", {missing}, "queue", "(?s)(.*)")'


def _replacement(name: str) -> str:
    """The name as what label_replace puts in, where `$` begins a group."""
    return promql.text(name.replace("$", "$$"))


def _rules(site: Site) -> tuple[RecordingRule, ...]:
    found = tuple(RecordingRule(_rule(one, site), {"missing": one.missing}) for one in expected(site))
    return (*found, *_of_queues(site))


def _feed(site: Site, labels: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
    """An amount of 1 is that it is missing; everything else of its source is there."""
    this = labels["missing"]
    there = tuple(s._replace(amount=1, slope=Fraction(0)) for s in segments)
    inverted = tuple(s._replace(amount=None if s.amount == 1 else 1, slope=Fraction(0)) for s in segments)
    made: list[Input] = []
    for one in expected(site):
        target, is_this = base_labels(one.source.job, site), one.missing == this
        if one.heard_by:
            denied = tuple(s._replace(amount=0 if s.amount == 1 and is_this else 1) for s in segments)
            made += one.heard_by.feed(site, {}, denied, step)
            others = (w for w in facts.heard(facts.WORKERS, site) if w.name != one.heard_by.name and is_this)
            made += [fed for other in others for fed in other.feed(site, {}, there, step)]
        elif not one.moved:
            made += [Gauge("up", target, there)]
            made += [Gauge(one.metrics[0].name, target, there)] if one.native else []
            made.append(Gauge(one.selected, {**target, **one.labels}, inverted if is_this else there))
    for name in _read(site)[:1]:
        source = registry.sources()[name]
        reading = next(reading for reading in source.readings if reading.series is QUEUE_LENGTH)
        every = {_length_of("any queue", site), *(f"{metric.name} of {name}" for metric in reading.uses)}
        for queue in site.queues:
            gone = this in every or this == _length_of(f"queue {queue}", site)
            made += reading.stimulus(site, {"queue": queue}, inverted if gone else there, step)
    return made


READING = Reading(
    series=SOURCE_BLIND, uses=(), rules=_rules, stimulus=_feed, reads=(facts.WORKERS.series, QUEUE_LENGTH)
)
UNHEARD = Reading(series=EVENTS_UNHEARD, uses=(), rules=_unheard, stimulus=lambda *_: [])
