"""All signals and sources of a stack, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stackgen.catalog import registry
from stackgen.catalog.logs.signals import LogSignal
from stackgen.catalog.signal import SEVERITIES, Severity, Signal
from stackgen.resolve.alerts import sources
from stackgen.resolve.plan import Judged, Logged, Off, Plan
from stackgen.resolve.words import limit
from stackgen.rules.build import describe


@dataclass(frozen=True)
class Table:
    """Rows of plain text under a title; every row has as many cells as the head."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def state(off: Off | None) -> str:
    """`on`, or `off` and why."""
    return f"off: {off.reason}" if off else "on"


def tables(plan: Plan) -> tuple[Table, ...]:
    """The signals, those that are off last and with the reason; then what each source gives."""
    on = [(j.signal.id, j.signal.alert, "on", _read_from(j, plan), _levels(j)) for j in plan.everything]
    off = [(o.signal.id, o.signal.alert, "off", "–", _never(o)) for o in (*plan.off, *plan.unlogged)]
    return (
        Table("Signals", ("signal", "alert", "state", "source", "fires"), (*on, *off)),
        Table("Sources", ("source", "version", "what", "gives"), tuple(_sources(plan))),
    )


def _never(off: Off) -> str:
    return f"never: {off.reason}{'; ' if off.hint else ''}{off.hint}"


def _read_from(judged: Judged | Logged, plan: Plan) -> str:
    return ", ".join(sources(judged.signal, plan)) or "–"


def _levels(judged: Judged | Logged) -> str:
    if judged.signal.id == "watchdog":
        return "always"
    words = []
    for severity in reversed(SEVERITIES):
        if severity in judged.bounds:
            words.append(f"{severity} {_level(judged, severity)}")
    return ", ".join(words)


def _level(judged: Judged | Logged, severity: Severity) -> str:
    own = len(judged.overridden(severity))
    each = f"{own} {judged.signal.overrides}{'s' if own > 1 else ''}"
    text = describe(judged, severity)
    if judged.bounds[severity].threshold is None:
        return f"{judged.signal.bad_when} its own limit {text}".strip() + f" (only {each})"
    return f"{text} ({each} with {'a limit of its own' if own == 1 else 'limits of their own'})" if own else text


def _sources(plan: Plan) -> Sequence[tuple[str, ...]]:
    gives: dict[str, list[str]] = {}
    for name, chosen in plan.chosen.items():
        gives.setdefault(chosen.source.id, []).append(name)
    return [
        (s.source.id, s.version or "–", s.source.title, ", ".join(gives.get(s.source.id, ())) or "nothing that is used")
        for s in plan.scraped
    ]


def as_json(plan: Plan) -> dict[str, object]:
    """The same as data: every signal of the catalogue, in its order, and every source that is scraped."""
    off = {o.signal.id: o for o in (*plan.off, *plan.unlogged)}
    on = {j.signal.id: j for j in plan.everything}
    signals = [_signal_json(s, on.get(s.id), off.get(s.id), plan) for s in registry.judged().values()]
    rows = _sources(plan)
    return {
        "signals": signals,
        "sources": [
            {
                "id": s.source.id,
                "version": s.version,
                "title": s.source.title,
                "targets": list(s.targets),
                "gives": row[3].split(", "),
            }
            for s, row in zip(plan.scraped, rows, strict=True)
        ],
    }


def _signal_json(
    signal: Signal | LogSignal, judged: Judged | Logged | None, off: Off | None, plan: Plan
) -> dict[str, object]:
    bounds = judged.bounds if judged else {}
    return {
        "id": signal.id,
        "alert": signal.alert,
        "title": signal.title,
        "state": "off" if off else "on",
        "reason": off.reason if off else "",
        "hint": off.hint if off else "",
        "sources": list(sources(signal, plan)) if judged else [],
        "bad_when": signal.bad_when,
        "severities": {
            severity: {
                "threshold": limit(bound.threshold, signal.unit) if bound.threshold is not None else None,
                "for_seconds": float(bound.hold),
                "keep_firing_for_seconds": float(bound.keep),
                "overrides": len(judged.overridden(severity)) if judged else 0,
            }
            for severity, bound in bounds.items()
        },
    }
