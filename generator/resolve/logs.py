"""What is judged in the logs of one stack, and by whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from generator.catalog.logs.asked import Asked, Query, queries
from generator.catalog.logs.signals import LOG_SIGNALS
from generator.document import Document
from generator.problem import Problem
from generator.resolve.numbers import bounds_in_logs
from generator.resolve.plan import Logged
from generator.spec.model import StackSpec

JUDGES = frozenset({"alloy", "cloudwatch"})
"""Shippers whose backend judges with what we write: Loki's ruler, CloudWatch's alarms. Kibana's rules need an account
that can only be made in a running Kibana."""


def logged(spec: StackSpec) -> tuple[Logged, ...]:
    """Every signal of the logs that somebody judges and that is not switched off."""
    if spec.logs is None or not JUDGES.intersection(spec.logs.shippers):
        return ()
    found = []
    for signal in LOG_SIGNALS.values():
        written = spec.thresholds.get(signal.id)
        bounds = bounds_in_logs(signal, spec)
        if bounds and (written is None or written.enabled):
            found.append(Logged(signal, bounds))
    return tuple(found)


def problems(spec: StackSpec, document: Document) -> Iterator[Problem]:
    """Signals of the logs that stack.yaml names although nobody judges logs."""
    if spec.logs is not None and JUDGES.intersection(spec.logs.shippers):
        return
    for name, written in spec.thresholds.items():
        if name in LOG_SIGNALS and written.enabled:
            path = ("thresholds", name)
            message = f"{name} cannot be judged on this stack: no shipper whose backend judges logs is listed"
            hint = f"add {' or '.join(sorted(JUDGES))} to logs.shippers"
            yield Problem(document.key_mark(path), "signal-without-source", ".".join(path), message, hint)


def look(asked: Iterable[Asked], spec: StackSpec) -> list[tuple[str, list[Query]]]:
    """Each question's title, and how each backend of this stack is asked; nothing where no logs are sent."""
    if spec.logs is None:
        return []
    name, environment = spec.stack.name, spec.stack.environment
    distinct = dict.fromkeys(asked)
    return [(one.title, list(queries(one, spec.logs.shippers, name, environment))) for one in distinct]
