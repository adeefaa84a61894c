"""Prometheus rules as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from stackgen.resolve.plan import Alert


@dataclass(frozen=True)
class Recording:
    """One recording rule; `why` is printed above it."""

    record: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True)
class Alerting:
    """The rule of one alert; its name, `for` and `keep_firing_for` stand in the alert's record."""

    alert: Alert
    expr: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def name(self) -> str:
        """What tells it from the other rules in a message: `CeleryQueueBacklog (critical)`."""
        return f"{self.alert.signal.alert} ({self.alert.severity})"


@dataclass(frozen=True)
class Group:
    """Rules evaluated one after the other, so that each sees what those before it recorded."""

    name: str
    recordings: tuple[Recording, ...]
    alerts: tuple[Alerting, ...]
    path: str = ""
    """The file in which it stands, below output/."""
    interval: Fraction = Fraction(0)
    """Seconds between evaluations."""
