"""Prometheus rules as data."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple

from stackgen.catalog.signal import Severity
from stackgen.resolve.plan import Judged


class Recording(NamedTuple):
    """One recording rule; `why` is printed above it."""

    record: str
    expr: str
    labels: Mapping[str, str] = MappingProxyType({})
    why: str = ""


class Alerting(NamedTuple):
    """One alert rule: one severity of one signal."""

    alert: str
    expr: str
    hold: Fraction
    keep: Fraction
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    judged: Judged
    severity: Severity


class Group(NamedTuple):
    """Rules evaluated one after the other, so that each sees what those before it recorded."""

    name: str
    recordings: tuple[Recording, ...]
    alerts: tuple[Alerting, ...]
