"""What a test feeds to Prometheus: values over time, printed in promtool's series notation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from stackgen.catalog import promql


class Segment(NamedTuple):
    """`steps` samples of one amount; None: the exporter answers but the series is gone."""

    amount: Fraction | int | None
    steps: int
    missed: bool = False
    """True: the scrape itself fails, for which Prometheus writes stale markers."""
    slope: Fraction | int = 0
    """Growth of a level from one sample to the next."""
    born: bool = False
    """True: a counter appears in this segment already holding the amount, and then stays."""

    def times(self, factor: Fraction) -> Segment:
        """The same segment with its amount multiplied."""
        return self if self.amount is None else self._replace(amount=self.amount * factor)


def steady(segments: Iterable[Segment], amount: Fraction | int) -> tuple[Segment, ...]:
    """One amount for as long as there is any, and gone when a scrape fails."""
    return tuple(s._replace(amount=None if s.amount is None else amount, slope=0) for s in segments)


class _Fields(NamedTuple):
    name: str
    labels: Mapping[str, str]
    segments: tuple[Segment, ...]


class _Series(_Fields):
    @cached_property
    def selector(self) -> str:
        """The series as promtool's `series` field wants it."""
        inside = ",".join(promql.exactly(self.labels))
        return f"{self.name}{{{inside}}}"


class Gauge(_Series):
    """A series whose amounts are its values."""

    @property
    def values(self) -> str:
        """The values in promtool's notation."""
        parts = []
        for s in self.segments:
            if s.amount is None or s.missed:
                parts.append(_gone(s.steps))
            else:
                parts.append(_run(s.amount, s.slope, s.steps))
        return " ".join(parts)


class Counter(_Series):
    """A series whose amounts are its growth from one sample to the next; it starts at 0."""

    @property
    def values(self) -> str:
        """The values in promtool's notation."""
        parts, fresh = list[str](), True
        level: Fraction | int = 0
        for s in self.segments:
            if s.amount is None:
                parts.append(_gone(s.steps))
                level, fresh = 0, True
                continue
            if s.missed:
                parts.append(_gone(s.steps))
                level += s.amount * s.steps
                continue
            growth = 0 if s.born else s.amount
            first = s.amount if s.born else (level if fresh else level + growth)
            parts.append(_run(first, growth, s.steps))
            level, fresh = first + growth * (s.steps - 1), False
        return " ".join(parts)


Input = Gauge | Counter


def _run(first: Fraction | int, growth: Fraction | int, steps: int) -> str:
    """`steps` samples in promtool's notation: `5`, `5x9` or `5+2x9`."""
    if steps == 1:
        return promql.number(first)
    sign, size = ("-", -growth) if growth < 0 else ("+", growth)
    slope = f"{sign}{promql.number(size)}" if growth else ""
    return f"{promql.number(first)}{slope}x{steps - 1}"


def _gone(steps: int) -> str:
    return "stale" if steps == 1 else f"stale _x{steps - 1}"
