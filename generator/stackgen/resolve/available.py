"""Which panels and queries a stack can fill, and why it cannot fill the others."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.catalog import registry
from stackgen.catalog.dashboard import Dashboard, Panel, Query, View
from stackgen.catalog.series import Series
from stackgen.catalog.signal import Signal
from stackgen.resolve.plan import Plan

_SCRAPED = "job="
"""In what selects targets, not what rules record."""


def view(plan: Plan) -> View:
    """What panels' expressions may know of the stack."""
    return View(
        site=plan.site,
        recorded=frozenset(signal.id for signal in plan.metric_signals),
        jobs=tuple(dict.fromkeys(scraped.source.job for scraped in plan.scraped)),
    )


def shown(panel: Panel, plan: Plan) -> Panel | None:
    """The panel with the queries that can be answered; None when there is none."""
    queries = tuple(query for query in panel.queries if not _lacks(query, plan))
    return panel._replace(queries=queries) if queries else None


def is_empty(dashboard: Dashboard, plan: Plan) -> bool:
    """Whether this stack can show nothing of it; then it is not written."""
    return not any(shown(panel, plan) for panel in dashboard.panels)


def missing(dashboard: Dashboard, plan: Plan) -> Iterator[tuple[str, str]]:
    """What is left out of a dashboard, and why: panels, and columns of tables that are shown."""
    for panel in dashboard.panels:
        lacking = [(query.legend, reason) for query in panel.queries if (reason := _lacks(query, plan))]
        if len(lacking) == len(panel.queries):
            yield panel.title, lacking[0][1]
        else:
            yield from ((f"{panel.title}, {legend}", reason) for legend, reason in lacking)


def _lacks(query: Query, plan: Plan) -> str:
    """Why a query cannot be answered; "" when it can."""
    if plan.among and _SCRAPED in query.expr(view(plan)):
        return "it reads what Prometheus scrapes, which only the dashboards of one stack tell from all others'"
    for need in query.needs:
        reason = _signal(need, plan) if isinstance(need, Signal) else _series(need, plan)
        if reason:
            return reason
    return ""


def _signal(signal: Signal, plan: Plan) -> str:
    if plan.of(signal):
        return ""
    if reason := signal.applies(plan.site):
        return reason
    if signal.before or not signal.needs:  # its value exists only as a recorded series
        return next((_because(off.reason, off.hint) for off in plan.off if off.signal.id == signal.id), "not judged")
    return next((reason for series in signal.needs if (reason := _series(series, plan))), "")


def _series(series: Series, plan: Plan) -> str:
    if series.name in plan.chosen:
        return ""
    for off in plan.off:
        if series in off.signal.needs and off.hint:
            return _because(off.reason, off.hint)
    kind = plan.spec.celery.broker.kind
    able = [
        s.id
        for s in registry.sources().values()
        if s.broker in ("", kind) and any(r.series is series for r in s.readings)
    ]
    return _because("no listed source measures it", f"add source {' or '.join(able)}" if able else "")


def _because(reason: str, hint: str) -> str:
    return f"{reason} ({hint})" if hint else reason
