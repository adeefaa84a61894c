"""Tests of rules as data: subjects that are fed over time, and what must be true at which moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from stackgen.catalog.signal import Severity
from stackgen.catalog.timeline import Input


@dataclass(frozen=True)
class FiringInterval:
    """When an alert fires, in seconds from the test's start; windows and bridges blur both edges."""

    earliest: int
    """Surely not before."""
    surely: int
    """Surely from here on."""
    ending: int | None = None
    """Surely until here; None: until the test's end."""
    gone: int | None = None
    """Surely not any more from here on."""

    def fires(self, at: int) -> bool | None:
        """Whether the alert fires at this evaluation; None when that is open."""
        if at < self.earliest or (self.gone is not None and at >= self.gone):
            return False
        return True if at >= self.surely and (self.ending is None or at < self.ending) else None


@dataclass(frozen=True)
class Subject:
    """One queue, task, worker … of a case: its input series, and when each severity fires for it."""

    labels: Mapping[str, str]
    inputs: tuple[Input, ...]
    firing: Mapping[Severity, FiringInterval]
    limits: Mapping[Severity, Fraction | None]
    value: float = 0.0
    """The signal's value while it is bad, which the alert's text repeats."""

    def silent(self) -> Subject:
        """The same subject, for which no alert fires."""
        return replace(self, firing={})

    def beside(self, *inputs: Input) -> Subject:
        """The same subject with these series beside its own."""
        return replace(self, inputs=(*self.inputs, *inputs))


@dataclass(frozen=True)
class AlertAssertion:
    """At one evaluation exactly these alerts of the signal fire."""

    at: int
    firing: tuple[tuple[Subject, Severity], ...]
    severity: Severity | None = None
    """Set where only this severity is certain at this moment."""
    without: tuple[Subject, ...] = ()
    """Subjects of whom nothing is certain at this moment."""
    worded: bool = False
    """True: labels and annotations are compared word for word."""


@dataclass(frozen=True)
class QueryAssertion:
    """At one evaluation a query has exactly these results."""

    at: int
    query: str
    samples: tuple[tuple[Mapping[str, str], Fraction], ...] = ()


@dataclass(frozen=True)
class Case:
    """One entry of a promtool test file."""

    name: str
    step: int
    """Seconds between samples."""
    inputs: tuple[Input, ...]
    alerts: tuple[AlertAssertion, ...] = ()
    queries: tuple[QueryAssertion, ...] = ()
    subjects: tuple[Subject, ...] = ()
    """What it is about, where other copies of the stack can have the same."""
