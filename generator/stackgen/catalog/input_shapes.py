"""The shapes of signals' expressions: which canonical series a test must feed to make the signal have a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from stackgen.catalog.series import Series
from stackgen.catalog.witness import FactName

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Value:
    """The value is one series as it is; `beside` are others that must hold for the signal to have a value at all."""

    series: Series
    resolution: Fraction = Fraction(1)
    labels: Labels = field(default_factory=dict)
    beside: tuple[tuple[Series, Fraction], ...] = ()
    silenced_by: tuple[tuple[Series, Fraction], ...] = ()
    """Amounts of the `beside` series under which the signal has no value."""


@dataclass(frozen=True)
class Age:
    """The value is the time since the timestamp that a gauge holds."""

    series: Series


@dataclass(frozen=True)
class Growth:
    """The value is how fast a gauge grows, per second."""

    series: Series


@dataclass(frozen=True)
class Share:
    """The value is the share of `part` in `part` plus `rest`, two counters told apart by labels."""

    part: Series
    rest: Series
    part_labels: Labels = field(default_factory=dict)
    rest_labels: Labels = field(default_factory=dict)
    inverted: bool = False
    """True when the value is the share of `rest`."""
    outside: tuple[str, ...] = ()
    """States that have no part in the whole."""
    disjoint: bool = True
    """False when the rest already contains the part (timeouts are failures too)."""


@dataclass(frozen=True)
class Quantile:
    """The value is the 95th percentile of the buckets of a histogram."""

    series: Series


@dataclass(frozen=True)
class Drain:
    """The value is a gauge divided by the rate of a counter: the time until a queue is empty."""

    length: Series
    started: Series


@dataclass(frozen=True)
class Stuck:
    """The value is a gauge, of interest only while a counter stands still."""

    length: Series
    started: Series


@dataclass(frozen=True)
class Fleet:
    """The value is a gauge divided by its own largest value in the last hour, of those that lasted."""

    series: Series


@dataclass(frozen=True)
class Failures:
    """The value is the number of failed scrapes in the last 15 minutes, of each outage the first few."""

    series: Series
    in_a_row: int

    def scrapes(self, failures: int) -> int:
        """Scrapes from the first of so many failures to the last, with as few that answer as may be between them."""
        return failures + max(failures - 1, 0) // self.in_a_row


@dataclass(frozen=True)
class Overdue:
    """The value is the time since a counter last grew."""

    series: Series
    labels: Labels


@dataclass(frozen=True)
class Testimony:
    """The value is 0 for each witness of a fact that denies it while another affirms it."""

    fact: FactName


@dataclass(frozen=True)
class Tally:
    """The value is the number of events, each seen once: the growth of a counter, or the changes of a gauge."""

    series: Series
    labels: Labels = field(default_factory=dict)
    window: int | None = None
    """Seconds in which they are counted; None: since something else happened."""
    per_period: bool = False
    """True when their number is multiplied by the task's period and divided by the window."""


@dataclass(frozen=True)
class Always:
    """The alert fires whatever is fed."""


@dataclass(frozen=True)
class Lines:
    """No series is fed: the value is counted in lines of the logs."""


InputShape = (
    Value
    | Age
    | Growth
    | Share
    | Quantile
    | Drain
    | Stuck
    | Fleet
    | Failures
    | Overdue
    | Tally
    | Testimony
    | Always
    | Lines
)
