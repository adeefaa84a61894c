"""Tests of rules as data: subjects that are fed over time, and the moments at which alerts are counted."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal, NamedTuple

from stackgen.cases.feeding import Phase
from stackgen.catalog.signal import Severity
from stackgen.catalog.timeline import Input


class Spell(NamedTuple):
    """A stretch of time in which an alert fires, in seconds from the test's start; None: until its end.

    The edges are known to within what windows and bridges blur.
    """

    earliest: int
    """Surely not before."""
    surely: int
    ending: int | None = None
    """It fires until here; from `gone` on surely not."""
    gone: int | None = None

    def fires(self, at: int) -> bool | None:
        """Whether the alert fires at this evaluation; None when windows and bridges leave it open."""
        if at < self.earliest or (self.gone is not None and at >= self.gone):
            return False
        return True if at >= self.surely and (self.ending is None or at < self.ending) else None


class Subject(NamedTuple):
    """One queue, task, worker … of a test: what is fed for it and when each severity fires."""

    name: str
    labels: Mapping[str, str]
    inputs: tuple[Input, ...]
    spells: Mapping[Severity, Spell]
    limits: Mapping[Severity, Fraction | None]
    value: float = 0.0
    """The signal's value while it is bad; only used for the texts of alerts."""


How = Literal["counted", "listed", "worded"]
"""Alerts are counted by severity, or listed by their subject and owner, or compared word for word."""


class Check(NamedTuple):
    """At one evaluation exactly these alerts fire."""

    at: int
    firing: tuple[tuple[Subject, Severity], ...]
    how: How = "counted"
    without: tuple[Subject, ...] = ()
    """Subjects of whom nothing is certain at this moment."""
    subject: Subject | None = None
    """Set, with `severity`, where only this is looked at: the other severities are not certain."""
    severity: Severity | None = None


class Probe(NamedTuple):
    """At one evaluation a query has exactly these results, each 1."""

    at: int
    query: str
    found: tuple[str, ...]
    """The labels of each result, as promtool writes them."""


class Scene(NamedTuple):
    """One subject's story; scenes with one pace share a case where a label tells their subjects apart."""

    name: str
    subject: Subject
    phases: tuple[Phase, ...]
    step: int
    alone: bool = False
    """True: what is fed would disturb other subjects, or the subject's name is taken."""
    probes: tuple[Probe, ...] = ()


class Case(NamedTuple):
    """One entry of a promtool test file."""

    name: str
    step: int
    inputs: tuple[Input, ...]
    checks: tuple[Check, ...] = ()
    probes: tuple[Probe, ...] = ()
