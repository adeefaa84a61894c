"""Tests of rules as data: subjects that are fed over time, and the moments at which alerts are counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from generator.cases.feeding import Phase
from generator.catalog.signal import Severity
from generator.catalog.timeline import Input


@dataclass(frozen=True, kw_only=True)
class Spell:
    """A stretch of time in which a severity's condition holds, in seconds from the test's start.

    The edges are known to within what windows and bridges blur: it surely holds from `on_max` to `off_min`, and
    surely not before `on_min` or from `off_max`.
    """

    on_min: Fraction
    on_max: Fraction
    off_min: Fraction | None = None
    off_max: Fraction | None = None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One queue, task, worker … of a test: what is fed for it and when each severity's condition holds."""

    name: str
    labels: Mapping[str, str]
    inputs: tuple[Input, ...]
    spells: Mapping[Severity, Spell]
    value: float = 0.0
    """The signal's value while it is bad; only used for the texts of alerts."""
    limits: Mapping[Severity, Fraction | None]


@dataclass(frozen=True, kw_only=True)
class Check:
    """At one moment exactly these alerts fire, for one subject or, without one, for all."""

    at: Fraction
    firing: tuple[tuple[Subject, Severity], ...]
    subject: Subject | None = None
    severity: Severity | None = None
    """Set where only this severity is certain at this moment."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """At one moment a query has exactly these results, each 1."""

    at: Fraction
    query: str
    found: tuple[str, ...]
    """The labels of each result, as promtool writes them."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One subject's story; scenes with one pace share a case where a label tells their subjects apart."""

    name: str
    subject: Subject
    phases: tuple[Phase, ...]
    step: Fraction
    alone: bool = False
    """True: what is fed would disturb other subjects, or the subject's name is taken."""
    probes: tuple[Probe, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """One entry of a promtool test file."""

    name: str
    step: Fraction
    inputs: tuple[Input, ...]
    checks: tuple[Check, ...]
    texts: tuple[Check, ...]
    """Moments at which labels and annotations are compared word for word."""
    probes: tuple[Probe, ...] = ()
