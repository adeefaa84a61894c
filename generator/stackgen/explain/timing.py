"""How long after a full change an alert can fire first, and when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import assert_never

from stackgen.catalog import input_shapes, promql
from stackgen.catalog.series import Series
from stackgen.catalog.signal import Severity
from stackgen.resolve.plan import Judged, Logged, Plan

_OUTLIERS = Fraction(5, 100)
"""Share of slow tasks beyond which a 95th percentile is slow."""


@dataclass(frozen=True)
class Part:
    """One reason to wait, in seconds."""

    seconds: Fraction
    why: str


def parts(judged: Judged, severity: Severity, plan: Plan) -> tuple[Part, ...]:
    """What passes, at the most, until the alert fires, when from one moment on everything is bad."""
    if isinstance(judged.signal.shape, input_shapes.Always):
        return ()
    listed = (
        _effect(judged, severity),
        _bridge(judged, plan),
        Part(plan.site.scrape, "scrape"),
        Part(plan.site.evaluation, "evaluation"),
        Part(judged.bounds[severity].hold, "for"),
    )
    return tuple(part for part in listed if part.seconds)


def in_logs(logged: Logged, severity: Severity, plan: Plan) -> tuple[Part, ...]:
    """The same for what is judged in the logs; a shipper needs about a second."""
    bound = logged.bounds[severity]
    silent = bound.threshold if logged.signal.window is None and bound.threshold else Fraction(0)
    listed = (Part(silent, "without a line"), Part(plan.site.evaluation, "evaluation"), Part(bound.hold, "for"))
    return tuple(part for part in listed if part.seconds)


def _effect(judged: Judged, severity: Severity) -> Part:
    """How long the window takes to show the change."""
    signal, threshold = judged.signal, judged.bounds[severity].threshold
    share = Fraction(0) if threshold is None else threshold
    match signal.shape:
        case input_shapes.Value(series=series):
            return Part(_part(share) * series.warmup, f"until the {_window(series)} shows it")
        case input_shapes.Share(part=series, inverted=inverted):
            needed = 1 - share if inverted else share
            return Part(_part(needed) * series.window, f"until {_percent(needed)} of the last {_size(series)} is bad")
        case input_shapes.Quantile(series=series):
            return Part(_OUTLIERS * series.window, f"until 5% of the last {_size(series)} is slow")
        case input_shapes.Stuck(started=series) | input_shapes.Drain(started=series):
            return Part(Fraction(series.window), f"until the starts of the last {_size(series)} are past")
        case input_shapes.Growth(series=series):
            return Part(Fraction(series.window), f"until the slope over {_size(series)} is complete")
        case input_shapes.Overdue():
            return Part(min(judged.overridden(severity).values(), default=share), "the shortest period")
        case input_shapes.Age() | input_shapes.Fleet() | input_shapes.Failures() | input_shapes.Always():
            return Part(Fraction(0), "")
        case _:
            assert_never(signal.shape)


def _part(share: Fraction) -> Fraction:
    return min(Fraction(1), max(Fraction(0), share))


def _percent(share: Fraction) -> str:
    return f"{promql.number(share * 100)}%"


def _size(series: Series) -> str:
    return promql.seconds(series.window)


def _window(series: Series) -> str:
    return f"average over {promql.seconds(series.warmup)}"


def _bridge(judged: Judged, plan: Plan) -> Part:
    """A value that one missed scrape must not make small is the largest of some scrapes: it falls late."""
    if judged.signal.bad_when == "below":
        chosen = (plan.chosen[series.name] for series in judged.signal.needs)
        texts = [rule.expr for one in chosen for rule in one.reading.rules(plan.site)]
        if any("max_over_time(" in text and f"[{plan.site.bridge}]" in text for text in texts):
            return Part(max(3 * plan.site.scrape, Fraction(90)), "until the last good scrape is forgotten")
    return Part(Fraction(0), "")


def total(listed: tuple[Part, ...]) -> Fraction:
    """The sum of all parts, to the whole second."""
    return Fraction(round(sum((part.seconds for part in listed), Fraction(0))))


def lingers(judged: Judged) -> int:
    """Seconds for which what is over still counts, because a window holds it."""
    return max((series.window for series in judged.signal.needs if series.kind == "counter"), default=0)
