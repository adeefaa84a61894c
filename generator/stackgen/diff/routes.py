"""The routes, receivers and mute times of alertmanager.yml to facts: who is told of what, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from stackgen.diff.fact import Fact, Key
from stackgen.diff.read import facts_of, items, mapping, said

KEYS = ("route", "receivers", "time_intervals")
"""The parts of the file that this module tells of."""
_EQUALS = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"', re.DOTALL)

Found = Iterator[tuple[Key, Fact]]


def read(document: dict[str, Any], path: str) -> Found:
    """The facts of KEYS."""
    root = mapping(document.get("route"))
    yield from facts_of(_own(root), "route of any other alert", path).items()
    for route in map(mapping, items(root.get("routes"))):
        yield from _route(route, path)
    for receiver in map(mapping, items(document.get("receivers"))):
        yield from _receiver(receiver, path)
    for time in map(mapping, items(document.get("time_intervals"))):
        subject = f"mute time {said(time.get('name'))}"
        yield Key(subject, "", ""), Fact(value="", files=(path,), kind="presence")
        yield from facts_of({k: v for k, v in time.items() if k != "name"}, subject, path).items()


def _own(route: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in route.items() if key not in ("routes", "matchers")}


def _route(route: dict[str, Any], path: str) -> Found:
    """A route that names something is a subject; one that names nothing is only a frame around its severities."""
    name = _name(route)
    below = [mapping(child) for child in items(route.get("routes"))]
    if name:
        subject = f"route of {name}"
        told = ", ".join(f"{_name(child)}: {said(child.get('receiver'))}" for child in below)
        yield Key(subject, "", ""), Fact(value=told or said(route.get("receiver")), files=(path,), kind="presence")
        yield from facts_of(_own(route) if not below else {}, subject, path).items()
    for child in below:
        subject, before = (f"route of {name}", f"{_name(child)} ") if name else (f"route of {_name(child)}", "")
        for key, fact in facts_of(_own(child), subject, path).items():
            yield key._replace(aspect=before + key.aspect), fact


def _name(route: dict[str, Any]) -> str:
    """`critical alerts` for a severity, the name of an alert, else `queue bulk`; "" for a route without matchers."""
    names = []
    for matcher in map(said, items(route.get("matchers"))):
        parts = _EQUALS.fullmatch(matcher)
        label, value = parts.groups() if parts else ("", matcher)
        value = re.sub(r"\\(.)", r"\1", value)
        names.append({"severity": f"{value} alerts", "alertname": value, "": value}.get(label, f"{label} {value}"))
    return " and ".join(names)


def _receiver(receiver: dict[str, Any], path: str) -> Found:
    ways = {key: value for key, value in receiver.items() if key != "name"}
    subject = f"receiver {said(receiver.get('name'))}"
    kinds = ", ".join(key.removesuffix("_configs") for key in ways)
    yield Key(subject, "", ""), Fact(value=kinds or "tells nobody", files=(path,), kind="presence")
    yield from facts_of(
        {key.removesuffix("_configs"): _single(value) for key, value in ways.items()}, subject, path
    ).items()


def _single(way: object) -> object:
    """One integration of a kind is told without a number."""
    listed = items(way)
    return listed[0] if len(listed) == 1 else way
