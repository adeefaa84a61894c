"""Thresholds as Grafana draws them: the alerts' own numbers, or the series in which queues and tasks have their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from stackgen.catalog import promql
from stackgen.catalog.dashboard import Panel, View, chosen
from stackgen.catalog.signal import SEVERITIES, Severity, Signal
from stackgen.resolve.plan import Alert, Plan
from stackgen.rules.build import THRESHOLD

COLORS: dict[Severity, str] = {"critical": "red", "warning": "orange", "info": "blue"}
GOOD = "green"
_MOST = 6
"""More stacks than this are counted, not listed."""


@dataclass(frozen=True)
class Line:
    """A threshold that differs between queues or tasks, as one more query."""

    expr: str
    legend: str
    severity: Severity


def signals(panel: Panel, plan: Plan) -> list[Signal]:
    """The panel's signals that are on."""
    return [signal for signal in panel.signals if plan.of(signal)]


def steps(panel: Panel, plan: Plan) -> list[dict[str, object]]:
    """Grafana's steps: from each value on, the colour of the worst severity that is reached there."""
    on = signals(panel, plan)
    bad_when = on[0].bad_when if on else "above"
    alerts = [alert for signal in on for alert in plan.of(signal)]
    limits = [(a.threshold, a.severity) for a in alerts if a.threshold is not None and not a.overrides]
    edges = sorted({limit for limit, _ in limits})
    colors = [_color(s for limit, s in limits if _reached(edge, limit, bad_when)) for edge in [None, *edges]]
    return [
        {"color": color, "value": None if edge is None else _json_number(edge)}
        for edge, color in zip([None, *edges], colors, strict=True)
    ]


def _reached(edge: Fraction | None, limit: Fraction, bad_when: str) -> bool:
    """Whether a value just at or above `edge` (None: below every edge) is beyond the limit."""
    if bad_when == "above":
        return edge is not None and edge >= limit
    return edge is None or edge < limit


def _color(severities: Iterable[Severity]) -> str:
    worst = max(severities, key=SEVERITIES.index, default=None)
    return COLORS[worst] if worst else GOOD


def _json_number(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def lines(panel: Panel, view: View, plan: Plan) -> list[Line]:
    """One query for each severity in which a queue or task has its own threshold, only for what the panel draws."""
    alerts = [alert for signal in signals(panel, plan) for alert in plan.of(signal)]
    drawn = [_line(alert, view) for alert in alerts if alert.overrides]
    return drawn + [line for alert in alerts if alert.threshold is None and (line := _of_stacks(alert, view, plan))]


def _line(alert: Alert, view: View) -> Line:
    signal, severity = alert.signal, alert.severity
    limit = promql.select(THRESHOLD, f'signal="{signal.id}",severity="{severity}"', *chosen(signal))
    expr = f"{limit} and on ({signal.overrides}) {view.judged(signal)}"
    return Line(expr, f"{severity} limit {{{{{signal.overrides}}}}}", severity)


def _of_stacks(alert: Alert, view: View, plan: Plan) -> Line | None:
    """The number of the stack that is chosen, where those of many differ: each part finds its own stacks only."""
    numbers: dict[tuple[Fraction, str], list[str]] = {}
    for one in plan.among:
        for own in one.of(alert.signal):
            if own.severity == alert.severity and own.threshold is not None and not own.overrides:
                numbers.setdefault((own.threshold, one.site.environment), []).append(one.site.stack)
    exprs = []
    for (number, environment), stacks in numbers.items():
        which = promql.one_of("environment", [environment]), promql.one_of("stack", stacks)
        exprs.append(f"0 * max({view.value(alert.signal, *which)}) + {promql.number(number)}")
    return Line(" or ".join(exprs), f"{alert.severity} limit", alert.severity) if exprs else None


def words(panel: Panel, plan: Plan) -> list[str]:
    """What the panel's alerts say, in words, one sentence for each alert."""
    return [_sentence(*told) for signal in signals(panel, plan) for told in _told(signal, plan)]


def _told(signal: Signal, plan: Plan) -> Iterable[tuple[Sequence[Alert], str]]:
    """The alerts of one stack; of many, those of each that differ, and on which stacks they do."""
    if not plan.among:
        return [(plan.of(signal), "")]
    found: dict[str, tuple[Sequence[Alert], list[str]]] = {}
    for one in plan.among:
        if alerts := one.of(signal):
            found.setdefault(_sentence(alerts), (alerts, []))[1].append(f"{one.site.stack} {one.site.environment}")
    every = len(plan.among)
    return [(alerts, "" if len(stacks) == every else f" (on {_some(stacks)})") for alerts, stacks in found.values()]


def _some(stacks: Sequence[str]) -> str:
    more = f" and {len(stacks) - _MOST} more" if len(stacks) > _MOST else ""
    return ", ".join(stacks[:_MOST]) + more


def _sentence(alerts: Sequence[Alert], where: str = "") -> str:
    conditions = []
    for alert in alerts:
        own = f" (other limits for {len(alert.overrides)})" if alert.overrides else ""
        conditions.append(f"{alert.severity} {alert.words}{own}")
    return f"Alert {alerts[0].signal.alert}: {', '.join(conditions)}{where}."
