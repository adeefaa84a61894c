"""A small reading of the queries of ours: whether a line is found by one in KQL, LogQL or CloudWatch Logs Insights.

Only the forms that the catalogue prints are read; of anything else it is said that it is not known, never guessed.
LogQL is held against Loki's own code, see tests/logs/README.md; KQL against Elasticsearch, in tests/elasticsearch; the
facts of the others stand in catalog/logs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stackgen.catalog.logs.logql import METADATA, STREAM

Line = Mapping[str, Any]
Test = Callable[[Line], bool]
_TEXT = r'"(?:[^"\\]|\\.)*"'


class NotKnown(ValueError):
    """A form that this reading does not know."""


def value(line: Line, path: str) -> str | None:
    """The text at a path of a line; None when there is none."""
    found: Any = line
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return None if found is None else str(found)


def kql(query: str) -> Test:
    """`field : "text"` and `field : ("a" or "b")`, joined by `and`."""
    return _all(_in(*one) for one in conditions(query))


def conditions(query: str) -> Iterator[tuple[str, frozenset[str]]]:
    """The conditions of such a query in KQL: a field, and the values of which it must have one."""
    for part in _parts(query, " and "):
        yield _values(r" : ", rf"\({_TEXT}(?: or {_TEXT})*\)", part)


def insights(query: str) -> Test:
    """The conditions of `| filter`: `field = "text"` and `field in ["a", "b"]`, joined by `and`."""
    commands = _parts(query, " | ")
    known = all(re.match(r"(fields|filter|sort|limit) ", command) for command in commands)
    filters = [command.removeprefix("filter ") for command in commands if command.startswith("filter ")]
    if not known or len(filters) > 1:
        raise NotKnown(query)
    tests = (part for one in filters for part in _parts(one, " and "))
    return _all(_in(*_values(r" (?:=|in) ", rf"\[{_TEXT}(?:, {_TEXT})*\]", part)) for part in tests)


def logql(query: str) -> Test:
    """A selector of streams and filters on structured metadata, each `=` or `=~`."""
    stream, *stages = _parts(query, " | ")
    if not re.fullmatch(r"\{.*\}", stream):
        raise NotKnown(query)
    fields = {**STREAM, **METADATA}
    return _all(_matched(part, fields) for part in [*_parts(stream[1:-1], ","), *stages])


def _matched(part: str, fields: Mapping[str, Any]) -> Test:
    found = re.fullmatch(rf"(\w+)(=~|=)({_TEXT})", part)
    if not found or found[1] not in fields:
        raise NotKnown(part)
    path, wanted = fields[found[1]].path, json.loads(found[3])
    # Loki's regular expressions match the whole value; what is not there is an empty text.
    pattern = re.compile(wanted if found[2] == "=~" else re.escape(wanted))
    return lambda line: pattern.fullmatch(value(line, path) or "") is not None


def _values(sign: str, several: str, part: str) -> tuple[str, frozenset[str]]:
    found = re.fullmatch(rf"([\w.@]+){sign}({_TEXT}|{several})", part)
    if not found:
        raise NotKnown(part)
    return found[1], frozenset(json.loads(text) for text in re.findall(_TEXT, found[2]))


def _in(path: str, wanted: frozenset[str]) -> Test:
    return lambda line: value(line, path) in wanted


def _parts(query: str, between: str) -> list[str]:
    """The query cut where the sign between two parts stands outside of a text."""
    marks = list(re.finditer(rf"{_TEXT}|{re.escape(between)}", query))
    cuts = [0, *(at for one in marks if one[0] == between for at in one.span()), len(query)]
    return [query[start:end] for start, end in zip(cuts[::2], cuts[1::2], strict=True)]


def _all(tests: Iterator[Test]) -> Test:
    listed = list(tests)
    return lambda line: all(test(line) for test in listed)
