"""PrometheusRule: the groups of prometheus/rules, one object each, cut where one would be too large."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stackgen.artefact import Artefact
from stackgen.emitters.kubernetes.objects import file, thing
from stackgen.resolve.plan import Plan
from stackgen.rules.build import groups
from stackgen.rules.plain import plain

MOST = 262_144
"""Bytes of an object. kubectl apply and Argo CD keep it whole in an annotation of that size; the operator skips rules
of over 524,288."""
_ROOM = 220_000
"""Bytes that the rules of one object may have by our estimate."""

Data = Mapping[str, Any]


def artefacts(plan: Plan) -> Iterator[Artefact]:
    """One file for each object."""
    for group in groups(plan):
        parts = cut(plain(group))
        why = f"{len(parts)} objects: one would be over {MOST} bytes. Constant limits stand in groups of their own."
        for part in parts:
            spec = {"spec": {"groups": [part]}}
            name = called(part["name"])
            one = thing("PrometheusRule", name, spec, plan, why if len(parts) > 1 else "")
            yield file(f"rules/{name}.yaml", [one])


def called(group: str) -> str:
    """The object that holds a group."""
    return group.replace("_", ".")  # no object's name has one


def uncut(group: str) -> str:
    """The group that it is a part of, or is."""
    return re.sub(r"-limits-\d+$", "", group)


def cut(group: Data) -> list[Data]:
    """The group itself where it is small enough; else the constants among its rules in groups of their own, before it.

    A constant is the same at every evaluation, so that it does not matter which group records it.
    """
    if sum(map(_size, group["rules"])) <= _ROOM:
        return [group]
    rest = [rule for rule in group["rules"] if not _is_constant(rule)]
    parts = _chunks(rule for rule in group["rules"] if _is_constant(rule))
    return [
        *({**group, "name": f"{group['name']}-limits-{number}", "rules": part} for number, part in enumerate(parts, 1)),
        {**group, "rules": rest},
    ]


def _is_constant(rule: Data) -> bool:
    return "record" in rule and rule["expr"].startswith("vector(")


def _chunks(rules: Iterable[Data]) -> list[list[Data]]:
    found: list[list[Data]] = []
    room = 0
    for rule in rules:
        if _size(rule) > room:
            found.append([])
            room = _ROOM
        found[-1].append(rule)
        room -= _size(rule)
    return found


def _size(value: object) -> int:
    """About the bytes that it has as YAML, rather too many."""
    if isinstance(value, Mapping):
        return sum(16 + _size(key) + _size(item) for key, item in value.items())
    return len(str(value).encode()) + 12 * str(value).count("\n")
