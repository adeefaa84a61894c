"""alerts.md: every alert of this stack with its numbers, on one page to print."""

from __future__ import annotations

from stackgen.emitters.docs import places
from stackgen.resolve import words
from stackgen.resolve.alerts import own
from stackgen.resolve.plan import Alert, Judged, Off, Plan

MOST = 200
"""Longer lists of queues and tasks are cut: the page is for printing."""


def context(plan: Plan) -> dict[str, object]:
    """One line per signal and severity; queues and tasks with limits of their own; what is not judged."""
    own = [line for one in plan.active for line in _own(one)]
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


def _off(off: Off) -> dict[str, object]:
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


def _own(judged: Judged) -> list[dict[str, object]]:
    return [
        {
            "alert": judged.signal.alert,
            "who": who,
            "severity": severity,
            "threshold": f"{judged.signal.bad_when} {words.limit(threshold, judged.signal.unit)}",
        }
        for who, levels in judged.overrides.items()
        for severity, threshold in levels.items()
    ]


def _owners(plan: Plan) -> list[tuple[str, str]]:
    return list(dict.fromkeys(pair for one in plan.active for pair in own(one.signal, plan.spec).items()))
