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
    return [_line(alert, view) for alert in alerts if alert.overrides]


def _line(alert: Alert, view: View) -> Line:
    signal, severity = alert.signal, alert.severity
    limit = promql.select(THRESHOLD, f'signal="{signal.id}",severity="{severity}"', *chosen(signal))
    expr = f"{limit} and on ({signal.overrides}) {view.judged(signal)}"
    return Line(expr, f"{severity} limit {{{{{signal.overrides}}}}}", severity)


def words(panel: Panel, plan: Plan) -> list[str]:
    """What the panel's alerts say, in words, one sentence for each alert."""
    return [_sentence(plan.of(signal)) for signal in signals(panel, plan)]


def _sentence(alerts: Sequence[Alert]) -> str:
    conditions = []
    for alert in alerts:
        own = f" (other limits for {len(alert.overrides)})" if alert.overrides else ""
        conditions.append(f"{alert.severity} {alert.words}{own}")
    return f"Alert {alerts[0].signal.alert}: {', '.join(conditions)}."
