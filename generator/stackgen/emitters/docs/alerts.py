"""alerts.md: every alert of this stack with its numbers, on one page to print."""

from __future__ import annotations

from stackgen.catalog import promql
from stackgen.catalog.signal import Severity
from stackgen.catalog.signals.stack import WATCHDOG
from stackgen.emitters.docs import places
from stackgen.resolve.alerts import own
from stackgen.resolve.plan import Judged, Logged, Off, Plan
from stackgen.resolve.words import limit
from stackgen.rules.build import describe

MOST = 200
"""Longer lists of queues and tasks are cut: the page is for printing."""


def context(stack: Plan) -> dict[str, object]:
    """One line per signal and severity; queues and tasks with limits of their own; what is not judged."""
    own = [line for one in stack.everything for line in _own(one)]
    told = _owners(stack)
    return {
        "stack": stack.spec.stack.name,
        "environment": stack.spec.stack.environment,
        "owner": stack.spec.stack.owner,
        "alerts": [_line(one, severity, stack) for one in stack.everything for severity in one.bounds],
        "own": own[:MOST] or None,
        "more_own": len(own) - MOST if len(own) > MOST else None,
        "owners": told[:MOST] or None,
        "more_owners": len(told) - MOST if len(told) > MOST else None,
        "off": [_off(one) for one in (*stack.off, *stack.unlogged)] or None,
    }


def _off(off: Off) -> dict[str, object]:
    return {"alert": off.signal.alert, "id": off.signal.id, "reason": off.reason, "hint": off.hint}


def _line(judged: Judged | Logged, severity: Severity, stack: Plan) -> dict[str, object]:
    signal = judged.signal
    page = f"runbooks/{signal.alert}.md"
    return {
        "alert": signal.alert,
        "file": f"../{page}" if places.exists(page, stack) else None,
        "title": signal.title,
        "severity": severity,
        "when": _when(judged, severity),
        "least": ", ".join(f"{guard.setting} {amount}" for guard, amount in judged.guards(severity)) or "any",
    }


def _when(judged: Judged | Logged, severity: Severity) -> str:
    bound = judged.bounds[severity]
    if judged.signal.id == WATCHDOG.id:
        return "always"
    if bound.threshold is None:
        lasting = f" for {promql.seconds(bound.hold)}" if bound.hold else ""
        return f"{judged.signal.bad_when} its own limit{lasting}"
    return describe(judged, severity)


def _own(judged: Judged | Logged) -> list[dict[str, object]]:
    return [
        {
            "alert": judged.signal.alert,
            "who": who,
            "severity": severity,
            "threshold": f"{judged.signal.bad_when} {limit(threshold, judged.signal.unit)}",
        }
        for who, levels in judged.overrides.items()
        for severity, threshold in levels.items()
    ]


def _owners(stack: Plan) -> list[tuple[str, str]]:
    return list(dict.fromkeys(pair for one in stack.everything for pair in own(one.signal, stack.spec).items()))
