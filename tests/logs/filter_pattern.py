"""CloudWatch's filter patterns for JSON, as far as metric filters of ours need them.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html: selectors with dots and
`[n]`, `=` and `!=` on text with `*` for any text, all comparisons on numbers, `IS NULL`, `IS TRUE`, `IS FALSE`,
`NOT EXISTS`, `&&` before `||`, parentheses. A line that is no JSON object matches nothing. What is not written there is
refused, not guessed.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Json = Any  # any line at all
Test = Callable[[Json], bool]
Token = tuple[str, str]
_MISSING = object()
_TOKEN = re.compile(
    r"""\s*(?:(?P<sign>&&|\|\||[()]|!=|>=|<=|[=<>])|(?P<selector>\$(?:\.[A-Za-z0-9_-]+|\[[0-9]+\])+)
    |(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>[^\s()&|=<>!"]+))""",
    re.X,
)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_STATES: Mapping[tuple[str, str], Test] = {
    ("IS", "NULL"): lambda value: value is None,
    ("IS", "TRUE"): lambda value: value is True,
    ("IS", "FALSE"): lambda value: value is False,
    ("NOT", "EXISTS"): lambda value: value is _MISSING,
}


class NotAPattern(ValueError):
    """The service would not take it, or this evaluator does not know it."""


def compiled(pattern: str) -> Callable[[str], bool]:
    """Whether a line matches, for one pattern. Raises NotAPattern."""
    found = re.fullmatch(r"\{(.*)\}", pattern.strip(), re.S)
    if not found or len(pattern) > 1024:
        message = f"expected braces around it, and at most 1024 characters: {pattern}"
        raise NotAPattern(message)
    tokens = _tokens(found[1])
    test, rest = _any(tokens)
    if rest:
        message = f"unexpected {rest[0][1]} in {pattern}"
        raise NotAPattern(message)
    return lambda line: isinstance(data := _parsed(line), dict) and test(data)


def _parsed(line: str) -> Json:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _tokens(text: str) -> list[Token]:
    tokens, at = [], 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if not found:
            message = f"cannot read {text[at:]}"
            raise NotAPattern(message)
        tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
        at = found.end()
    return tokens


def _any(tokens: Sequence[Token]) -> tuple[Test, Sequence[Token]]:
    test, rest = _all(tokens)
    while rest[:1] == [("sign", "||")]:
        left, (right, rest) = test, _all(rest[1:])
        test = _either(left, right)
    return test, rest


def _all(tokens: Sequence[Token]) -> tuple[Test, Sequence[Token]]:
    test, rest = _one(tokens)
    while rest[:1] == [("sign", "&&")]:
        left, (right, rest) = test, _one(rest[1:])
        test = _both(left, right)
    return test, rest


def _either(left: Test, right: Test) -> Test:
    return lambda data: left(data) or right(data)


def _both(left: Test, right: Test) -> Test:
    return lambda data: left(data) and right(data)


def _one(tokens: Sequence[Token]) -> tuple[Test, Sequence[Token]]:
    match list(tokens):
        case [("sign", "("), *inner]:
            test, rest = _any(inner)
            if rest[:1] != [("sign", ")")]:
                message = "a parenthesis is not closed"
                raise NotAPattern(message)
            return test, rest[1:]
        case [("selector", selector), ("word", first), ("word", second), *rest] if (first, second) in _STATES:
            state = _STATES[first, second]
            return lambda data: state(_value(data, selector)), rest
        case [("selector", selector), ("sign", sign), (kind, wanted), *rest] if sign in _COMPARE and kind != "sign":
            compare = _comparison(sign, kind, wanted)
            return lambda data: compare(_value(data, selector)), rest
        case _:
            message = f"expected a condition, got {' '.join(text for _, text in tokens) or 'nothing'}"
            raise NotAPattern(message)


def _comparison(sign: str, kind: str, wanted: str) -> Test:
    if kind == "word" and _NUMBER.fullmatch(wanted):
        return lambda value: (
            isinstance(value, int | float) and not isinstance(value, bool) and _COMPARE[sign](value, float(wanted))
        )
    if sign not in ("=", "!="):
        message = f"{sign} is for numbers: {wanted}"
        raise NotAPattern(message)
    text = str(json.loads(wanted)) if kind == "text" else wanted
    pattern = re.compile(".*".join(map(re.escape, text.split("*"))), re.S)
    return lambda value: (
        value is not _MISSING
        and not isinstance(value, dict | list)
        and (pattern.fullmatch(value if isinstance(value, str) else json.dumps(value)) is not None) == (sign == "=")
    )


def _value(data: Json, selector: str) -> Json:
    for step in re.findall(r"\.([A-Za-z0-9_-]+)|\[([0-9]+)\]", selector):
        name, index = step
        if name and isinstance(data, dict) and name in data:
            data = data[name]
        elif index and isinstance(data, list) and int(index) < len(data):
            data = data[int(index)]
        else:
            return _MISSING
    return data
