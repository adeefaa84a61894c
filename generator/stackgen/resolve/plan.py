"""The resolved model that every emitter reads: no default is missing and no choice is open any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from stackgen.catalog.entries import Entries
from stackgen.catalog.series import Series
from stackgen.catalog.signal import Setting, Severity, Signal
from stackgen.catalog.site import Site
from stackgen.catalog.source import Reading, Source
from stackgen.document import Trail
from stackgen.spec.bound import Number
from stackgen.spec.kubernetes import Discovery
from stackgen.spec.model import StackSpec


@dataclass(frozen=True)
class DisabledSignal:
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
    own: Mapping[str, int]
    """Other amounts of single queues or tasks."""


@dataclass(frozen=True)
class Wait:
    """How long a condition must hold, and how long its alert goes on afterwards, in seconds."""

    hold: Fraction
    keep_firing_for: Fraction


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
    keep_firing_for: Fraction
    """Seconds for which the alert goes on firing afterwards."""
    overrides: Mapping[str, Fraction]
    """Thresholds of single queues or tasks, whichever the signal's dimension is."""
    waits: Mapping[str, Wait]
    """Other times of single queues or tasks, all of which are among the overrides."""
    never: tuple[str, ...]
    """Queues or tasks that are not judged at this severity."""
    guards: tuple[Least, ...]
    """Those that can matter: one that the others imply is left out."""
    settings: Mapping[Setting, int]
    """The number of every guard that the signal has; 0 switches one off."""
    owner: str
    owners: Mapping[str, str]
    """By queue or task, for those that have an owner of their own."""
    receiver: str | None
    """Who is told where neither the queue nor an owner of its own decides; None when Alertmanager never hears of it."""
    words: str
    """The condition in words: `above 5000 for 10m`."""
    origins: Mapping[str, str]
    """Where each number comes from: its place in stack.yaml, or else a section of the guide or `ours`.

    By threshold, for, keep_firing_for, min_tasks and min_failures, as far as the alert has them.
    """
    written: Mapping[Number, Trail]
    """The numbers that stack.yaml sets, and where."""
    places: Mapping[str, str]
    """The same and guards, and by queue or task its own threshold: the place in the file, and what it covers there."""
    silencers: tuple[Silencer, ...]
    sources: tuple[str, ...]
    """Ids of the sources whose metrics it reads; of the logs, the shippers whose backends judge."""


@dataclass(frozen=True)
class Chosen:
    """The source whose reading computes a canonical series on this stack."""

    source: Source
    reading: Reading
    """Of the source, or of it and of the others together."""
    series: Series
    others: tuple[Source, ...] = ()
    """Sources that are asked as well; the largest number holds, and none where they contradict each other."""
    passed: tuple[tuple[Source, str], ...] = ()
    """Sources that could be read instead, each with the reason why they are not."""
    too_small: str = ""
    """Why the number may be too small all the same; "" when it is right."""

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source that is asked, the preferred one first."""
        return (self.source, *self.others)

    @property
    def only(self) -> str:
        """Id of the source without which nothing is known; "" when there are several."""
        return "" if self.others else self.source.id


LOOKED_UP = ("dns:", "file:", "kubernetes:")
"""How a target begins behind which Prometheus finds several."""


@dataclass(frozen=True)
class Scraped:
    """One scrape job."""

    source: Source
    version: str
    targets: tuple[str, ...]
    """host:port, dns:name:port, file:path or kubernetes:role:namespace:selector:port each."""
    path: str
    elsewhere: bool = False
    """Whether somebody else runs it: stack.yaml says where, and that is not our container."""
    off: str = ""
    """Why it cannot work on this stack, so that it is neither started nor scraped; "" when it can."""
    shared: bool = False
    """Whether it is the Prometheus of others, which says what it scrapes and is not judged itself."""
    other_job: str = ""
    """Its job where stack.yaml names another than the source's own."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """By which Prometheus tells its targets from those of other stacks."""
    kubernetes: Discovery | None = None
    """Where it runs in a cluster; its only target says the same in one line."""

    @property
    def job(self) -> str:
        """Label `job` of what it exposes; behind a Prometheus of others it may have their namespace before it."""
        return self.other_job or self.source.job


@dataclass(frozen=True, eq=False)  # known by itself, so that what follows from it may be kept
class Plan:
    """Everything emitters need; made once from stack.yaml and the catalogue."""

    spec: StackSpec
    site: Site
    alerts: tuple[Alert, ...]
    """The record of every alert: signals of the metrics first, then those of the logs, the mildest severity first."""
    off: tuple[DisabledSignal, ...]
    """Every signal of the catalogue that has no alert here."""
    chosen: Mapping[str, Chosen]
    """By the canonical series' name."""
    scraped: tuple[Scraped, ...]
    left_out: tuple[Scraped, ...] = ()
    """Listed sources that cannot work on this stack."""
    among: tuple[Plan, ...] = ()
    """The stacks that it stands for, where dashboards are for many."""

    @cached_property
    def _by_signal(self) -> Mapping[str, tuple[Alert, ...]]:
        found: dict[str, list[Alert]] = {}
        for alert in self.alerts:
            found.setdefault(alert.signal.id, []).append(alert)
        return {name: tuple(alerts) for name, alerts in found.items()}

    @cached_property
    def _entries(self) -> Mapping[str | None, Entries]:
        return {"queue": Entries(self.spec.queues), "task": Entries(self.spec.tasks)}

    def entries(self, signal: Signal) -> Entries:
        """The entries of stack.yaml that mean subjects of a signal: queues or tasks, or none."""
        dimensions = (signal.overrides, *signal.by)
        return next((self._entries[label] for label in dimensions if label in self._entries), Entries())

    def of(self, signal: Signal) -> tuple[Alert, ...]:
        """The alerts of one signal, the mildest severity first; none when it is off."""
        return self._by_signal.get(signal.id, ())

    def named(self, signal_ids: Iterable[str]) -> list[Signal]:
        """Those of the signals that are on, in the order of their ids."""
        return [self._by_signal[name][0].signal for name in signal_ids if name in self._by_signal]

    @cached_property
    def active(self) -> tuple[Signal, ...]:
        """Every signal that is judged: in the metrics, then in the logs."""
        return tuple(alerts[0].signal for alerts in self._by_signal.values())

    @cached_property
    def metric_signals(self) -> tuple[Signal, ...]:
        """What Prometheus judges."""
        return tuple(signal for signal in self.active if not signal.log_count)

    @cached_property
    def log_signals(self) -> tuple[Signal, ...]:
        """What is judged in the logs; nothing when no listed shipper's backend judges."""
        return tuple(signal for signal in self.active if signal.log_count)

    @property
    def routed_signals(self) -> tuple[Signal, ...]:
        """What Alertmanager hears of: Loki's ruler sends to it, CloudWatch's alarms go a way of their own."""
        return self.active if self.has_loki else self.metric_signals

    @property
    def has_loki(self) -> bool:
        """Whether the logs are sent to a Loki."""
        return self.spec.logs is not None and "alloy" in self.spec.logs.shippers
