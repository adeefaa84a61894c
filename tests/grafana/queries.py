"""Every query of a dashboard selects only what rules record, and no panel lies over another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import promql_parser as ql

from stackgen.artefact import Rendered
from stackgen.catalog import registry
from stackgen.problem import Mark, Problem
from stackgen.resolve.plan import Plan
from stackgen.rules.build import OVERRIDE, THRESHOLD
from stackgen.rules.model import Group
from stackgen.spec.checks import nearest
from stackgen.verify.known import OF_ALERTS, OF_TARGETS, TARGET
from stackgen.verify.labels import names
from tests.logs import selection

FOLDER = "grafana/dashboards/"
_COLUMNS = 24
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)|\[\[(\w+)")
_BUILT_IN = frozenset({"__range", "__range_s", "__range_ms", "__interval", "__interval_ms", "__rate_interval"})
_DURATION = re.compile(r"\$__(?:rate_interval|interval|range)\b")
_NUMBER = re.compile(r"\$__(?:range_s|range_ms|interval_ms)\b")
_LABEL_VALUES = re.compile(r"label_values\(([a-z0-9_:]+)(?:\{[^{}]*\})?, (\w+)\)")

Json = Mapping[str, object]
Labels = Mapping[str, frozenset[str]]


def problems(rendered: Iterable[Rendered], groups: Sequence[Group], plan: Plan) -> list[Problem]:
    """What Grafana would draw empty, hide, or show twice."""
    return wrong(rendered, recorded_labels(groups, plan))


def wrong(rendered: Iterable[Rendered], known: Labels) -> list[Problem]:
    """The same, for what is recorded by these names with these labels."""
    boards = {r.artefact.path: _mapping(r.artefact.context["document"]) for r in rendered if _is_board(r)}
    if not boards:
        return []
    found = [problem for path, board in boards.items() for problem in _board(path, board, known)]
    return [*found, *_twice("uid", boards), *_twice("title", boards)]


def recorded_labels(groups: Sequence[Group], plan: Plan) -> Labels:
    """Every recorded name with its labels."""
    of = {name: frozenset(series.labels) for name, series in registry.series().items()}
    dimensions: set[str] = set()
    for signal in plan.metric_signals:
        before = [name for name, _ in signal.before(plan.site)] if signal.before else []
        of |= dict.fromkeys((signal.record, *before), frozenset(signal.by))
        dimensions |= {signal.overrides} if signal.overrides else set()
    of |= dict.fromkeys((THRESHOLD, OVERRIDE), frozenset({"signal", "severity", *dimensions}))
    recorded = {rule.record for group in groups for rule in group.recordings}
    of = {name: labels | set(plan.site.identity) for name, labels in of.items()}
    return {name: labels for name, labels in of.items() if name in recorded}


def concrete(expr: str) -> str:
    """The query with values in the place of Grafana's own variables; those inside strings stay."""
    return _DURATION.sub("5m", _NUMBER.sub("300", expr))


def _is_board(rendered: Rendered) -> bool:
    return rendered.artefact.path.startswith(FOLDER)


def _mapping(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _listed(value: object) -> list[Json]:
    return [_mapping(item) for item in value] if isinstance(value, list) else []


def _twice(key: str, boards: Mapping[str, Json]) -> Iterator[Problem]:
    for value, times in Counter(board.get(key) for board in boards.values()).items():
        if times > 1:
            path = next(p for p, board in boards.items() if board.get(key) == value)
            yield Problem(Mark(f"output/{path}"), "dashboard-twice", str(value), f"{times} dashboards have this {key}")


def _board(path: str, board: Json, known: Labels) -> Iterator[Problem]:
    mark = Mark(f"output/{path}")
    panels = _listed(board.get("panels"))
    variables = _listed(_mapping(board.get("templating")).get("list"))
    for message in _grid(panels):
        yield Problem(mark, "dashboard-shape", str(board.get("title")), message)
    defined = {str(v.get("name")) for v in variables} | _BUILT_IN
    for variable in variables:
        if variable.get("type") == "query":
            for message in _values(str(variable.get("query")), known):
                yield Problem(mark, "dashboard-variable", str(variable.get("name")), message)
    for panel in panels:
        where = str(panel.get("title"))
        for target in _listed(panel.get("targets")):
            for message in _asked(target, defined, known):
                yield Problem(mark, "dashboard-query", f"{where} ({target.get('refId')})", message)
    for annotation in _listed(_mapping(board.get("annotations")).get("list")):
        for message in query(str(annotation.get("expr")), defined, known):
            yield Problem(mark, "dashboard-query", str(annotation.get("name")), message)


def _grid(panels: Sequence[Json]) -> Iterator[str]:
    for key in ("id", "title"):
        for value, times in Counter(panel.get(key) for panel in panels).items():
            if times > 1:
                yield f"{times} panels have {key} {value}"
    taken: dict[tuple[int, int], object] = {}
    for panel in panels:
        at = {key: value for key, value in _mapping(panel.get("gridPos")).items() if isinstance(value, int)}
        if set(at) != {"x", "y", "w", "h"} or min(at["w"], at["h"]) < 1 or min(at["x"], at["y"]) < 0:
            yield f"panel {panel.get('title')} has no place"
            continue
        if at["x"] + at["w"] > _COLUMNS:
            yield f"panel {panel.get('title')} stands outside the {_COLUMNS} columns"
        cells = [(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]
        if others := {str(taken[cell]) for cell in cells if cell in taken}:
            yield f"panel {panel.get('title')} overlaps {', '.join(sorted(others))}"
        taken |= dict.fromkeys(cells, panel.get("title"))


def _asked(target: Json, variables: Collection[str], known: Labels) -> Iterator[str]:
    """What is wrong with a target's query, in the language of its data source; its variables must be there."""
    source, expr = _mapping(target.get("datasource")), str(target.get("expr"))
    yield from _undefined(str(source.get("uid")), variables)
    if source.get("type") != "loki":
        yield from query(expr, variables, known)
        return
    yield from _undefined(expr, variables)
    yield from selection.wrong(expr)


def _undefined(text: str, variables: Collection[str]) -> Iterator[str]:
    for groups in _VARIABLE.findall(text):
        name = "".join(groups)
        if name not in variables:
            yield f"no variable is named {name}"


def _values(text: str, known: Labels) -> Iterator[str]:
    found = _LABEL_VALUES.fullmatch(text)
    if not found:
        yield f"{text} is not label_values(series, label)"
    elif found[2] not in known.get(found[1], frozenset()):
        yield f"no rule records {found[1]} with label {found[2]}"


def query(expr: str, variables: Collection[str], known: Labels) -> Iterator[str]:
    """What is wrong with one query: syntax, a variable nobody defines, a series or label that does not exist."""
    yield from _undefined(expr, variables)
    try:
        parsed = ql.parse(concrete(expr))
    except ValueError as error:
        yield f"not PromQL: {error}: {expr}"
        return
    for node in _nodes(parsed):
        yield from _wrong(node, known)


def _wrong(node: object, known: Labels) -> Iterator[str]:
    match node:
        case ql.VectorSelector():
            name = node.name or ""
            if name not in known and name not in OF_TARGETS | OF_ALERTS:
                yield f"no rule records {name}; {nearest(name, known)}"
                return
            wanted, within = {m.name for m in node.matchers.matchers}, [node]
        case ql.AggregateExpr() if node.modifier:
            wanted, within = set(node.modifier.labels), selectors(node.expr)
        case ql.BinaryExpr() if node.modifier and node.modifier.matching:
            wanted, within = set(node.modifier.matching.labels), selectors(node)
        case _:
            return
    for selector in within:
        name = selector.name or ""
        has = TARGET if name in OF_TARGETS else known.get(name)
        if has is not None and not wanted <= has | {"__name__"}:
            yield f"{name} has {names(has)}, not {names(wanted - has)}"


def selectors(node: object) -> list[ql.VectorSelector]:
    """Every selector of an expression."""
    return [found for found in _nodes(node) if isinstance(found, ql.VectorSelector)]


def _nodes(node: object) -> Iterator[object]:
    """The expression and everything inside it."""
    yield node
    match node:
        case ql.MatrixSelector():
            yield from _nodes(node.vector_selector)
        case ql.SubqueryExpr() | ql.ParenExpr() | ql.UnaryExpr() | ql.AggregateExpr():
            yield from _nodes(node.expr)
        case ql.BinaryExpr():
            yield from _nodes(node.lhs)
            yield from _nodes(node.rhs)
        case ql.Call():
            for argument in node.args:
                yield from _nodes(argument)
        case _:
            return
