"""Takes the expression of an alert apart: value, comparison, limit, guards; and says where two texts differ."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher
from fractions import Fraction
from functools import lru_cache

import promql_parser as ql
from pydantic_core import PydanticCustomError

from stackgen.rules.build import THRESHOLD
from stackgen.spec.scalars import Duration

_MOST_TOKENS = 2000
_PROMQL = re.compile(r'"(?:[^"\\]|\\.)*"|[\w:.]+|[=!<>]=?~?|\S')
_COUNTED = re.compile(r"(sum\b.*\(count_over_time\(\{.*\)) > ([0-9]{1,30}(?:\.[0-9]{1,30})?)", re.DOTALL)
_MISSED = re.compile(r"(sum\(absent_over_time\(\{.*) \[([0-9a-z]{2,30})\]\)\)", re.DOTALL)
_WORDS = re.compile(r"[\w%/.-]*[\w%/]|\S")

Pieces = tuple[tuple[str, str], ...]
"""Where two texts differ: what stands on one side, and what on the other."""


@dataclass(frozen=True)
class Taken:
    """An alert's expression without its numbers."""

    frame: str
    """The expression with a word in the place of the limit, guards left out."""
    above: bool | None = None
    """Whether it is bad above the limit, or below; None when nothing is compared."""
    limit: Fraction | None = None
    """None also when the limit is a recorded series."""
    joined: bool = False
    guards: tuple[tuple[str, Fraction], ...] = ()


def take_apart(expr: str) -> Taken:
    """Any text; what is neither PromQL nor LogQL, or not of our form, stays in one piece."""
    if in_logs := _of_logs(expr):
        return in_logs
    root = _parsed(expr)
    node, guards, rest = _bare(root), [], ""
    while isinstance(node, ql.BinaryExpr):
        match str(node.op), _bare(node.rhs):
            case "unless", right:
                rest = f" unless {right}{rest}"
            case "and", ql.BinaryExpr(op=op, rhs=ql.NumberLiteral(val=least)) as right if str(op) == ">=":
                guards.append((str(right.lhs), _exact(least) or Fraction(0)))
            case _:
                break
        node = _bare(node.lhs)
    if not isinstance(node, ql.BinaryExpr) or str(node.op) not in "<>":
        return Taken(normal(expr))
    limit, joined = None, False
    match _bare(node.rhs):
        case ql.NumberLiteral(val=value):
            limit = _exact(value)
        case ql.VectorSelector(name=name) if name == THRESHOLD:
            joined = True
        case _:
            return Taken(normal(expr))
    frame = f"{node.lhs} {node.op} limit{rest}"
    return Taken(frame, str(node.op) == ">", limit, joined, tuple(reversed(guards)))


def _of_logs(expr: str) -> Taken | None:
    """LogQL: lines that are counted, or missed for a time."""
    if found := _COUNTED.fullmatch(expr):
        return Taken(f"{found[1]} > limit", above=True, limit=Fraction(found[2]))
    if found := _MISSED.fullmatch(expr):
        with suppress(PydanticCustomError):
            return Taken(f"{found[1]} [limit]))", above=True, limit=Duration.of(found[2]).seconds)
    return None


def added_number(expr: str) -> Fraction | None:
    """The default inside a recorded threshold: `own or on (queue) 0 * max by (queue) (value) + 5000`."""
    match _bare(_parsed(expr)):
        case ql.BinaryExpr(op=op, rhs=right) if str(op) == "or":
            match _bare(right):
                case ql.BinaryExpr(op=plus, rhs=ql.NumberLiteral(val=value)) if str(plus) == "+":
                    return _exact(value)
                case _:
                    return None
        case _:
            return None


def vector(expr: str) -> Fraction | None:
    """The number of `vector(number)`, exactly as it is written."""
    found = re.fullmatch(r"\s*vector\(\s*(-?[0-9]{1,30}(?:\.[0-9]{1,30})?)\s*\)\s*", expr)
    return Fraction(found[1]) if found else None


def normal(expr: str) -> str:
    """The expression in one layout; text that is no PromQL with single spaces."""
    parsed = _parsed(expr)
    return " ".join(expr.split()) if parsed is None else str(parsed)


def pieces(old: str, new: str, kind: str = "expression") -> Pieces:
    """Where the two differ, each difference once; very long texts differ as a whole."""
    split: Callable[[str], list[str]] = (_PROMQL if kind == "expression" else _WORDS).findall
    one, two = split(old), split(new)
    if len(one) + len(two) > _MOST_TOKENS:
        return ((old, new),)
    found = SequenceMatcher(None, one, two, autojunk=False).get_opcodes()
    told = ((" ".join(one[a:b]), " ".join(two[c:d])) for tag, a, b, c, d in found if tag != "equal")
    return tuple(dict.fromkeys(told))


@lru_cache(maxsize=4096)
def _parsed(expr: str) -> ql.Expr | None:
    try:
        return ql.parse(expr)
    except ValueError:
        return None


def _bare(node: object) -> object:
    while isinstance(node, ql.ParenExpr):
        node = node.expr
    return node


def _exact(value: float) -> Fraction | None:
    try:
        return Fraction(repr(value))
    except ValueError:  # infinite, or no number
        return None
