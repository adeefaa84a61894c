"""Facts that several sources can tell: they are denied only where no witness that is heard says yes.

A source names its witnesses. What each says is recorded, one series a fact; all that is judged is computed from those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from stackgen.catalog import promql, registry
from stackgen.catalog.series import (
    BROKER_UP,
    BROKER_WITNESS,
    CONSUMERS_WITNESS,
    QUEUE_WORKERS,
    WORKERS_ACTIVE,
    WORKERS_WITNESS,
    Series,
)
from stackgen.catalog.site import Site
from stackgen.catalog.source import Reading, RecordingRule, Stimulus
from stackgen.catalog.timeline import Input, Segment
from stackgen.catalog.witness import FactName, Witness

NO_ANSWER = "remote control, which workers do not answer: a busy main process, a slow broker, or it is switched off"
"""What to look at when who asks the workers hears nothing, and they work."""


@dataclass(frozen=True)
class Fact:
    """One fact."""

    name: FactName
    series: Series
    """What its witnesses say."""
    judged: Series
    """What is computed from that, and 0 where all deny."""
    title: str

    @property
    def by(self) -> tuple[str, ...]:
        """The labels of what it is a fact of."""
        return tuple(label for label in self.series.labels if label != "witness")


BROKER = Fact("broker", BROKER_WITNESS, BROKER_UP, "the broker answers")
WORKERS = Fact("workers", WORKERS_WITNESS, WORKERS_ACTIVE, "workers are alive")
CONSUMERS = Fact("consumers", CONSUMERS_WITNESS, QUEUE_WORKERS, "the queue has consumers")
FACTS = {fact.name: fact for fact in (BROKER, WORKERS, CONSUMERS)}


def of(series: Series) -> Fact | None:
    """The fact that a canonical series says."""
    return next((fact for fact in FACTS.values() if fact.judged is series), None)


@lru_cache(maxsize=16)
def heard(fact: Fact, site: Site) -> tuple[Witness, ...]:
    """The witnesses that this stack has."""
    found = (w for w in registry.witnesses().values() if w.fact == fact.name and w.source in site.targets)
    return tuple(w for w in found if w.says(site))


def deniers(fact: Fact, site: Site) -> tuple[Witness, ...]:
    """Those that may say no while another says yes."""
    witnesses = heard(fact, site)
    return tuple(w for w in witnesses if w.no) if len(witnesses) > 1 else ()


def suspects(fact: Fact, site: Site) -> tuple[Witness, ...]:
    """Of these, those that are looked at themselves; of the others CeleryExporterBlind tells what is missing."""
    return tuple(w for w in deniers(fact, site) if w.look)


def verdict(fact: Fact) -> str:
    """1 where any witness says yes, 0 where all that are heard say no."""
    return f"max by ({', '.join(fact.by)}) ({fact.series.name})" if fact.by else f"max({fact.series.name})"


Words = Mapping[str, int | None]
"""What each witness says: 1 is yes, 0 is no, None is silence."""


def decided(words: Words) -> int | None:
    """The fact itself: denied where nobody affirms it, unknown where nobody says anything."""
    return max((word for word in words.values() if word is not None), default=None)


def alone(words: Words) -> tuple[str, ...]:
    """The witnesses that deny what another affirms."""
    return tuple(name for name, word in words.items() if word == 0) if decided(words) else ()


def denies(fact: Fact, *names: str) -> str:
    """0 for each of these witnesses that says no while another says yes."""
    denied = promql.select(fact.series.name, promql.one_of("witness", names))
    return f"{denied} == 0 and on ({', '.join(fact.by)}) {fact.series.name} == 1"


def contradicted(fact: Fact, site: Site) -> str:
    """0 for each suspect that says no while another says yes."""
    return denies(fact, *(witness.name for witness in suspects(fact, site)))


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
        if count is None:
            return (RecordingRule(verdict(fact)),)
        return (RecordingRule(f"{count(site)} > 0 or{on} {verdict(fact)} == 0"),)

    return rules


def testimony(fact: Fact) -> Reading:
    """How the words of a fact's witnesses are recorded."""

    def rules(site: Site) -> tuple[RecordingRule, ...]:
        return tuple(RecordingRule(w.says(site), {"witness": w.name}) for w in heard(fact, site))

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
