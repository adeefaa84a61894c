"""The catalogue's defaults and what stack.yaml says, merged: the only place where one yields to the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from stackgen.catalog.signal import Level, Severity
from stackgen.document import Trail
from stackgen.spec.model import SeveritySpec, ThresholdSpec
from stackgen.spec.scalars import Duration

Number = Literal["threshold", "for", "keep_firing_for"]

UNWRITTEN = ThresholdSpec.model_construct()
"""What stack.yaml says of a signal that it does not name."""
_NO_SEVERITY = SeveritySpec.model_construct()
_HOLD = Fraction(300)
"""Seconds a severity must last when neither the catalogue nor stack.yaml says."""


@dataclass(frozen=True)
class Threshold:
    """When one severity of one signal begins on this stack."""

    value: Fraction | None
    """None: only what is listed under the overrides is judged."""
    hold: Fraction
    """Seconds for which the threshold must be crossed before the alert fires."""
    keep_firing_for: Fraction
    """Seconds for which the alert goes on firing afterwards."""
    written: Mapping[Number, Trail]
    """The numbers that stack.yaml sets, and where below `thresholds.<signal>`; all others are defaults."""


def bound(
    levels: Mapping[Severity, Level],
    severity: Severity,
    spec: ThresholdSpec,
    *,
    listed: bool = False,
    only_listed: bool = False,
) -> Threshold | None:
    """The merged numbers of one severity; None when it is off.

    `listed`: a queue or task has a threshold of its own; `only_listed`: nothing else is judged.
    """
    default, own = levels.get(severity), spec.severity(severity) or _NO_SEVERITY
    if own.never:
        return None
    written: dict[Number, Trail] = {}
    threshold = default.threshold if default else None
    if own.threshold:
        threshold, written["threshold"] = Fraction(own.threshold.value), (severity, "threshold")
    if only_listed:
        threshold = None
    if threshold is None and not listed:
        return None
    fallback = default.hold if default else max((level.hold for level in levels.values()), default=None)
    durations: tuple[tuple[Number, Duration | None, Duration | None, Fraction], ...] = (
        ("for", own.hold, spec.hold, _HOLD if fallback is None else Fraction(fallback)),
        ("keep_firing_for", own.keep_firing_for, spec.keep_firing_for, Fraction(default.keep if default else 0)),
    )
    seconds: dict[Number, Fraction] = {}
    for name, mine, shared, otherwise in durations:
        chosen = shared if mine is None else mine
        seconds[name] = otherwise if chosen is None else chosen.seconds
        if chosen is not None:
            written[name] = (name,) if mine is None else (severity, name)
    return Threshold(threshold, seconds["for"], seconds["keep_firing_for"], written)


def own(base: Threshold, written: ThresholdSpec, severity: Severity) -> Threshold | None:
    """The numbers of one queue or task, which follow the signal's where it says nothing; None: never."""
    mine = written.severity(severity) or _NO_SEVERITY
    if mine.never or not written.enabled:
        return None
    hold = written.hold if mine.hold is None else mine.hold
    keep = written.keep_firing_for if mine.keep_firing_for is None else mine.keep_firing_for
    return Threshold(
        value=Fraction(mine.threshold.value) if mine.threshold else base.value,
        hold=base.hold if hold is None else hold.seconds,
        keep_firing_for=base.keep_firing_for if keep is None else keep.seconds,
        written={},
    )
