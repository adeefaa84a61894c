"""The resolved model that every emitter reads: no default is missing and no choice is open any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from stackgen.catalog.series import Series
from stackgen.catalog.signal import Guard, Setting, Severity, Signal
from stackgen.catalog.site import Site
from stackgen.catalog.source import Reading, Source
from stackgen.document import Trail
from stackgen.spec.bound import Bound, Number
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


class Off(NamedTuple):
    """A signal that is not judged on this stack, and why."""

    signal: Signal
    reason: str
    hint: str = ""
    wanted: bool = False
    """Whether stack.yaml switches it off, which is no mistake."""


@dataclass(frozen=True)
class Least:
    """Traffic below which an alert says nothing: `expr` must be at least `amount`."""

    setting: Setting
    amount: int
    expr: str
    noun: str
    """What `expr` counts, in the plural."""
    window: int
    """Seconds in which they are counted; 0: those of this moment."""


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

    signal: Signal
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
    written: Mapping[Number, Trail]
    """The numbers that stack.yaml sets, and where."""
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
    """host:port, dns:name:port or file:path each."""
    path: str
    elsewhere: bool = False
    """Whether somebody else runs it: stack.yaml says where, and that is not our container."""


class Plan(NamedTuple):
    """Everything emitters need; made once from stack.yaml and the catalogue."""

    spec: StackSpec
    site: Site
    active: tuple[Judged, ...]
    """Every signal that is judged: in the metrics, then in the logs."""
    off: tuple[Off, ...]
    """Every other signal of the catalogue."""
    chosen: Mapping[str, Chosen]
    """By the canonical series' name."""
    scraped: tuple[Scraped, ...]
    alerts: tuple[Alert, ...] = ()
    """The record of every alert: signals of the metrics first, then those of the logs, the mildest severity first."""

    @property
    def judged(self) -> tuple[Judged, ...]:
        """What Prometheus judges."""
        return tuple(one for one in self.active if not one.signal.log_count)

    @property
    def logged(self) -> tuple[Judged, ...]:
        """What is judged in the logs; nothing when no listed shipper's backend judges."""
        return tuple(one for one in self.active if one.signal.log_count)

    @property
    def told(self) -> tuple[Judged, ...]:
        """What Alertmanager hears of: Loki's ruler speaks to it, CloudWatch's alarms go a way of their own."""
        return self.active if self.has_loki else self.judged

    @property
    def has_loki(self) -> bool:
        """Whether the logs are sent to a Loki."""
        return self.spec.logs is not None and "alloy" in self.spec.logs.shippers

    def of(self, signal: Signal) -> tuple[Alert, ...]:
        """The alerts of one signal, the mildest severity first; none when it is off."""
        return tuple(alert for alert in self.alerts if alert.signal is signal)

    def judgement(self, signal_id: str) -> Judged | None:
        """The resolved signal, if it is on."""
        return next((one for one in self.active if one.signal.id == signal_id), None)
