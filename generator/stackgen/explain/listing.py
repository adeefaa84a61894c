"""All signals and sources of a stack, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stackgen.catalog import registry
from stackgen.catalog.series import limit
from stackgen.catalog.signal import Signal
from stackgen.resolve.plan import Alert, DisabledSignal, Plan


@dataclass(frozen=True)
class Table:
    """Rows of plain text under a title; every row has as many cells as the head."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def state(off: DisabledSignal | None) -> str:
    """`on`, or `off` and why."""
    return f"off: {off.reason}" if off else "on"


def tables(plan: Plan) -> tuple[Table, ...]:
    """The signals, those that are off last and with the reason; then what each source gives."""
    on = [
        (signal.id, signal.alert, "on", ", ".join(plan.of(signal)[0].sources) or "–", _fires(plan.of(signal)))
        for signal in plan.active
    ]
    off = [(o.signal.id, o.signal.alert, "off", "–", _never(o)) for o in plan.off]
    return (
        Table("Signals", ("signal", "alert", "state", "source", "fires"), (*on, *off)),
        Table("Sources", ("source", "version", "what", "gives"), tuple(_sources(plan))),
    )


def _never(off: DisabledSignal) -> str:
    return f"never: {off.reason}{'; ' if off.hint else ''}{off.hint}"


def _fires(alerts: Sequence[Alert]) -> str:
    return ", ".join(_level(alert) for alert in reversed(alerts))


def _level(alert: Alert) -> str:
    if alert.signal.always:
        return alert.words
    own = len(alert.overrides)
    each = f"{own} {alert.signal.overrides}{'s' if own > 1 else ''}"
    text = f"{alert.severity} {alert.words}"
    if alert.threshold is None:
        return f"{text} (only {each})"
    return f"{text} ({each} with {'a limit of its own' if own == 1 else 'limits of their own'})" if own else text


def _sources(plan: Plan) -> Sequence[tuple[str, ...]]:
    gives: dict[str, list[str]] = {}
    for name, chosen in plan.chosen.items():
        for source in chosen.sources:
            gives.setdefault(source.id, []).append(name)
    return [
        (s.source.id, s.version or "–", s.source.title, ", ".join(gives.get(s.source.id, ())) or "nothing that is used")
        for s in plan.scraped
    ]


def as_json(plan: Plan) -> dict[str, object]:
    """The same as data: every signal of the catalogue, in its order, and every source that is scraped."""
    off = {o.signal.id: o for o in plan.off}
    signals = [_signal_json(s, plan.of(s), off.get(s.id)) for s in registry.signals().values()]
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


def _signal_json(signal: Signal, alerts: Sequence[Alert], off: DisabledSignal | None) -> dict[str, object]:
    return {
        "id": signal.id,
        "alert": signal.alert,
        "title": signal.title,
        "state": "off" if off else "on",
        "reason": off.reason if off else "",
        "hint": off.hint if off else "",
        "sources": list(alerts[0].sources) if alerts else [],
        "bad_when": signal.bad_when,
        "severities": {
            alert.severity: {
                "threshold": limit(alert.threshold, signal.unit) if alert.threshold is not None else None,
                "for_seconds": float(alert.hold),
                "keep_firing_for_seconds": float(alert.keep_firing_for),
                "overrides": len(alert.overrides),
            }
            for alert in alerts
        },
    }
