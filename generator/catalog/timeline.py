"""What a test feeds to Prometheus: values over time, printed in promtool's series notation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from generator.catalog import promql


@dataclass(frozen=True)
class Segment:
    """`steps` samples of one amount; None: the exporter answers but the series is gone."""

    amount: Fraction | None
    steps: int
    missed: bool = False
    """True: the scrape itself fails, for which Prometheus writes stale markers."""
    slope: Fraction = Fraction(0)
    """Growth of a level from one sample to the next."""
    born: bool = False
    """True: a counter appears in this segment already holding the amount, and then stays."""

    def times(self, factor: Fraction) -> Segment:
        """The same segment with its amount multiplied."""
        return self if self.amount is None else replace(self, amount=self.amount * factor)


@dataclass(frozen=True)
class _Series:
    name: str
    labels: Mapping[str, str]
    segments: tuple[Segment, ...]

    @cached_property
    def selector(self) -> str:
        """The series as promtool's `series` field wants it."""
        inside = ",".join(f"{k}={promql.text(v)}" for k, v in self.labels.items())
        return f"{self.name}{{{inside}}}"


@dataclass(frozen=True)
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
                sign = "-" if s.slope < 0 else "+"
                parts.append(f"{promql.number(s.amount)}{sign}{promql.number(abs(s.slope))}x{s.steps - 1}")
        return " ".join(parts)


@dataclass(frozen=True)
class Counter(_Series):
    """A series whose amounts are its growth from one sample to the next; it starts at 0."""

    @property
    def values(self) -> str:
        """The values in promtool's notation."""
        parts, level, fresh = [], Fraction(0), True
        for s in self.segments:
            if s.amount is None:
                parts.append(_gone(s.steps))
                level, fresh = Fraction(0), True
                continue
            if s.missed:
                parts.append(_gone(s.steps))
                level += s.amount * s.steps
                continue
            growth = Fraction(0) if s.born else s.amount
            first = s.amount if s.born else (level if fresh else level + growth)
            parts.append(f"{promql.number(first)}+{promql.number(growth)}x{s.steps - 1}")
            level, fresh = first + growth * (s.steps - 1), False
        return " ".join(parts)


Input = Gauge | Counter


def _gone(steps: int) -> str:
    return "stale" if steps == 1 else f"stale _x{steps - 1}"
