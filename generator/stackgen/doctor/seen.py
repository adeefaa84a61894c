"""What the doctor saw of a running stack, gathered once; every check reads it and asks nothing itself."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stackgen.catalog.series import Series
from stackgen.doctor.broker import Broker
from stackgen.doctor.exposition import Sample
from stackgen.resolve.plan import Plan

EXPORTER = "celery-exporter"
Target = tuple[str, str]
"""A target's job and instance."""


@dataclass(frozen=True)
class Rule:
    """One rule as Prometheus has it loaded, or as it is generated: all that decides what it does."""

    group: str
    name: str
    expr: str
    labels: tuple[tuple[str, str], ...]
    hold: float


@dataclass(frozen=True)
class Pool:
    """A scrape job of Prometheus."""

    targets: int
    dropped: int
    """Targets that were found and that its relabeling did not keep; counted where it has no other."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Everything that was found out; None is what was not asked or did not answer."""

    plan: Plan
    exporter: tuple[Sample, ...] | None = None
    """What celery-exporter exposes: from itself, else as Prometheus last scraped it."""
    broker: Broker | None = None
    targets: Mapping[str, Mapping[Target, bool]] | None = None
    """By source: the targets that the rules select, and whether the last scrape of each worked."""
    jobs: frozenset[str] = frozenset()
    """Every scrape job there is."""
    elsewhere: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)
    """By source of which the rules select no target: the labels under which its metrics are there."""
    errors: Mapping[Target, str] = field(default_factory=dict)
    """What Prometheus says of the scrapes that fail."""
    native: frozenset[str] = frozenset()
    """Metrics that are kept as native histograms: they have no buckets to select."""
    exporters: frozenset[Target] = frozenset()
    """Those of celery-exporter that the rules select and that have said something."""
    second: frozenset[Target] = frozenset()
    """Others that see the same workers."""
    rules: frozenset[Rule] | None = None
    groups: frozenset[str] = frozenset()
    """Every group of rules there is."""
    pools: Mapping[str, Pool] | None = None
    """By name: what became of the monitors of this stack, where the Prometheus Operator makes its configuration."""
    evaluations: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """By group of rules: seconds that its last evaluation took, and its interval."""
    recorded: frozenset[str] | None = None
    """Names of canonical series that have a value now."""
    born_later: frozenset[str] = frozenset()
    """Workers, by the clock of Prometheus, that will start in the future."""
    bounds: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    """By histogram and instance: the bounds of its buckets, as written."""
    vhosts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Queues that RabbitMQ itself lists, by virtual host."""
    blind: frozenset[str] = frozenset()
    """What sources that are scraped do not give, by the label `missing`."""
    lengths: frozenset[str] | None = None
    """Queues whose length is recorded now."""
    alerts: frozenset[str] | None = None
    """Names of the alerts that Alertmanager holds."""
    clocks: Mapping[str, float] = field(default_factory=dict)
    """Seconds by which the clock of each program is ahead of ours."""


def alerts(plan: Plan, series: Iterable[Series], source: str = "") -> tuple[str, ...]:
    """Alerts that read one of these series, where the source feeds it; "" for any source."""
    names = {s.name for s in series if not source or any(one.id == source for one in plan.chosen[s.name].sources)}
    return tuple(dict.fromkeys(one.alert for one in plan.metric_signals if names & {s.name for s in one.needs}))


def fed_by(plan: Plan, source: str) -> list[Series]:
    """The series that a source feeds on this stack."""
    return [chosen.series for chosen in plan.chosen.values() if any(one.id == source for one in chosen.sources)]


def listens_to_events(plan: Plan) -> list[Series]:
    """Series that celery-exporter computes from events."""
    return [
        chosen.series
        for chosen in plan.chosen.values()
        if chosen.source.id == EXPORTER and "events_off" in chosen.reading.spoiled_by
    ]


def clocks(seen: Seen, who: str, clock: float | None) -> dict[str, float]:
    """What is known of clocks, with that of one more program."""
    return {**seen.clocks, **({who: clock - time.time()} if clock else {})}  # noqa: TID251 - clocks are compared here
