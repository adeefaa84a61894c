"""How a test makes a signal say a value: which canonical series to feed, by the shape of the signal's expression."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple

from stackgen.catalog.series import Series

Labels = Mapping[str, str]


class Level(NamedTuple):
    """The value is one level; `beside` are other levels that must hold for the signal to speak at all."""

    series: Series
    resolution: Fraction = Fraction(1)
    beside: tuple[tuple[Series, Fraction], ...] = ()
    silenced_by: tuple[tuple[Series, Fraction], ...] = ()
    """Amounts of the `beside` series under which a bad value must stay silent."""


class Age(NamedTuple):
    """The value is the time since the timestamp that a level holds."""

    series: Series


class Growth(NamedTuple):
    """The value is how fast a level grows, per second."""

    series: Series


class Share(NamedTuple):
    """The value is the share of `part` in `part` plus `rest`, two flows told apart by labels."""

    part: Series
    rest: Series
    part_labels: Labels = MappingProxyType({})
    rest_labels: Labels = MappingProxyType({})
    inverted: bool = False
    """True when the value is the share of `rest`."""
    outside: tuple[str, ...] = ()
    """States that have no part in the whole."""
    disjoint: bool = True
    """False when the rest already contains the part (timeouts are failures too)."""


class Quantile(NamedTuple):
    """The value is the 95th percentile of a flow of buckets."""

    series: Series


class Drain(NamedTuple):
    """The value is a level divided by a flow: the time until a queue is empty."""

    length: Series
    flow: Series


class Stuck(NamedTuple):
    """The value is a level, of interest only while a flow is zero."""

    length: Series
    flow: Series


class Fleet(NamedTuple):
    """The value is a level divided by its own largest value in the last hour, of those that lasted."""

    series: Series


class Failures(NamedTuple):
    """The value is the number of failed scrapes in the last 15 minutes."""

    series: Series


class Overdue(NamedTuple):
    """The value is the time since a flow last moved."""

    series: Series
    labels: Labels


class Always:
    """The alert fires whatever is fed."""


Drive = Level | Age | Growth | Share | Quantile | Drain | Stuck | Fleet | Failures | Overdue | Always
