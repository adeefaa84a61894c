"""The numbers of a signal on this stack: the catalogue's defaults, then what stack.yaml says."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from stackgen.catalog.signal import SEVERITIES, Setting, Severity, Signal
from stackgen.document import Trail
from stackgen.resolve.plan import Judged
from stackgen.spec.bound import UNWRITTEN, Bound, bound
from stackgen.spec.model import Override, StackSpec, ThresholdSpec
from stackgen.spec.scalars import Duration


def judge(signal: Signal, spec: StackSpec) -> Judged:
    """The signal with this stack's thresholds, holds, guards and overrides."""
    written = spec.thresholds.get(signal.id, UNWRITTEN)
    overrides = _overrides(signal, spec)
    bounds: dict[Severity, Bound] = {}
    for severity in SEVERITIES:
        listed = any(severity in levels for levels in overrides.values())
        merged = bound(signal.levels, severity, written, listed=listed, only_listed=bool(signal.limits_from))
        if merged:
            bounds[severity] = merged
    settings: dict[Setting, int] = {g.setting: _setting(g.setting, g.default, written) for g in signal.guards}
    kept = {who: {s: v for s, v in levels.items() if s in bounds} for who, levels in overrides.items()}
    return Judged(signal=signal, bounds=bounds, overrides=kept, settings=settings)


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
