"""What is wrong with an expression by itself, whatever exists: PromQL that says something else than it seems to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import promql_parser as ql

_META = re.compile(r"[\\.+*?()|\[\]{}^$]")
PICKS = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
"""Aggregations that choose series and keep their labels."""
COMPARES = frozenset({"==", "!=", ">", "<", ">=", "<="})
_KEEPING = frozenset(f"{how}_over_time" for how in ("last", "max", "min", "avg", "sum", "count"))
_KEEPING |= {"abs", "ceil", "floor", "round"}
"""Functions that give a value for each series that is there."""


class Lint(NamedTuple):
    """One finding: rule, message, hint."""

    rule: str
    message: str
    hint: str


def of_expression(node: object) -> Iterator[Lint]:
    """Findings in any expression."""
    for inner in walk(node):
        match inner:
            case ql.VectorSelector():
                yield from _plain_regexps(inner)
            case ql.BinaryExpr() if str(inner.op) == "/":
                yield from _self_ratio(inner)
            case ql.BinaryExpr() if str(inner.op) == "or":
                yield from _dead_or(inner)
            case _:
                pass


def of_alert(node: object) -> Iterator[Lint]:
    """Findings in the expression of an alert."""
    for inner in walk(node):
        if isinstance(inner, ql.AggregateExpr) and str(inner.op) in PICKS:
            message = f"{inner.op} picks other series at each evaluation, so `for` begins again and again"
            yield Lint("unstable-alert", message, "compare with a threshold instead")


def walk(node: object) -> Iterator[object]:
    """The expression and everything inside it."""
    yield node
    for inner in inside(node):
        yield from walk(inner)


def inside(node: object) -> tuple[object, ...]:
    """The operands or arguments of an expression."""
    match node:
        case ql.MatrixSelector():
            return (node.vector_selector,)
        case ql.SubqueryExpr() | ql.ParenExpr() | ql.UnaryExpr() | ql.AggregateExpr():
            return (node.expr,)
        case ql.BinaryExpr():
            return (node.lhs, node.rhs)
        case ql.Call():
            return tuple(node.args)
        case _:
            return ()


def bare(node: object) -> object:
    """The expression without parentheses around it."""
    while isinstance(node, ql.ParenExpr):
        node = node.expr
    return node


def _plain_regexps(node: ql.VectorSelector) -> Iterator[Lint]:
    for matcher in node.matchers.matchers:
        negated = matcher.op == ql.MatchOp.NotRe
        if (negated or matcher.op == ql.MatchOp.Re) and not _META.search(matcher.value):
            better = f'{matcher.name}{"!=" if negated else "="}"{matcher.value}"'
            message = f"{matcher.name} is matched with a regular expression that is plain text"
            yield Lint("plain-regexp", message, f"write {better}")


def _self_ratio(node: ql.BinaryExpr) -> Iterator[Lint]:
    """Without `on` or an aggregation each series meets the one with the same labels: itself."""
    left, right = _chain(node.lhs), _chain(node.rhs)
    if left is None or right is None or node.modifier is not None:
        return
    if left[:2] == right[:2] and not any(step.startswith("by ") for step in left[0]):
        message = f"each series of {left[1]} is divided by itself: the result is always 1"
        yield Lint("self-ratio", message, "aggregate both sides first: sum(...) / sum(...)")


def _dead_or(node: ql.BinaryExpr) -> Iterator[Lint]:
    """The left side has an answer wherever the right one has."""
    left, right = bare(node.lhs), bare(node.rhs)
    hint = "put the side that may be missing on the left, or remove the other"
    if isinstance(left, ql.Call) and left.func.name == "vector" and isinstance(right, ql.AggregateExpr):
        if right.modifier is None and str(right.op) not in PICKS:
            yield Lint("dead-or", "the right side of `or` never counts: the left one always has a value", hint)
        return
    mine, theirs = _chain(left), _chain(_uncompared(right))
    if mine is None or theirs is None or mine[:2] != theirs[:2]:
        return
    if mine[2] <= theirs[2]:
        message = f"the right side of `or` never counts: {mine[1]} on the left is there whenever it is on the right"
        yield Lint("dead-or", message, hint)


def _uncompared(node: object) -> object:
    """What a comparison with a number looks at."""
    if isinstance(node, ql.BinaryExpr) and str(node.op) in COMPARES and isinstance(bare(node.rhs), ql.NumberLiteral):
        return bare(node.lhs)
    return node


def _chain(node: object) -> tuple[tuple[str, ...], str, frozenset[str]] | None:
    """What is done to one selector, its metric and its matchers; None for anything more."""
    steps: list[str] = []
    node = bare(node)
    while not isinstance(node, ql.VectorSelector):
        match node:
            case ql.MatrixSelector():
                steps.append(f"[{node.range.total_seconds()}]")
            case ql.Call() if len(node.args) == 1:
                steps.append("" if node.func.name in _KEEPING else node.func.name)
            case ql.AggregateExpr() if str(node.op) not in PICKS:
                steps.append(f"by {node.modifier.type if node.modifier else ''} {_labels(node)}")
            case _:
                return None
        node = bare(inside(node)[0])
    if node.offset is not None or node.at is not None:
        return None
    matchers = frozenset(f"{m.name} {m.op} {m.value}" for m in node.matchers.matchers)
    return tuple(steps), node.name or "", matchers


def _labels(node: ql.AggregateExpr) -> str:
    return ",".join(sorted(node.modifier.labels)) if node.modifier else ""
