"""The rules that stack.yaml makes and those that Prometheus has loaded, in one form that can be compared."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import promql_parser

from stackgen.doctor.seen import Rule
from stackgen.emitters.kubernetes.rules import uncut
from stackgen.resolve.plan import Plan
from stackgen.rules.build import group_names, groups

_STRING = r'"(?:[^"\\]|\\.)*"'
_MATCHER = re.compile(rf"\w+\s*(?:=~|!~|!=|=)\s*{_STRING}")
_BRACES = re.compile(rf'\{{(?:[^"{{}}]|{_STRING})*\}}')


def generated(plan: Plan) -> frozenset[Rule]:
    """The rules of this stack."""
    found = set()
    for group in groups(plan):
        found |= {Rule(group.name, r.record, _plain(r.expr), _sorted(r.labels), 0.0) for r in group.recordings}
        found |= {
            Rule(group.name, rule.alert.signal.alert, _plain(rule.expr), _sorted(rule.labels), float(rule.alert.hold))
            for rule in group.alerts
        }
    return frozenset(found)


def loaded(answer: object, plan: Plan) -> frozenset[Rule]:
    """The rules of this stack's groups in the answer of /api/v1/rules."""
    return frozenset(_loaded(answer, group_names(plan.site)))


def names(answer: object) -> frozenset[str]:
    """The groups in the answer of /api/v1/rules."""
    return frozenset(str(group.get("name", "")) for group in listed(answer))


def differing(wanted: frozenset[Rule], there: frozenset[Rule], space: str | None) -> tuple[set[Rule], set[Rule]]:
    """Rules that are lacking, and rules that should not be there.

    `space`: what an operator may have written into every selector and rule, in place of what stood there. The label
    under which it did is one that rules have and were not given.
    """
    given = {(rule.group, rule.name, label) for rule in wanted for label, _ in rule.labels}
    known = {(rule.group, rule.name) for rule in wanted}
    enforced = {
        label
        for rule in there
        for label, text in rule.labels
        if text == space and (rule.group, rule.name) in known and (rule.group, rule.name, label) not in given
    }
    if not space or not enforced:
        return {*(wanted - there)}, {*(there - wanted)}
    named = "|".join(map(re.escape, enforced))
    ours = {_without(rf"({named})(=~|!~|!=|=){_STRING}", rule, enforced) for rule in wanted}
    theirs = {_without(f'({named})="{re.escape(space)}"', rule, enforced) for rule in there}
    return ours - theirs, theirs - ours


def _without(matcher: str, rule: Rule, labels: Collection[str]) -> Rule:
    def kept(braces: re.Match[str]) -> str:
        found = [one for one in _MATCHER.findall(braces[0]) if not re.fullmatch(matcher, one)]
        return f"{{{','.join(found)}}}" if found else ""

    left = tuple(one for one in rule.labels if one[0] not in labels)
    return replace(rule, expr=_BRACES.sub(kept, rule.expr), labels=left)


def listed(answer: object) -> list[Mapping[str, Any]]:
    """The groups themselves in that answer; none where it is no such answer."""
    found = answer.get("groups") if isinstance(answer, Mapping) else None
    return found if isinstance(found, list) else []


def _loaded(answer: object, ours: Collection[str]) -> Iterator[Rule]:
    for group in listed(answer):
        name = uncut(str(group.get("name", "")))
        if name in ours:
            for rule in group.get("rules", []):
                labels = {str(k): str(v) for k, v in (rule.get("labels") or {}).items()}
                expr, hold = _plain(str(rule.get("query"))), float(rule.get("duration") or 0)
                yield Rule(name, str(rule.get("name")), expr, _sorted(labels), hold)


def _plain(expr: str) -> str:
    """Both sides through one parser, so that layout, order of matchers and ways of writing a number do not matter."""
    try:
        return _numbers(_BRACES.sub(_in_order, str(promql_parser.parse(expr))))
    except ValueError:
        return expr


def _in_order(braces: re.Match[str]) -> str:
    return f"{{{','.join(sorted(_MATCHER.findall(braces[0])))}}}"


def _numbers(expr: str) -> str:
    words = expr.split(" ")
    return " ".join(f"{float(w):g}" if _is_number(w) else w for w in words)


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def _sorted(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))
