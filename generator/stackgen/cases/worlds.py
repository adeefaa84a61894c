"""What an example is made of: series of one job over time, and what a canonical series then says."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from stackgen.catalog.site import Site
from stackgen.catalog.timeline import Counter, Gauge, Input, Segment

TICK = 60
"""Seconds between samples, and between the evaluations that matter."""
LASTS = 660
"""Seconds a world with counters is fed before it is looked at: more than twice the window of every `5m` series."""

Results = tuple[tuple[Mapping[str, str], Fraction], ...]


class Example(NamedTuple):
    """What is scraped, and all that the series then says."""

    story: str
    inputs: tuple[Input, ...]
    gives: Results
    after: int = 0
    """Seconds after which it is looked at; 0: when windows are full, which for levels is at once."""
    later: tuple[tuple[int, Results], ...] = ()
    """When it is looked at once more, and all that the series says by then."""

    @property
    def looks(self) -> tuple[tuple[int, Results], ...]:
        """The moments at which it is looked at, and what is seen."""
        full = LASTS if any(isinstance(one, Counter) for one in self.inputs) else TICK
        return ((self.after or full, self.gives), *self.later)


STEPS = 1200 // TICK + 1
"""Samples in every series, more than any example needs."""


def ago(site: Site, *, seen: bool) -> int:
    """So long after its end, which is one step in, a level is still seen through the bridge, or not any more."""
    bridge = site.bridged
    return (1 + (ceil(bridge / TICK) - 1 if seen else int(bridge / TICK) + 1)) * TICK


def gone(site: Site, story: str, inputs: tuple[Input, ...], just: Results, long: Results) -> Example:
    """What is gone is still seen through the bridge, and then not any more."""
    return Example(
        f"{story} just gone, long gone", inputs, just, ago(site, seen=True), ((ago(site, seen=False), long),)
    )


class World(NamedTuple):
    """Makes input series of one job that last as long as the test does."""

    job: str
    site: Site

    def level(self, name: str, amount: int, /, instance: str = "a:1", job: str = "", **labels: str) -> Gauge:
        """A level that stays."""
        return Gauge(name, {"job": job or self.job, "instance": instance, **labels}, self._for(Fraction(amount)))

    def once(self, name: str, amount: int, /, instance: str = "a:1", **labels: str) -> Gauge:
        """A level of the first two samples only; `up` is 0 from then on."""
        gone = Segment(Fraction(0) if name == "up" else None, STEPS)
        return Gauge(name, {"job": self.job, "instance": instance, **labels}, (Segment(Fraction(amount), 2), gone))

    def flow(self, name: str, per_second: Fraction, /, instance: str = "a:1", job: str = "", **labels: str) -> Counter:
        """A counter that grows evenly."""
        amounts = self._for(per_second * TICK)
        return Counter(name, {"job": job or self.job, "instance": instance, **labels}, amounts)

    def _for(self, amount: Fraction) -> tuple[Segment, ...]:
        return (Segment(amount, STEPS),)


def number(amount: int | Fraction) -> Results:
    """The results of a series without labels."""
    return (({}, Fraction(amount)),)
