"""The numbers of a signal on this stack: the catalogue's defaults, then what stack.yaml says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from stackgen.catalog.signal import SEVERITIES, Setting, Severity, Signal
from stackgen.document import Trail
from stackgen.resolve.plan import Least
from stackgen.spec.bound import UNWRITTEN, Threshold, bound
from stackgen.spec.model import Override, StackSpec, ThresholdSpec
from stackgen.spec.scalars import Duration


@dataclass(frozen=True)
class Numbers:
    """The numbers of one signal, before it is known whether a listed source can feed it."""

    signal: Signal
    thresholds: Mapping[Severity, Threshold]
    """Of the severities that are on, the mildest first."""
    overrides: Mapping[str, Mapping[Severity, Fraction]]
    """By queue or task, whichever the signal's dimension is."""
    settings: Mapping[Setting, int]

    def overridden(self, severity: Severity) -> Mapping[str, Fraction]:
        """Queues or tasks with a threshold of their own at this severity."""
        return {who: levels[severity] for who, levels in self.overrides.items() if severity in levels}

    def guards(self, severity: Severity) -> tuple[Least, ...]:
        """The guards that can ever matter: one that the others imply is left out."""
        on = {
            guard.setting: Least(guard.setting, amount, guard.expr, guard.noun, guard.window)
            for guard in self.signal.guards
            if (amount := self.settings[guard.setting]) > 0
        }
        tasks, failures = on.get("min_tasks"), on.get("min_failures")
        if tasks and failures:
            limits = [self.thresholds[severity].value, *self.overridden(severity).values()]
            if failures.amount >= tasks.amount:
                del on["min_tasks"]  # as many tasks as failures, at least
            elif all(limit is not None and limit * tasks.amount >= failures.amount for limit in limits):
                del on["min_failures"]  # this share of the least traffic is already more
        return tuple(on.values())


def numbers(signal: Signal, spec: StackSpec) -> Numbers:
    """This stack's thresholds, holds, guards and overrides of one signal: the defaults, and what stack.yaml says."""
    written = spec.thresholds.get(signal.id, UNWRITTEN)
    overrides = _overrides(signal, spec)
    thresholds: dict[Severity, Threshold] = {}
    for severity in SEVERITIES:
        listed = any(severity in levels for levels in overrides.values())
        merged = bound(signal.levels, severity, written, listed=listed, only_listed=bool(signal.limits_from))
        if merged:
            thresholds[severity] = merged
    settings: dict[Setting, int] = {g.setting: _setting(g.setting, g.default, written) for g in signal.guards}
    kept = {who: {s: v for s, v in levels.items() if s in thresholds} for who, levels in overrides.items()}
    return Numbers(signal=signal, thresholds=thresholds, overrides=kept, settings=settings)


def _setting(setting: Setting, default: int, written: ThresholdSpec) -> int:
    value = written.min_tasks if setting == "min_tasks" else written.min_failures
    return default if value is None else value


def _overrides(signal: Signal, spec: StackSpec) -> dict[str, dict[Severity, Fraction]]:
    if signal.limits_from:
        limits = {path[1]: limit for path, limit in limits_of(signal, spec).items()}
        return {str(who): dict.fromkeys(signal.levels, limit) for who, limit in limits.items()}
    written: Mapping[str, Mapping[str, Override]] = {}
    if signal.overrides == "queue":
        written = {name: queue.thresholds for name, queue in spec.queues.items()}
    elif signal.overrides == "task":
        written = {name: task.thresholds for name, task in spec.tasks.items()}
    found = {who: _levels(thresholds.get(signal.id)) for who, thresholds in written.items()}
    return {who: levels for who, levels in found.items() if levels}


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


def _levels(override: Override | None) -> dict[Severity, Fraction]:
    if override is None:
        return {}
    by_severity: dict[Severity, Fraction] = {}
    for severity, quantity in zip(SEVERITIES, (override.info, override.warning, override.critical), strict=True):
        if quantity is not None:
            by_severity[severity] = Fraction(quantity.value)
    return by_severity
