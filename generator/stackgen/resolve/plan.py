"""The resolved model that every emitter reads: no default is missing and no choice is open any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from stackgen.catalog.logs.signals import LogSignal
from stackgen.catalog.series import Series
from stackgen.catalog.signal import Guard, Setting, Severity, Signal
from stackgen.catalog.site import Site
from stackgen.catalog.source import Reading, Source
from stackgen.spec.bound import Bound
from stackgen.spec.model import StackSpec


class Judged(NamedTuple):
    """One signal that is on, with the numbers of this stack."""

    signal: Signal
    bounds: Mapping[Severity, Bound]
    overrides: Mapping[str, Mapping[Severity, Fraction]]
    """By queue or task, whichever the signal's dimension is."""
    settings: Mapping[Setting, int]

    def overridden(self, severity: Severity) -> Mapping[str, Fraction]:
        """Queues or tasks with a threshold of their own at this severity."""
        return {who: levels[severity] for who, levels in self.overrides.items() if severity in levels}

    def guards(self, severity: Severity) -> tuple[tuple[Guard, int], ...]:
        """The guards that can ever matter: one that the others imply is left out."""
        on = {g.setting: (g, self.settings[g.setting]) for g in self.signal.guards if self.settings[g.setting] > 0}
        tasks, failures = on.get("min_tasks"), on.get("min_failures")
        if tasks and failures:
            limits = [self.bounds[severity].threshold, *self.overridden(severity).values()]
            if failures[1] >= tasks[1]:
                del on["min_tasks"]  # as many tasks as failures, at least
            elif all(limit is not None and limit * tasks[1] >= failures[1] for limit in limits):
                del on["min_failures"]  # this share of the least traffic is already more
        return tuple(on.values())


class Logged(NamedTuple):
    """One signal of the logs that is on, with the numbers of this stack."""

    signal: LogSignal
    bounds: Mapping[Severity, Bound]

    @property
    def overrides(self) -> Mapping[str, Mapping[Severity, Fraction]]:
        """No task has a limit of its own."""
        return {}

    def overridden(self, severity: Severity) -> Mapping[str, Fraction]:
        """No task has a threshold of its own."""
        del severity
        return {}

    def guards(self, severity: Severity) -> tuple[tuple[Guard, int], ...]:
        """A line is a line, however little traffic there is."""
        del severity
        return ()


class Off(NamedTuple):
    """A signal that is not judged on this stack, and why."""

    signal: Signal | LogSignal
    reason: str
    hint: str = ""


@dataclass(frozen=True)
class Least:
    """Traffic below which an alert says nothing: `expr` must be at least `amount`."""

    setting: Setting
    amount: int
    expr: str


@dataclass(frozen=True)
class Route:
    """Which receiver is told, and in which of the named times nobody is; where `label` has `value`, "" for all else."""

    label: Literal["", "queue", "owner"]
    value: str
    receiver: str
    mutes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Silencer:
    """What keeps an alert quiet while its condition holds: another alert in Alertmanager, or `expr` in its own rule."""

    alert: str = ""
    """The alert that must fire; "" when it is `expr` that must have a result."""
    expr: str = ""
    severity: Severity | None = None
    """Only while the alert fires at this severity; None for any."""
    of: tuple[str, ...] = ()
    """Only while it fires for one of these sources; () for any."""
    only: tuple[str, ...] = ()
    """Only what this alert says of one of these sources; () for any."""
    equal: tuple[str, ...] = ()
    """Labels in which both alerts must agree."""
    why: str


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One signal at one severity: everything that is true of it on this stack."""

    signal: Signal | LogSignal
    severity: Severity
    threshold: Fraction | None
    """None: only what is listed under the overrides is judged."""
    hold: Fraction
    """Seconds for which the condition must hold before the alert fires."""
    keep: Fraction
    """Seconds for which the alert goes on firing afterwards."""
    overrides: Mapping[str, Fraction]
    """Thresholds of single queues or tasks, whichever the signal's dimension is."""
    guards: tuple[Least, ...]
    """Those that can matter: one that the others imply is left out."""
    owner: str
    owners: Mapping[str, str]
    """By queue or task, for those that have an owner of their own."""
    route: Route | None
    """Who is told unless one of `routes` says otherwise; None when Alertmanager never hears of the alert."""
    routes: tuple[Route, ...]
    words: str
    """The condition in words: `above 5000 for 10m`."""
    origins: Mapping[str, str]
    """Where each number comes from: its place in stack.yaml, or else a section of the guide or `ours`.

    By threshold, for, keep_firing_for, min_tasks and min_failures, as far as the alert has them.
    """
    silencers: tuple[Silencer, ...]
    sources: tuple[str, ...]
    """Ids of the sources whose metrics it reads; of the logs, the shippers whose backends judge."""


class Chosen(NamedTuple):
    """The source whose reading computes a canonical series on this stack."""

    source: Source
    reading: Reading
    series: Series


class Scraped(NamedTuple):
    """One scrape job."""

    source: Source
    version: str
    targets: tuple[str, ...]
    path: str


class Plan(NamedTuple):
    """Everything emitters need; made once from stack.yaml and the catalogue."""

    spec: StackSpec
    site: Site
    judged: tuple[Judged, ...]
    off: tuple[Off, ...]
    chosen: Mapping[str, Chosen]
    """By the canonical series' name."""
    scraped: tuple[Scraped, ...]
    logged: tuple[Logged, ...] = ()
    """What is judged in the logs; empty when no listed shipper's backend judges."""
    unlogged: tuple[Off, ...] = ()
    """What is not judged in the logs, and why."""
    alerts: tuple[Alert, ...] = ()
    """The record of every alert: signals of the metrics first, then those of the logs, the mildest severity first."""

    @property
    def everything(self) -> tuple[Judged | Logged, ...]:
        """All that is judged: in the metrics, then in the logs."""
        return (*self.judged, *self.logged)

    @property
    def told(self) -> tuple[Judged | Logged, ...]:
        """What Alertmanager hears of: Loki's ruler speaks to it, CloudWatch's alarms go a way of their own."""
        return self.everything if self.has_loki else self.judged

    @property
    def has_loki(self) -> bool:
        """Whether the logs are sent to a Loki."""
        return self.spec.logs is not None and "alloy" in self.spec.logs.shippers

    def judgement(self, signal_id: str) -> Judged | None:
        """The resolved signal, if it is on."""
        return next((j for j in self.judged if j.signal.id == signal_id), None)
