"""grafana/dashboards/*.json and data sources to facts: panels, where they stand, and what they ask.

What follows from stack.yaml and is told elsewhere is left out: thresholds, alerts' words, intervals, jobs and queues.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from stackgen.diff.fact import Fact, Key
from stackgen.diff.read import documents, facts_of, items, mapping, said

Found = Iterator[tuple[Key, Fact]]

_TEXT = r'"(?:[^"\\]|\\.)*"'
_MATCHER = re.compile(rf'(?:job=~?|queue(?:!=|!~|=~?)(?!"\$)){_TEXT},?')
_INTERVAL = re.compile(r"(?<=\* )[0-9.]+(?= / [0-9]+)|(?<=\[15m:)[0-9a-z]+(?=\])")
_LIMIT = "celery:threshold{"
_ALERT = re.compile(r"^Alert (\w+):", re.MULTILINE)


def read(path: str, text: str) -> Found:
    """One dashboard."""
    for board in map(mapping, documents(path, text)):
        name = f"dashboard {said(board.get('title')).rpartition(' / ')[2]}"
        yield Key(name, "", ""), Fact(value="", files=(path,), kind="presence", group="dashboard")
        row = ""
        for panel in map(mapping, items(board.get("panels"))):
            if panel.get("type") == "row":
                row = said(panel.get("title"))
            elif panel.get("type") != "text":
                yield from _panel(panel, row, name, path)
        left = ("panels", "annotations", "title")
        rest = {key: value for key, value in board.items() if key not in left}
        variables = [mapping(v) for v in items(mapping(rest.pop("templating", None)).get("list"))]
        yield Key(name, "", "variables"), _fact("\n".join(said(v.get("name")) for v in variables), path, "members")
        yield from facts_of(rest, name, path).items()


def datasources(path: str, text: str) -> Found:
    """The data sources; their interval follows from Prometheus's."""
    for document in map(mapping, documents(path, text)):
        for source in map(mapping, items(document.get("datasources"))):
            settings = {k: v for k, v in mapping(source.get("jsonData")).items() if k != "timeInterval"}
            subject = f"data source {source.get('name')}"
            yield Key(subject, "", ""), _fact(said(source.get("url")), path, "presence")
            yield from facts_of({**source, "jsonData": settings}, subject, path).items()


def _panel(panel: Mapping[str, Any], row: str, board: str, path: str) -> Found:
    subject = f"panel {said(panel.get('title')).replace('/', ' and ')} of {board}"
    description = said(panel.get("description"))
    alert = _ALERT.search(description)
    yield (
        Key(subject, "", ""),
        Fact(
            value="",
            files=(path,),
            kind="presence",
            group="panel",
            follows=alert[1] if alert else "",
            fallback=Key(board, "", "panel"),  # never there itself: with its dashboard, a panel goes without saying
        ),
    )
    unit = said(mapping(mapping(panel.get("fieldConfig")).get("defaults")).get("unit"))
    for aspect, value in (("kind", said(panel.get("type"))), ("row", row), ("unit", unit)):
        yield Key(subject, "", aspect), _fact(value, path, "value")
    yield Key(subject, "", "description"), _fact(description.partition("\n\n")[0], path, "text")
    headings = _headings(panel)
    for target in map(mapping, items(panel.get("targets"))):
        expr, ref = said(target.get("expr")), said(target.get("refId"))
        if not expr.startswith(_LIMIT):
            legend = headings.get(ref) or said(target.get("legendFormat"))
            yield Key(subject, "", f"query {legend}"), _fact(_bare(expr), path, "expression")


def _fact(value: str, path: str, kind: Any) -> Fact:
    return Fact(value=value, files=(path,), kind=kind)


def _headings(panel: Mapping[str, Any]) -> dict[str, str]:
    """The column of a table that each query fills."""
    found: dict[str, str] = {}
    for change in map(mapping, items(panel.get("transformations"))):
        for old, new in mapping(mapping(change.get("options")).get("renameByName")).items():
            found[old.partition("#")[2] or "A"] = said(new)
    return found


def _bare(expr: str) -> str:
    """The query without what follows from other changes."""
    return _INTERVAL.sub("interval", _MATCHER.sub("", expr))
