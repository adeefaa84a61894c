"""Signals by the name a person gives: the signal's own, or its alert's."""

from __future__ import annotations

from stackgen.catalog import registry
from stackgen.catalog.signal import Signal
from stackgen.document import shown
from stackgen.problem import Mark, Problem, SpecError
from stackgen.spec.checks import nearest


def is_signal(name: str) -> bool:
    """Whether it is the name of a signal or of an alert."""
    return any(name in (signal.id, signal.alert) for signal in registry.signals().values())


def signals(name: str) -> tuple[Signal, ...]:
    """The signal of that id, else every signal of that alert. Raises SpecError, which names the nearest."""
    known = registry.signals()
    if name in known:
        return (known[name],)
    found = tuple(signal for signal in known.values() if signal.alert == name)
    if found:
        return found
    names = {n.casefold(): n for signal in known.values() for n in (signal.id, signal.alert)}
    like = names.get(name.casefold())
    hint = f"did you mean {shown(like)}?" if like else nearest(name, names.values())
    message = f"no signal or alert named {shown(name)}, and no entry of stack.yaml means such a queue or task"
    hint = f"{hint} `stackgen list` shows all".strip()
    raise SpecError([Problem(Mark("stackgen explain"), "unknown-signal", "", message, hint)])
