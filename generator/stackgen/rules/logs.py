"""Plan to the alert rules of Loki's ruler, as data: the form of Prometheus's rules, with LogQL inside."""

from __future__ import annotations

from stackgen.catalog import promql
from stackgen.catalog.logs import logql
from stackgen.catalog.logs.log_filter import LogFilter
from stackgen.catalog.signal import Signal
from stackgen.resolve.plan import Alert, Plan
from stackgen.rules.build import rule
from stackgen.rules.model import Alerting, Group


def group(plan: Plan) -> Group:
    """The one rule group of the logs."""
    alerts = tuple(_alert(alert, plan) for signal in plan.log_signals for alert in plan.of(signal))
    return Group(plan.site.named("logs"), (), alerts)


def path(plan: Plan) -> str:
    """The rule file below output/: the ruler reads a folder per tenant, and calls the only tenant `fake`."""
    tenant = plan.spec.logs.loki.tenant if plan.spec.logs else None
    return f"logs/loki/rules/{tenant or 'fake'}/{plan.site.named('logs')}.yaml"


def selector(plan: Plan) -> str:
    """What selects every line of the stack."""
    return logql.stream(plan.spec.stack.name, plan.spec.stack.environment)


def condition(alert: Alert, plan: Plan) -> str:
    """The alert's expression."""
    count, threshold = alert.signal.log_count, alert.threshold
    assert count is not None
    assert threshold is not None
    if count.window is None:
        return logql.absent(count.filter, selector(plan), threshold)
    return f"{value(alert.signal, count.filter, count.window, plan)} > {promql.number(threshold)}"


def value(signal: Signal, lines: LogFilter, window: int, plan: Plan) -> str:
    """How many lines there were, without those of tasks that stack.yaml ignores."""
    ignored = plan.site.task_matcher("task") if "task" in signal.by else ""
    return logql.count(lines, selector(plan), window, ignored)


def _alert(alert: Alert, plan: Plan) -> Alerting:
    return rule(alert, plan, condition(alert, plan))
