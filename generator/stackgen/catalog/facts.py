"""Facts that several sources can tell: they are denied only where no witness that is heard says yes.

A source names its witnesses. What each says is recorded, one series a fact; all that is judged is computed from those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from stackgen.catalog import promql, registry
from stackgen.catalog.series import BROKER_UP, QUEUE_LENGTH, QUEUE_WORKERS, TASKS_STARTED, WORKERS_ACTIVE, Series
from stackgen.catalog.series_evidence import (
    BROKER_WITNESS,
    CONSUMERS_WITNESS,
    LENGTH_TOLD,
    LENGTH_WITNESS,
    STARTING,
    STARTS_WITNESS,
    WORKERS_WITNESS,
)
from stackgen.catalog.site import Fact as SiteFact
from stackgen.catalog.site import Site
from stackgen.catalog.source import Metric, Reading, RecordingRule, Source, Stimulus
from stackgen.catalog.timeline import Input, Segment, steady
from stackgen.catalog.witness import FactName, Witness

NO_ANSWER = "remote control, which workers do not answer: a busy main process, a slow broker, or it is switched off"
"""What to look at when who asks the workers hears nothing, and they work."""

BUSY = ("workers that are too busy to answer at once",)
"""What who asks the workers never sees."""


@dataclass(frozen=True)
class Fact:
    """One fact."""

    name: FactName
    series: Series
    """What its witnesses say."""
    judged: Series
    """What is computed from that, and 0 where all deny."""
    title: str
    either: bool = False
    """Whether a yes may be what is wrong: then contradicted words are no evidence, and the fewer are suspected."""

    @property
    def by(self) -> tuple[str, ...]:
        """The labels of what it is a fact of."""
        return tuple(label for label in self.series.labels if label != "witness")


BROKER = Fact("broker", BROKER_WITNESS, BROKER_UP, "the broker answers")
WORKERS = Fact("workers", WORKERS_WITNESS, WORKERS_ACTIVE, "workers are alive")
CONSUMERS = Fact("consumers", CONSUMERS_WITNESS, QUEUE_WORKERS, "the queue has consumers")
LENGTH = Fact("length", LENGTH_WITNESS, QUEUE_LENGTH, "tasks wait in the queue", either=True)
STARTS = Fact("starts", STARTS_WITNESS, STARTING, "workers begin tasks")
FACTS = {fact.name: fact for fact in (BROKER, WORKERS, CONSUMERS, LENGTH, STARTS)}


def of(series: Series) -> Fact | None:
    """The fact that a canonical series says."""
    return next((fact for fact in FACTS.values() if fact.judged is series), None)


@lru_cache(maxsize=16)
def heard(fact: Fact, site: Site) -> tuple[Witness, ...]:
    """The witnesses that this stack has; one that can only say too little never denies."""
    if fact.name == "length":
        able = (s for s in registry.sources().values() if any(one.series is QUEUE_LENGTH for one in s.readings))
        found = [_tells_length(source) for source in able]
    else:
        found = [w for w in registry.witnesses().values() if w.fact == fact.name]
    spoken = (w for w in found if w.source in site.targets and w.says(site))
    return tuple(replace(w, no="", look="") if site.facts & w.at_least.keys() else w for w in spoken)


def deniers(fact: Fact, site: Site) -> tuple[Witness, ...]:
    """Those that may say no while another says yes."""
    witnesses = heard(fact, site)
    return tuple(w for w in witnesses if w.no) if len(witnesses) > 1 else ()


def suspects(fact: Fact, site: Site) -> tuple[Witness, ...]:
    """Of these, those that are looked at themselves; of the others CeleryExporterBlind tells what is missing.

    Of three that can say yes wrongly, also who says it alone.
    """
    found = deniers(fact, site)
    everyone = heard(fact, site)
    if found and fact.either and len(everyone) > 2:
        return everyone
    return tuple(w for w in found if w.look)


def verdict(fact: Fact) -> str:
    """1 where any witness says yes, 0 where all that are heard say no."""
    return f"max by ({', '.join(fact.by)}) ({fact.series.name})" if fact.by else f"max({fact.series.name})"


Words = Mapping[str, int | None]
"""What each witness says: 1 is yes, 0 is no, None is silence."""


def decided(words: Words) -> int | None:
    """The fact itself: denied where nobody affirms it, unknown where nobody says anything."""
    return max((word for word in words.values() if word is not None), default=None)


def alone(fact: Fact, words: Words) -> tuple[str, ...]:
    """Who is contradicted: those that deny what another affirms; where either may be wrong, the fewer."""
    no, yes = (tuple(name for name, word in words.items() if word == said) for said in (0, 1))
    if not no or not yes:
        return ()
    return yes if fact.either and len(no) > len(yes) else no


def denies(fact: Fact, *names: str) -> str:
    """0 for each of these witnesses, or of all, that says no while another says yes."""
    denied = promql.select(fact.series.name, promql.one_of("witness", names))
    return f"{denied} == 0 and on ({', '.join(fact.by)}) {fact.series.name} == 1"


def contradicted(fact: Fact, site: Site) -> str:
    """0 for each suspect that says no while another says yes; where either may be wrong, for the fewer."""
    series, on = fact.series.name, f"on ({', '.join(fact.by)})"
    if not fact.either or len(heard(fact, site)) < 3:
        return denies(fact, *(witness.name for witness in suspects(fact, site)))
    no, yes = (f"count by ({', '.join(fact.by)}) ({series} == {word})" for word in (0, 1))
    return f"{series} == 0 and {on} {yes} >= {on} {no} or ({series} == 1 and {on} {no} > {on} {yes}) - 1"


def starts_by_queue(site: Site) -> bool:
    """Whether a listed source says of which queue a task was that began: then each queue is judged by itself."""
    listed = (registry.sources()[name] for name in site.targets)
    able = (one for source in listed for one in source.readings if one.series is TASKS_STARTED)
    return any(not site.facts & one.spoiled_by.keys() for one in able)


def lately(site: Site) -> str:
    """The range in which a flow is seen: four scrapes."""
    return promql.seconds(max(4 * site.scrape, Fraction(120)))


def unless_doubted(witness: str, site: Site) -> str:
    """Appended to what a witness of workers lets one say: nothing while it hears no worker at all, and others do."""
    if witness not in (w.name for w in deniers(WORKERS, site)):
        return ""
    return f" unless on () ({denies(WORKERS, witness)})"


def unless_solo(word: str, site: Site) -> str:
    """The word of who asks workers: a busy one of the solo pool does not answer, so there only a yes counts."""
    return f"({word}) == 1" if "pool_solo" in site.facts else word


def judged(fact: Fact, count: Callable[[Site], str] | None = None) -> Callable[[Site], tuple[RecordingRule, ...]]:
    """The rule of a series that says the fact itself; with a count, how many there are, and 0 where there are none."""
    on = f" on ({', '.join(fact.by)})" if fact.by else ""

    def rules(site: Site) -> tuple[RecordingRule, ...]:
        if not heard(fact, site):
            return ()
        if count is None:
            return (RecordingRule(verdict(fact)),)
        return (RecordingRule(f"{count(site)} > 0 or{on} {verdict(fact)} == 0"),)

    return rules


def starting(metric: Metric, spoiled_by: Mapping[SiteFact, str]) -> Reading:
    """Whether workers begin tasks, of a source that counts with this metric those that they begin."""
    return Reading(
        series=STARTING,
        uses=(metric,),
        rules=judged(STARTS),
        stimulus=agreed(STARTS),
        spoiled_by=spoiled_by,
        survives=True,
    )


def together(readings: Sequence[Reading]) -> Reading:
    """The length of a queue that all of these can tell: the largest, and none while they contradict each other."""
    told, by = LENGTH_TOLD.name, ", ".join(LENGTH.by)

    def rules(site: Site) -> tuple[RecordingRule, ...]:
        doubted = f" unless on ({by}) ({denies(LENGTH)})" if deniers(LENGTH, site) else ""
        return (RecordingRule(f"max by ({by}) ({told}){doubted}"),)

    def feed(site: Site, labels: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
        """Who can only say too little says 0, as one does that looks at the wrong place; the others the value."""
        exact = [one for one in readings if not site.facts & one.at_least.keys()] or readings[:1]
        nothing = steady(segments, 0)
        said = ((one.stimulus, segments if one in exact else nothing) for one in readings)
        return [fed for stimulus, amounts in said for fed in stimulus(site, labels, amounts, step)]

    return Reading(
        series=QUEUE_LENGTH,
        uses=tuple(metric for one in readings for metric in one.uses),
        rules=rules,
        stimulus=feed,
        survives=all(one.survives for one in readings),
        caveat=" ".join(one.caveat for one in readings if one.caveat),
    )


def told_lengths() -> Reading:
    """What each of several witnesses tells of the length of queues."""

    def rules(site: Site) -> tuple[RecordingRule, ...]:
        witnesses = heard(LENGTH, site)
        told = ((w, rule) for w in witnesses for rule in _length_of(w.source).rules(site)) if len(witnesses) > 1 else ()
        return tuple(RecordingRule(rule.expr, {"witness": w.name}) for w, rule in told)

    def feed(site: Site, labels: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
        (witness,) = (w for w in heard(LENGTH, site) if w.name == labels["witness"])
        return witness.feed(site, labels, segments, step)

    return Reading(series=LENGTH_TOLD, uses=(), rules=rules, stimulus=feed)


def _length_of(source: str) -> Reading:
    return next(one for one in registry.sources()[source].readings if one.series is QUEUE_LENGTH)


def _tells_length(source: Source) -> Witness:
    """Who says at every scrape of some minutes that tasks wait affirms it, who never does denies it."""
    reading = _length_of(source.id)

    def says(site: Site) -> str:
        told = f"{promql.select(LENGTH_TOLD.name, *promql.exactly({'witness': source.host}))}[{lately(site)}]"
        always = f"clamp_max(min_over_time({told}), 1) > 0"
        return always if site.facts & reading.at_least.keys() else f"{always} or max_over_time({told}) == 0"

    return Witness(
        fact="length",
        name=source.host,
        source=source.id,
        says=says,
        feed=reading.stimulus,
        yes="tasks waited at each of its scrapes",
        no="none waited at any of its scrapes, or it looks into another place",
        silence="it does not tell the queue's length, or tasks wait now and then",
        late="four scrapes",
        look=f"where {source.host} counts: the broker's address that it has, database or vhost, prefix of the keys",
        at_least=reading.at_least,
    )


def testimony(fact: Fact) -> Reading:
    """How the words of a fact's witnesses are recorded."""

    def rules(site: Site) -> tuple[RecordingRule, ...]:
        witnesses = heard(fact, site)
        if fact.either and len(witnesses) < 2:
            return ()
        return tuple(RecordingRule(w.says(site), {"witness": w.name}) for w in witnesses)

    def feed(site: Site, labels: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
        return [
            one
            for w in heard(fact, site)
            if w.name == labels["witness"]
            for one in w.feed(site, labels, segments, step)
        ]

    return Reading(series=fact.series, uses=(), rules=rules, stimulus=feed)


def agreed(fact: Fact, own: Stimulus | None = None) -> Stimulus:
    """What makes every witness say the same; `own` is what feeds a count."""

    def feed(site: Site, labels: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
        made = own(site, labels, segments, step) if own else []
        return made + [one for w in heard(fact, site) for one in w.feed(site, labels, segments, step)]

    return feed
