"""Mistakes in Grafana's dashboards, and what notices them: the plan, and what a person sees of data by hand."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from stackgen.resolve.plan import Plan
from tests.grafana import meant, shown
from tests.grafana.boards import boards_of
from tests.mutation.documents import GONE, Change, Edit, changes, each
from tests.mutation.documents import Path as Place

_UNITS = ("short", "percentunit", "s", "ops", "percent", "ms", "bytes", "dateTimeFromNow")
_COLOURS = {"green": "orange", "orange": "red", "red": "green", "blue": "orange", "purple": "green"}
_CALCS = {"lastNotNull": "mean", "max": "min", "min": "max", "mean": "lastNotNull"}
_FUNCTIONS = {
    "topk": "bottomk",
    "bottomk": "topk",
    "sum": "max",
    "max": "min",
    "min": "max",
    "count": "sum",
    "sum_over_time": "avg_over_time",
    "max_over_time": "min_over_time",
    "and": "unless",
    "or": "and",
    "time": "timestamp",
}
_LABELS = {"queue": "task", "task": "queue", "worker": "queue", "state": "task", "le": "queue", "job": "instance"}
_OPERATORS = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~", "/": "*", "*": "/", ">": "<", "==": "!=", "-": "+"}
_TOKEN = re.compile(
    r'(?P<matcher>\w+(?:=~|!~|!=|=)"(?:[^"\\]|\\.)*",?)|(?P<series>celery:[\w:]+|ALERTS\w*|up\b|scrape_\w+)'
    r"|(?P<by>(?:by|on|ignoring) \(\w+\))|(?P<number>\b\d+(?:\.\d+)?\b)|(?P<word>\b[a-z_]+\b)"
    r"|(?P<operator> [-*/>] | == )"
)
_NUMBER = re.compile(r"\b\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Mutant:
    """One mistake in one of a stack's dashboards."""

    uid: str
    change: Change

    @property
    def name(self) -> str:
        """Where and what, for people."""
        return f"{self.uid}: {self.change.place}: {self.change.what}"


class Subject:
    """The dashboards of one stack with their mistakes."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.boards = boards_of(plan)
        self._names = sorted(set(re.findall(r"celery:[\w:]+", json.dumps(self.boards))))
        self._known: dict[shown.Asked, shown.Series | None] = {}

    def mutants(self) -> Iterator[Mutant]:
        """Each mistake once."""
        for uid, board in self.boards.items():
            seen = {json.dumps(board)}
            for change in (*each(board, self._edits), *_exchanged(board)):
                text = json.dumps(change.data)
                if text not in seen:
                    seen.add(text)
                    yield Mutant(uid, change)

    def _edits(self, path: Place, value: Any) -> Iterator[Edit]:
        key = path[-1] if path else ""
        match key:
            case "unit":
                yield from ((path, f"{value} -> {other}", other) for other in _next(_UNITS, value))
            case "value" if "steps" in path:
                yield from _number(path, value)
            case "min" | "max":
                yield from ((path, f"{value} -> {value + 1}", value + 1), (path, "dropped", GONE))
            case "color" | "fixedColor" if isinstance(value, str) and path[-2:] != (0, "color"):
                yield from ((path, f"{value} -> {other}", other) for other in filter(None, [_COLOURS.get(value)]))
            case "steps" | "links" | "mappings" | "overrides" | "list" if isinstance(value, list):
                yield from (
                    ((*path, n), "dropped", GONE) for n in range(len(value)) if len(value) > 1 or key == "links"
                )
            case "calcs" if "reduceOptions" in path:
                yield path, "another", [_CALCS[value[0]]]
            case "mode" if "thresholdsStyle" in path:
                yield path, f"{value} -> other", "off" if value == "line" else "line"
            case _:
                yield from self._said(path, value)

    def _said(self, path: Place, value: Any) -> Iterator[Edit]:
        """Mistakes in texts: links, queries, legends, headings, words."""
        key, text = path[-1] if path else "", str(value)
        match key:
            case "url" | "title" if "links" in path[1:] and text:
                yield from _link(path, text)
            case "expr" | "query" | "definition" if "panels" in path or ":" in text:
                yield from _query(path, text, self._names)
            case "legendFormat":
                yield from _legend(path, text)
            case "renameByName" | "excludeByName" if value:
                names = list(value)
                yield from ((path, f"{name} dropped", {k: v for k, v in value.items() if k != name}) for name in names)
                if key == "renameByName" and len(names) > 1:
                    turned = dict(zip(names, [*list(value.values())[1:], value[names[0]]], strict=True))
                    yield path, "headings exchanged", turned
            case "options" if "matcher" in path:
                yield path, f"{value} -> other", {"A": "B"}.get(text, "A")
            case "description" if "panels" in path:
                yield from _words(path, text)
            case "text" | "allValue" if text and "current" not in path:
                yield path, "misspelt", f"{text}x"
            case "multi" | "includeAll" if value:
                yield path, "off", False
            case "uid" if path[-2:-1] == ("datasource",):
                yield path, "another", "${loki_datasource}" if "prom" in text else "${prometheus_datasource}"

    def judged(self, mutants: Sequence[Mutant], promtool: Path) -> Iterator[tuple[Mutant, str]]:
        """Each mutant with what notices it; "" when nothing does."""
        self._ask(mutants, promtool)
        yield from ((mutant, self.noticed(mutant)) for mutant in mutants)

    def _ask(self, mutants: Iterable[Mutant], promtool: Path) -> None:
        """Has all queries answered that any of these dashboards has, in a few processes."""
        exprs = [expr for board in self.boards.values() for expr in shown.queries(board)]
        exprs += [expr for mutant in mutants for expr in shown.queries(mutant.change.data)]
        with tempfile.TemporaryDirectory(prefix="stackgen-mutation-") as folder:
            self._known = shown.answers(exprs, promtool, Path(folder))

    def noticed(self, mutant: Mutant) -> str:
        """What notices a mutant; "" when nothing."""
        boards = {**self.boards, mutant.uid: mutant.change.data}
        try:
            found = next(meant.findings(boards, self.plan), "")
            seen = shown.seen(mutant.change.data, self._known)
        except (KeyError, ValueError, TypeError, IndexError, StopIteration) as error:
            return f"cannot be read: {error!r}"
        wanted: Mapping[str, dict[str, list[str]]] = shown.DATA["shows"][mutant.uid]
        return found or next((f"{title}: {lines}" for title, lines in seen.items() if lines != wanted.get(title)), "")


def _next(among: Iterable[str], value: str) -> list[str]:
    others = list(among)
    return [others[(others.index(value) + 1) % len(others)]] if value in others else others[:1]


def _put(text: str, found: re.Match[str], other: str) -> str:
    return text[: found.start()] + other + text[found.end() :]


def _words(path: Place, text: str) -> Iterator[Edit]:
    """Other numbers in the sentences about alerts, another alert, another runbook."""
    begin = text.find("Alert ")
    for found in _NUMBER.finditer(text) if begin >= 0 else ():
        if found.start() > begin:
            other = f"{float(found[0]) * 2:g}"
            yield path, f"{found[0]} -> {other} at {found.start()}", _put(text, found, other)
    if begin >= 0:
        yield path, "alert renamed", text.replace("Alert Celery", "Alert Cellery")
    if ".md" in text:
        yield path, "runbook renamed", text.replace(".md", "s.md")


def _number(path: Place, value: Any) -> Iterator[Edit]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield from ((path, f"{value} -> {other}", other) for other in ((value * 0.5, value * 1.1) if value else (1,)))


def _link(path: Place, text: str) -> Iterator[Edit]:
    yield path, "misspelt", f"{text}x"
    for old, new in (
        ("celery-", "cellery-"),
        ("var-", "var-x"),
        ("viewPanel=1000", "viewPanel=1"),
        ("__field", "__data"),
    ):
        if old in text:
            yield path, f"{old} -> {new}", text.replace(old, new)


def _legend(path: Place, text: str) -> Iterator[Edit]:
    if text != "__auto":
        yield from ((path, "misspelt", f"{text}x"), (path, "dropped", "__auto"))
    for name in re.findall(r"\{\{(\w+)\}\}", text):
        yield path, f"{name} -> another", text.replace(f"{{{{{name}}}}}", f"{{{{{_LABELS.get(name, 'queue')}}}}}")


def _query(path: Place, text: str, names: list[str]) -> Iterator[Edit]:
    """Every token of a query that means something, taken away or exchanged for another."""
    for found in _TOKEN.finditer(text):
        for what, other in _tokens(found, names):
            yield path, f"{what} at {found.start()}", _put(text, found, other)


def _tokens(found: re.Match[str], names: list[str]) -> Iterator[tuple[str, str]]:
    token = found[0]
    match found.lastgroup:
        case "matcher":
            yield f"{token} dropped", ""
            operator = re.search(r"=~|!~|!=|=", token)
            assert operator
            yield f"{token} negated", token.replace(operator[0], _OPERATORS[operator[0]], 1)
            yield f"{token} misspelt", re.sub(r'"[^"]*"', '"misspelt"', token)
        case "series" if token in names:
            yield f"{token} -> another series", names[(names.index(token) + 1) % len(names)]
        case "by":
            label = re.search(r"\((\w+)\)", token)
            assert label
            yield f"{token} -> another label", token.replace(label[1], _LABELS.get(label[1], "queue"))
        case "number":
            yield f"{token} doubled", f"{float(token) * 2:g}"
            yield f"{token} halved", f"{float(token) / 2:g}"
        case "word" if token in _FUNCTIONS:
            yield f"{token} -> {_FUNCTIONS[token]}", _FUNCTIONS[token]
        case "operator" if token.strip() in _OPERATORS:
            yield f"{token} turned", f" {_OPERATORS[token.strip()]} "
        case _:
            return


def _exchanged(board: Mapping[str, Any]) -> Iterator[Change]:
    """Queries of two neighbours exchanged, within a panel and between panels, and the steps of a threshold."""
    places = [
        ("panels", p, "targets", t)
        for p, panel in enumerate(board["panels"])
        for t, _ in enumerate(panel.get("targets", ()))
        if panel["type"] != "logs"
    ]
    for one, other in pairwise(places):
        first, second = (board["panels"][p]["targets"][t]["expr"] for _, p, _, t in (one, other))
        edits: list[Edit] = [((*one, "expr"), "exchanged with the next", second)]
        for change in changes(board, edits):
            panel, target = other[1], other[3]
            change.data["panels"][panel]["targets"][target]["expr"] = first
            yield change
    for number, panel in enumerate(board["panels"]):
        steps = panel.get("fieldConfig", {}).get("defaults", {}).get("thresholds", {}).get("steps", [])
        if len(steps) > 1:
            colours = [step["color"] for step in steps]
            turned = [{**step, "color": colour} for step, colour in zip(steps, reversed(colours), strict=True)]
            path: Place = ("panels", number, "fieldConfig", "defaults", "thresholds", "steps")
            yield from changes(board, [(path, "colours turned round", turned)])
