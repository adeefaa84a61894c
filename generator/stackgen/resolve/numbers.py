"""The numbers of a signal on this stack: the catalogue's defaults, then what stack.yaml says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from stackgen.catalog.signal import SEVERITIES, Setting, Severity, Signal
from stackgen.document import Trail
from stackgen.resolve.plan import Least, Wait
from stackgen.spec.bound import UNWRITTEN, Threshold, bound, own
from stackgen.spec.model import QueueSpec, StackSpec, TaskSpec, ThresholdSpec
from stackgen.spec.scalars import Duration


@dataclass(frozen=True)
class Numbers:
    """The numbers of one signal, before it is known whether a listed source can feed it."""

    signal: Signal
    thresholds: Mapping[Severity, Threshold]
    """Of the severities that are on, the mildest first."""
    own: Mapping[str, Mapping[Severity, Threshold | None]]
    """By queue or task, whichever the signal's dimension is: its own numbers; None: never."""
    settings: Mapping[Setting, int]
    own_settings: Mapping[Setting, Mapping[str, int]]
    """Other amounts of single queues or tasks, by guard."""

    @property
    def limits(self) -> Iterator[Fraction]:
        """Every threshold of a single queue or task."""
        return (limit for severity in self.thresholds for limit in self.overridden(severity).values())

    def overridden(self, severity: Severity) -> Mapping[str, Fraction]:
        """Queues or tasks with numbers of their own at this severity, and the threshold they then have."""
        found = {who: levels[severity] for who, levels in self.own.items() if severity in levels}
        return {who: one.value for who, one in found.items() if one is not None and one.value is not None}

    def waits(self, severity: Severity) -> Mapping[str, Wait]:
        """Queues or tasks with times of their own at this severity."""
        base = self.thresholds[severity]
        most = Wait(base.hold, base.keep_firing_for)
        found = {who: self.own[who][severity] for who in self.overridden(severity)}
        waits = {who: Wait(one.hold, one.keep_firing_for) for who, one in found.items() if one}
        return {who: wait for who, wait in waits.items() if wait != most}

    def never(self, severity: Severity) -> tuple[str, ...]:
        """Queues or tasks that this severity does not judge, though it judges what has no numbers of its own."""
        if self.thresholds[severity].value is None:
            return ()
        return tuple(who for who, levels in self.own.items() if severity in levels and levels[severity] is None)

    def guards(self, severity: Severity) -> tuple[Least, ...]:
        """The guards that can ever matter: one that the others imply is left out."""
        listed = (
            Least(g.setting, self.settings[g.setting], g.expr, g.noun, g.window, self.own_settings[g.setting])
            for g in self.signal.guards
        )
        on = {least.setting: least for least in listed if least.amount > 0 or any(least.own.values())}
        tasks, failures = on.get("min_tasks"), on.get("min_failures")
        if tasks and failures and not tasks.own and not failures.own:
            limits = [self.thresholds[severity].value, *self.overridden(severity).values()]
            if failures.amount >= tasks.amount:
                del on["min_tasks"]  # as many tasks as failures, at least
            elif all(limit is not None and limit * tasks.amount >= failures.amount for limit in limits):
                del on["min_failures"]  # this share of the least traffic is already more
        return tuple(on.values())


def numbers(signal: Signal, spec: StackSpec) -> Numbers:
    """This stack's thresholds, holds, guards and overrides of one signal: the defaults, and what stack.yaml says."""
    written = spec.thresholds.get(signal.id, UNWRITTEN)
    said, limits = _said(signal, spec), {str(path[1]): limit for path, limit in limits_of(signal, spec).items()}
    thresholds: dict[Severity, Threshold] = {}
    for severity in SEVERITIES:
        listed = bool(limits) and severity in signal.levels
        listed = listed or any((one := each.severity(severity)) and one.threshold for each in said.values())
        merged = bound(signal.levels, severity, written, listed=listed, only_listed=bool(signal.limits_from))
        if merged:
            thresholds[severity] = merged
    return Numbers(
        signal=signal,
        thresholds=thresholds,
        own={who: dict(_own(who, said, limits, thresholds)) for who in dict.fromkeys((*limits, *said))},
        settings={g.setting: _setting(g.setting, g.default, written) for g in signal.guards},
        own_settings={g.setting: dict(_own_settings(g.setting, said)) for g in signal.guards},
    )


def _said(signal: Signal, spec: StackSpec) -> dict[str, ThresholdSpec]:
    """What single queues or tasks say of a signal."""
    parts: Mapping[str, QueueSpec | TaskSpec] = {}
    if signal.overrides == "queue":
        parts = spec.queues
    elif signal.overrides == "task":
        parts = spec.tasks
    return {who: part.thresholds[signal.id] for who, part in parts.items() if signal.id in part.thresholds}


def _own(
    who: str, said: Mapping[str, ThresholdSpec], limits: Mapping[str, Fraction], bases: Mapping[Severity, Threshold]
) -> Iterator[tuple[Severity, Threshold | None]]:
    """The numbers of one queue or task, where they are not those of all others."""
    for severity, default in bases.items():
        base = replace(default, value=limits.get(who, default.value), written={})
        one = own(base, said[who], severity) if who in said else base
        chosen = said[who].severity(severity) if who in said else None
        if one != replace(default, written={}) or (chosen and chosen.threshold):
            yield severity, one


def _own_settings(setting: Setting, said: Mapping[str, ThresholdSpec]) -> Iterator[tuple[str, int]]:
    for who, one in said.items():
        amount = one.min_tasks if setting == "min_tasks" else one.min_failures
        if amount is not None:
            yield who, amount


def _setting(setting: Setting, default: int, written: ThresholdSpec) -> int:
    value = written.min_tasks if setting == "min_tasks" else written.min_failures
    return default if value is None else value


def limits_of(signal: Signal, spec: StackSpec) -> dict[Trail, Fraction]:
    """The thresholds that queues or tasks hold under a key of their own, by place in stack.yaml."""
    found: dict[Trail, Fraction] = {}
    for section, parts in (("queues", spec.queues), ("tasks", spec.tasks)):
        for name, part in parts.items():
            limit: int | Duration | None = getattr(part, signal.limits_from, None) if signal.limits_from else None
            if limit is not None:
                found[section, name, signal.limits_from] = (
                    limit.seconds if isinstance(limit, Duration) else Fraction(limit)
                )
    return found
