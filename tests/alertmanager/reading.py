"""alertmanager.yml as Alertmanager reads it: the way of an alert through the routes, and which alert mutes which.

Real programs are asked whether this reading is theirs: amtool for the routes, Alertmanager for what is muted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Labels = Mapping[str, str]
Config = Mapping[str, Any]

_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"', re.DOTALL)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_INHERITED = ("receiver", "group_by", "group_wait", "group_interval", "repeat_interval")


@dataclass(frozen=True)
class Way:
    """How an alert is told: durations in seconds."""

    receiver: str
    group_by: frozenset[str]
    group_wait: float
    group_interval: float
    repeat_interval: float
    mutes: frozenset[str]


def seconds(text: str) -> float:
    """A duration such as 3m30s."""
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdw])", text))


def matches(matchers: Iterable[str], labels: Labels) -> bool:
    """Whether labels fit all of some matchers; a label that is not there is empty."""
    return all(_fits(text, labels.get(_parsed(text)[0], "")) for text in matchers)


@lru_cache(maxsize=10_000)
def _parsed(matcher: str) -> tuple[str, str, str]:
    found = _MATCHER.fullmatch(matcher)
    if not found:
        message = f"no matcher: {matcher}"
        raise ValueError(message)
    return found[1], found[2], json.loads(f'"{found[3]}"', strict=False)


@lru_cache(maxsize=100_000)
def _fits(matcher: str, value: str) -> bool:
    _, operator, wanted = _parsed(matcher)
    same = value == wanted if operator in ("=", "!=") else bool(re.fullmatch(wanted, value))
    return same == operator.startswith("=")


def ways(route: Config, labels: Labels, above: Config | None = None) -> list[Way]:
    """Every way on which an alert is told: of the children that fit the first, and further ones while they say so."""
    here = {**(above or {}), **{key: route[key] for key in _INHERITED if key in route}}
    found: list[Way] = []
    for child in route.get("routes", ()):
        if matches(child.get("matchers", ()), labels):
            found += ways(child, labels, here)
            if not child.get("continue"):
                break
    return found or [_way(here, route.get("mute_time_intervals", ()))]


def _way(settings: Config, mutes: Iterable[str]) -> Way:
    wait, interval, repeat = (seconds(settings[key]) for key in _INHERITED[2:])
    return Way(settings["receiver"], frozenset(settings["group_by"]), wait, interval, repeat, frozenset(mutes))


def muted(rules: Sequence[Config], firing: Sequence[Labels]) -> Iterator[tuple[int, int]]:
    """(the one that is muted, the one that mutes it) of all alerts that fire, by their numbers."""
    for rule in rules:
        causes = [n for n, labels in enumerate(firing) if matches(rule["source_matchers"], labels)]
        effects = [n for n, labels in enumerate(firing) if matches(rule["target_matchers"], labels)]
        both = set(causes) & set(effects)
        for effect in effects:
            for cause in causes:
                # An alert that is on both sides is not muted by another that is so too, nor by itself.
                if not (effect in both and cause in both) and _agree(
                    rule.get("equal", ()), firing[effect], firing[cause]
                ):
                    yield effect, cause


def _agree(equal: Iterable[str], one: Labels, other: Labels) -> bool:
    return all(one.get(label, "") == other.get(label, "") for label in equal)
