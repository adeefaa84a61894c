"""Prometheus rules as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from generator.catalog.signal import Severity
from generator.resolve.plan import Judged


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One recording rule; `why` is printed above it."""

    record: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Alerting:
    """One alert rule: one severity of one signal."""

    alert: str
    expr: str
    hold: Fraction
    keep: Fraction
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    judged: Judged
    severity: Severity


@dataclass(frozen=True)
class Group:
    """Rules evaluated one after the other, so that each sees what those before it recorded."""

    name: str
    recordings: tuple[Recording, ...]
    alerts: tuple[Alerting, ...]
