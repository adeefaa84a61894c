"""alerts.md: every alert of this stack with its numbers, on one page to print."""

from __future__ import annotations

from collections.abc import Sequence

from stackgen.catalog.series import limit
from stackgen.emitters.docs import places
from stackgen.resolve import words
from stackgen.resolve.plan import Alert, DisabledSignal, Plan

MOST = 200
"""Longer lists of queues and tasks are cut: the page is for printing."""


def context(plan: Plan) -> dict[str, object]:
    """One line per signal and severity; queues and tasks with limits of their own; what is not judged."""
    own = [line for signal in plan.active for line in _own(plan.of(signal))]
    owners = _owners(plan)
    return {
        "stack": plan.spec.stack.name,
        "environment": plan.spec.stack.environment,
        "owner": plan.spec.stack.owner,
        "alerts": [_line(alert, plan) for alert in plan.alerts],
        "own": own[:MOST] or None,
        "more_own": len(own) - MOST if len(own) > MOST else None,
        "owners": owners[:MOST] or None,
        "more_owners": len(owners) - MOST if len(owners) > MOST else None,
        "off": [_off(one) for one in plan.off] or None,
    }


def _off(off: DisabledSignal) -> dict[str, object]:
    return {"alert": off.signal.alert, "id": off.signal.id, "reason": off.reason, "hint": off.hint}


def _line(alert: Alert, plan: Plan) -> dict[str, object]:
    page = f"runbooks/{alert.signal.alert}.md"
    return {
        "alert": alert.signal.alert,
        "file": f"../{page}" if places.exists(page, plan) else None,
        "title": alert.signal.title,
        "severity": alert.severity,
        "when": alert.words,
        "least": words.least(alert.guards),
    }


def _own(alerts: Sequence[Alert]) -> list[dict[str, object]]:
    return [
        {
            "alert": alert.signal.alert,
            "who": who,
            "severity": alert.severity,
            "threshold": f"{alert.signal.bad_when} {limit(threshold, alert.signal.unit)}",
        }
        for who, alert, threshold in words.by_subject(alerts)
    ]


def _owners(plan: Plan) -> list[tuple[str, str]]:
    return list(dict.fromkeys(pair for one in plan.active for pair in plan.of(one)[0].owners.items()))
