"""What an example is made of: series of one job over time, and what a canonical series then says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from generator.catalog.site import Site
from generator.catalog.timeline import Counter, Gauge, Input, Segment

LASTS = 660
"""Seconds a world with counters is fed before it is looked at: more than twice the window of every `5m` series."""

Results = tuple[tuple[Mapping[str, str], Fraction], ...]


@dataclass(frozen=True)
class Example:
    """What is scraped, and all that the series then says."""

    story: str
    inputs: tuple[Input, ...]
    gives: Results
    after: Fraction = Fraction(0)
    """Seconds after which it is looked at; 0: when windows are full, which for levels is at once."""

    @property
    def seconds(self) -> Fraction:
        """When it is looked at."""
        return self.after or Fraction(LASTS if any(isinstance(one, Counter) for one in self.inputs) else 0)


def steps(site: Site) -> int:
    """Samples in every series, more than any example needs."""
    return ceil(Fraction(1200) / site.evaluation) + 1


def ago(site: Site, *, seen: bool) -> Fraction:
    """So long after its end, which is one step in, a level is still seen through the bridge, or not any more."""
    bridge, tick = max(3 * site.scrape, Fraction(90)), site.evaluation
    return (1 + (int(bridge * Fraction(2, 3) / tick) if seen else ceil((bridge + 1) / tick))) * tick


@dataclass(frozen=True)
class World:
    """Makes input series of one job that last as long as the test does."""

    job: str
    site: Site

    def level(self, name: str, amount: int, /, instance: str = "a:1", job: str = "", **labels: str) -> Gauge:
        """A level that stays."""
        return Gauge(name, {"job": job or self.job, "instance": instance, **labels}, self._for(Fraction(amount)))

    def once(self, name: str, amount: int, /, instance: str = "a:1", **labels: str) -> Gauge:
        """A level of the first two samples only; `up` is 0 from then on."""
        gone = Segment(Fraction(0) if name == "up" else None, steps(self.site))
        return Gauge(name, {"job": self.job, "instance": instance, **labels}, (Segment(Fraction(amount), 2), gone))

    def flow(self, name: str, per_second: Fraction, /, instance: str = "a:1", job: str = "", **labels: str) -> Counter:
        """A counter that grows evenly."""
        amounts = self._for(per_second * self.site.evaluation)
        return Counter(name, {"job": job or self.job, "instance": instance, **labels}, amounts)

    def _for(self, amount: Fraction) -> tuple[Segment, ...]:
        return (Segment(amount, steps(self.site)),)


def number(amount: int | Fraction) -> Results:
    """The results of a series without labels."""
    return (({}, Fraction(amount)),)
