"""One set of dashboards for stacks that share a Grafana: `stack` and `environment` are chosen at the top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from stackgen.catalog.copies import Copies
from stackgen.catalog.signal import SEVERITIES
from stackgen.resolve.plan import Alert, Plan

STACK = "$stack"
ENVIRONMENT = "$environment"


def together(plans: Sequence[Plan]) -> Plan:
    """A plan for the dashboards alone: it shows what any of the stacks has, of the one that is chosen."""
    first = next((plan for plan in plans if plan.has_loki), plans[0])
    alerts = tuple(_alert(same, len(plans)) for same in _same(plans))
    on = {alert.signal.id for alert in alerts}
    copies = Copies({label: () for plan in plans for label in plan.site.copies.labels})
    stack = first.spec.stack.model_copy(update={"name": STACK, "environment": ENVIRONMENT})
    return replace(
        first,
        spec=first.spec.model_copy(update={"stack": stack}),
        site=replace(first.site, stack=STACK, environment=ENVIRONMENT, told={}, copies=copies),
        alerts=alerts,
        off=tuple(off for off in first.off if off.signal.id not in on),
        chosen={name: chosen for plan in reversed(plans) for name, chosen in plan.chosen.items()},
        among=tuple(plans),
    )


def _same(plans: Sequence[Plan]) -> list[list[Alert]]:
    """The alerts of all stacks by signal and severity, signals in the order in which they are first met."""
    met = {signal.id: None for plan in plans for signal in plan.active}
    place = {name: number for number, name in enumerate(met)}
    alerts = [alert for plan in plans for alert in plan.alerts]
    alerts.sort(key=lambda one: (place[one.signal.id], SEVERITIES.index(one.severity)))
    return [list(same) for _, same in groupby(alerts, key=lambda one: (one.signal.id, one.severity))]


def _alert(same: Sequence[Alert], stacks: int) -> Alert:
    """One record: its threshold only where it is that of every stack, and of all their queues and tasks."""
    numbers = {one.threshold for one in same}
    everywhere = len(same) == stacks and len(numbers) == 1 and not any(one.overrides for one in same)
    overrides = next((one.overrides for one in same if one.overrides), {})
    return replace(same[0], threshold=same[0].threshold if everywhere else None, overrides=overrides)
