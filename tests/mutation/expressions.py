"""Every small mistake one could make in a PromQL expression: the whole expression's text, once per mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import promql_parser

from stackgen.catalog import promql

NEIGHBOURS = {
    ">": (">=", "<"),
    ">=": (">", "<="),
    "<": ("<=", ">"),
    "<=": ("<", ">="),
    "==": ("!=", ">="),
    "!=": ("==",),
}
"""Comparison operators and what they are easily confused with."""
ARITHMETIC = {"/": ("*",), "*": ("/",), "-": ("+",), "+": ("-",)}
AGGREGATIONS = {"max": ("min", "sum"), "sum": ("max",), "count": ("max",)}
TRANSPARENT = ("last_over_time", "max_over_time")
"""Functions over a range whose removal leaves the value and only loses what they bridge."""
TIMES_ZERO = "times 0: "
"""Marks mistakes in what is multiplied by 0: only whether there is a result, and its labels, can matter there."""
OF_THE_STACK = ("stack=", "environment=")
"""Matchers that tests/laws/test_belonging.py wants in every selector; a test of one stack does not miss them."""
_MATCHES = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
QUANTILES = ("0.9", "0.99")
Factors = tuple[Fraction, ...]
COARSE: Factors = (Fraction(1, 2), Fraction(2))
FINE: Factors = (Fraction(1, 2), Fraction(9, 10), Fraction(11, 10), Fraction(2))
"""By which numbers are made wrong: coarse in what is computed, fine in what is compared with a limit."""


@dataclass(frozen=True)
class Mistake:
    """One changed expression and what was changed, in words."""

    what: str
    text: str


@dataclass(frozen=True)
class _Node:
    text: str
    mistakes: tuple[Mistake, ...] = ()

    def inside(self, around: Callable[[str], str]) -> tuple[Mistake, ...]:
        """The mistakes of this node, each put into what is around it."""
        return tuple(Mistake(m.what, around(m.text)) for m in self.mistakes)


def mistakes(expr: str, factors: Factors) -> Iterator[Mistake]:
    """Each mistake once; an expression that means the same text as the original is left out."""
    whole = _node(promql_parser.parse(expr), factors)
    seen = {whole.text}
    for one in whole.mistakes:
        if one.text not in seen:
            seen.add(one.text)
            yield one


def _node(node: Any, factors: Factors) -> _Node:
    match type(node).__name__:
        case "NumberLiteral":
            return _number(node.val, factors)
        case "StringLiteral":
            return _Node(promql.text(node.val))
        case "ParenExpr":
            return _node(node.expr, factors)
        case "VectorSelector":
            return _selector(node)
        case "MatrixSelector":
            return _range(node)
        case "SubqueryExpr":
            return _subquery(node, factors)
        case "AggregateExpr":
            return _aggregate(node, factors)
        case "BinaryExpr":
            return _binary(node, factors)
        case "Call":
            return _call(node, factors)
        case kind:
            message = f"no mutation knows {kind}"
            raise NotImplementedError(message)


def _number(value: float, factors: Factors) -> _Node:
    exact = Fraction(repr(value))
    text = promql.number(exact)
    others = [exact * factor for factor in factors] if exact else [Fraction(1)]
    return _Node(text, tuple(Mistake(f"{text} -> {promql.number(n)}", promql.number(n)) for n in others))


def _duration(delta: Any) -> Fraction:
    return Fraction(str(delta.total_seconds()))


def _matcher(matcher: Any) -> str:
    """As PromQL reads it: the parser's own text of it lacks the escapes."""
    return f"{matcher.name}{_MATCHES[str(matcher.op)]}{promql.text(matcher.value)}"


def _selector(node: Any, span: str = "") -> _Node:
    matchers = [_matcher(m) for m in node.matchers.matchers]
    back = f" offset {promql.seconds(_duration(node.offset))}" if node.offset else ""
    name = node.name or ""

    def written(chosen: list[str], offset: str = back) -> str:
        return promql.select(name, *chosen) + span + offset

    found = [
        Mistake(f"{name}: {matcher} dropped", written([m for m in matchers if m != matcher]))
        for matcher in matchers
        if not matcher.startswith(OF_THE_STACK)
    ]
    if back:
        found.append(Mistake(f"{name}:{back} dropped", written(matchers, "")))
    return _Node(written(matchers), tuple(found))


def _range(node: Any) -> _Node:
    seconds = _duration(node.range)
    plain = _selector(node.vector_selector, f"[{promql.seconds(seconds)}]")
    other = tuple(
        Mistake(
            f"{node.vector_selector.name}: [{promql.seconds(seconds)}] -> [{promql.seconds(n)}]",
            _selector(node.vector_selector, f"[{promql.seconds(n)}]").text,
        )
        for n in (seconds / 2, seconds * 2)
    )
    return _Node(plain.text, (*plain.mistakes, *other))


def _subquery(node: Any, factors: Factors) -> _Node:
    inner, seconds, step = _node(node.expr, factors), _duration(node.range), _duration(node.step)

    def around(text: str, span: Fraction = seconds, every: Fraction = step) -> str:
        return f"({text})[{promql.seconds(span)}:{promql.seconds(every)}]"

    own = [Mistake(around("…", n), around(inner.text, n)) for n in (seconds / 2, seconds * 2)]
    own += [Mistake(around("…", seconds, n), around(inner.text, seconds, n)) for n in (step / 2, step * 2)]
    return _Node(around(inner.text), (*inner.inside(around), *own))


def _operator(node: Any) -> str:
    # The parser's Python binding does not name the operator of an aggregation or binary expression in any other way.
    return str(node.op)


def _without_one(labels: list[str]) -> Iterator[tuple[str, str]]:
    for label in labels:
        yield label, ", ".join(other for other in labels if other != label)


def _aggregate(node: Any, factors: Factors) -> _Node:
    inner, operator = _node(node.expr, factors), _operator(node)
    labels = list(node.modifier.labels) if node.modifier else []

    def around(text: str, by: str = ", ".join(labels), op: str = operator) -> str:
        return f"{op} by ({by}) ({text})" if by else f"{op}({text})"

    own = [
        Mistake(f"{operator} by ({', '.join(labels)}): {gone} dropped", around(inner.text, by))
        for gone, by in _without_one(labels)
    ]
    own += [
        Mistake(f"{operator} by ({', '.join(labels)}) -> {other}", around(inner.text, op=other))
        for other in AGGREGATIONS.get(operator, ())
    ]
    return _Node(around(inner.text), (*inner.inside(around), *own))


def _binary(node: Any, factors: Factors) -> _Node:
    left, right, operator = _node(node.lhs, factors), _node(node.rhs, factors), _operator(node)
    modifier = node.modifier
    on = list(modifier.matching.labels) if modifier and modifier.matching else None
    as_bool = " bool" if modifier and modifier.return_bool else ""

    def around(a: str, b: str, op: str = operator, labels: list[str] | None = on) -> str:
        matching = f" on ({', '.join(labels)})" if labels is not None else ""
        return f"({a}) {op}{as_bool}{matching} ({b})"

    own = [
        Mistake(f"{operator} -> {other}", around(left.text, right.text, other))
        for other in (*NEIGHBOURS.get(operator, ()), *ARITHMETIC.get(operator, ()))
    ]
    for label in on or ():
        rest = [other for other in on or () if other != label]
        own.append(
            Mistake(
                f"{operator} on ({', '.join(on or ())}): {label} dropped", around(left.text, right.text, labels=rest)
            )
        )
    if operator in ("and", "unless", "or"):
        own.append(Mistake(f"{operator} {_short(right.text)} removed", left.text))
    if operator == "or":
        own.append(Mistake(f"{_short(left.text)} or removed", right.text))
    if operator == "*" and left.text == "0":
        own = [Mistake(f"{TIMES_ZERO}{m.what}", m.text) for m in own]
        right = _Node(right.text, tuple(Mistake(f"{TIMES_ZERO}{m.what}", m.text) for m in right.mistakes))
    return _Node(
        around(left.text, right.text),
        (
            *left.inside(lambda a: around(a, right.text)),
            *right.inside(lambda b: around(left.text, b)),
            *own,
        ),
    )


def _call(node: Any, factors: Factors) -> _Node:
    name, arguments = node.func.name, [_node(argument, factors) for argument in node.args]

    def with_one(position: int) -> Callable[[str], str]:
        texts = [a.text for a in arguments]
        return lambda text: f"{name}({', '.join([*texts[:position], text, *texts[position + 1 :]])})"

    if name == "histogram_quantile":
        quantile = tuple(Mistake(f"quantile -> {q}", with_one(0)(q)) for q in QUANTILES)
        return _Node(with_one(0)(arguments[0].text), (*quantile, *arguments[1].inside(with_one(1))))
    found = [m for i, argument in enumerate(arguments) for m in argument.inside(with_one(i))]
    if name in TRANSPARENT:
        inner = node.args[0]
        bare = _node(inner.expr, factors) if hasattr(inner, "expr") else _selector(inner.vector_selector)
        found.append(Mistake(f"{name} removed", bare.text))
    text = f"{name}({', '.join(a.text for a in arguments)})"
    return _Node(text, tuple(found))


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
