"""The numbers of a signal on this stack: the catalogue's defaults, then what stack.yaml says."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from stackgen.catalog.logs.signals import LogSignal
from stackgen.catalog.signal import SEVERITIES, Level, Setting, Severity, Signal
from stackgen.resolve.plan import Bound, Judged
from stackgen.spec.model import Override, SeveritySpec, StackSpec, ThresholdSpec
from stackgen.spec.scalars import Duration

_NOTHING = ThresholdSpec.model_construct()
_NO_SEVERITY = SeveritySpec.model_construct()
_HOLD = Fraction(300)
"""Seconds a severity must last when neither the catalogue nor stack.yaml says."""


def judge(signal: Signal, spec: StackSpec) -> Judged:
    """The signal with this stack's thresholds, holds, guards and overrides."""
    written = spec.thresholds.get(signal.id, _NOTHING)
    overrides = _overrides(signal, spec)
    bounds: dict[Severity, Bound] = {}
    for severity in SEVERITIES:
        listed = any(severity in levels for levels in overrides.values())
        bound = _bound(signal.levels, severity, written, listed=listed, only_listed=signal.only_overrides)
        if bound:
            bounds[severity] = bound
    settings: dict[Setting, int] = {g.setting: _setting(g.setting, g.default, written) for g in signal.guards}
    kept = {who: {s: v for s, v in levels.items() if s in bounds} for who, levels in overrides.items()}
    return Judged(signal=signal, bounds=bounds, overrides=kept, settings=settings)


def _setting(setting: Setting, default: int, written: ThresholdSpec) -> int:
    value = written.min_tasks if setting == "min_tasks" else written.min_failures
    return default if value is None else value


def bounds_in_logs(signal: LogSignal, spec: StackSpec) -> dict[Severity, Bound]:
    """When each severity of a signal of the logs begins on this stack."""
    written = spec.thresholds.get(signal.id, _NOTHING)
    found = {s: _bound(signal.levels, s, written) for s in SEVERITIES}
    return {severity: bound for severity, bound in found.items() if bound}


def _bound(
    levels: Mapping[Severity, Level],
    severity: Severity,
    written: ThresholdSpec,
    *,
    listed: bool = False,
    only_listed: bool = False,
) -> Bound | None:
    default = levels.get(severity)
    own = written.severity(severity) or _NO_SEVERITY
    if own.never:
        return None
    threshold = default.threshold if default else None
    if own.threshold:
        threshold = Fraction(own.threshold.value)
    if only_listed:
        threshold = None
    if threshold is None and not listed:
        return None
    fallback = default.hold if default else max((level.hold for level in levels.values()), default=None)
    return Bound(
        threshold,
        _first(own.hold, written.hold, _HOLD if fallback is None else Fraction(fallback)),
        _first(own.keep_firing_for, written.keep_firing_for, Fraction(default.keep if default else 0)),
    )


def _first(own: Duration | None, shared: Duration | None, default: Fraction) -> Fraction:
    for written in (own, shared):
        if written is not None:
            return written.seconds
    return default


def _overrides(signal: Signal, spec: StackSpec) -> dict[str, dict[Severity, Fraction]]:
    if signal.id == "queue_workers":
        return {name: {"warning": Fraction(q.min_workers)} for name, q in spec.queues.items() if q.min_workers}
    if signal.id == "task_overdue":
        return {name: {"warning": t.period.seconds} for name, t in spec.tasks.items() if t.period}
    written: Mapping[str, Mapping[str, Override]] = {}
    if signal.overrides == "queue":
        written = {name: queue.thresholds for name, queue in spec.queues.items()}
    elif signal.overrides == "task":
        written = {name: task.thresholds for name, task in spec.tasks.items()}
    found = {who: _levels(thresholds.get(signal.id)) for who, thresholds in written.items()}
    return {who: levels for who, levels in found.items() if levels}


def _levels(override: Override | None) -> dict[Severity, Fraction]:
    if override is None:
        return {}
    by_severity: dict[Severity, Fraction] = {}
    for severity, quantity in zip(SEVERITIES, (override.info, override.warning, override.critical), strict=True):
        if quantity is not None:
            by_severity[severity] = Fraction(quantity.value)
    return by_severity
