"""What stack.yaml says of one queue or task: which entry means it, and what it has of its own by that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from stackgen.catalog.entries import Entries, is_pattern
from stackgen.catalog.series import limit
from stackgen.document import Document
from stackgen.resolve.plan import Plan

Kind = Literal["queue", "task"]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One queue or task that an entry of stack.yaml means."""

    kind: Kind
    name: str
    entry: str
    """The key in stack.yaml: the name itself, or a pattern."""
    place: str
    """Where it stands: file:line:col."""
    owner: str
    limits: Mapping[str, Mapping[str, str]]
    """Its own, by signal and severity."""


def subjects(name: str, plan: Plan, document: Document) -> list[Subject]:
    """The queue and the task of this name, as far as an entry means them."""
    return list(_subjects(name, plan, document))


def _subjects(name: str, plan: Plan, document: Document) -> Iterator[Subject]:
    spec = plan.spec
    for kind, section, parts in (("queue", "queues", spec.queues), ("task", "tasks", spec.tasks)):
        entry = Entries(parts).found(name)
        if entry is not None:
            mark = document.key_mark((section, entry))
            yield Subject(
                kind="queue" if kind == "queue" else "task",
                name=name,
                entry=entry,
                place=str(mark),
                owner=parts[entry].owner or spec.stack.owner,
                limits=_limits(kind, entry, plan),
            )


def _limits(kind: str, entry: str, plan: Plan) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for alert in plan.alerts:
        if alert.signal.overrides == kind and entry in alert.overrides:
            found.setdefault(alert.signal.id, {})[alert.severity] = limit(alert.overrides[entry], alert.signal.unit)
    return found


def text(one: Subject) -> str:
    """As a person reads it."""
    how = f"meant by the pattern {one.entry}" if is_pattern(one.entry) else "has an entry of its own"
    lines = [f"{one.kind} {one.name} · {how} ({one.place})", f"owner    {one.owner}"]
    heading = "limits   "
    for signal, levels in one.limits.items():
        listed = ", ".join(f"{severity} {value}" for severity, value in levels.items())
        lines.append(f"{heading}{signal}: {listed}")
        heading = " " * len(heading)
    lines.append("All else is as for every other; `stackgen explain <signal>` says how.")
    return "".join(f"{line}\n" for line in lines)
