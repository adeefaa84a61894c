"""Rule files that the user put beside ours: read with places, and held against the same contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import promql_parser as ql

from stackgen.document import Document, Trail
from stackgen.load import load
from stackgen.problem import Level, Mark, Problem, SpecError
from stackgen.resolve.plan import Plan
from stackgen.rules.build import groups
from stackgen.rules.model import Group, Recording
from stackgen.verify import lints
from stackgen.verify.known import Place
from stackgen.verify.limits import never
from stackgen.verify.plan.contract import Contract, looked

FOLDER = "prometheus/rules"
_FINE = frozenset({"missing-job", "recorded-labels"})
"""What only our own rules promise: one job for each metric, and the labels of our series."""
_DOUBTFUL = frozenset({"unknown-job", "unknown-alert", "short-range", "plain-regexp", "unstable-alert"})
_DOUBTFUL |= {"no-comparison", "raw-counter"}
"""Right for somebody, perhaps: told as a warning."""
_COMPLETE = ("celery_", "celery:", "flower_")
"""Beginnings of names of which the catalogue knows all; of redis_, rabbitmq_ and the rest only what we read."""


@dataclass(frozen=True)
class OwnRule:
    """One rule of a user's file and where its parts stand."""

    document: Document
    path: Trail
    data: dict[str, Any]

    @property
    def expr(self) -> str:
        """Its PromQL."""
        return str(self.data.get("expr", ""))

    @property
    def name(self) -> str:
        """The alert or series that it makes."""
        return str(self.data.get("alert") or self.data.get("record") or "")

    @property
    def hold(self) -> Fraction:
        """`for` in seconds."""
        try:
            selector = ql.parse(f"x[{self.data.get('for', '0s')}]")
        except ValueError:  # promtool says so
            return Fraction(0)
        return Fraction(selector.range.total_seconds()) if isinstance(selector, ql.MatrixSelector) else Fraction(0)

    def mark(self, key: str = "expr") -> Mark:
        """Where a part of the rule stands."""
        return self.document.mark((*self.path, key))


def files(output: Path, ours: Sequence[str]) -> list[str]:
    """The user's own rule files, below output/."""
    found = sorted((output / FOLDER).glob("*.y*ml"))
    return [path for path in (f"{FOLDER}/{file.name}" for file in found) if path not in ours]


def problems(output: Path, paths: Sequence[str], plan: Plan) -> Iterator[Problem]:
    """What is wrong with the rules in these files."""
    read: list[OwnRule] = []
    for path in paths:
        if path.endswith(".yaml"):
            message = "prometheus.yml reads rules/*.yml only"
            yield Problem(Mark(str(output / path)), "unread-rules", "", message, "call it *.yml", "warning")
        try:
            read += rules(load(output / path))
        except SpecError as error:
            yield from error.problems
    made = groups(plan)
    recorded = tuple(Recording(rule.name, rule.expr, _mapping(rule.data.get("labels"))) for rule in _recording(read))
    contract = looked([*made, Group("(own)", recorded, ())], plan)
    for rule in read:
        yield from _of_rule(rule, contract, plan)


def rules(document: Document) -> Iterator[OwnRule]:
    """Every rule of a file, in its order; promtool judges its form."""
    for g, group in enumerate(_listed(document.data.get("groups"))):
        for r, rule in enumerate(_listed(group.get("rules"))):
            yield OwnRule(document, ("groups", g, "rules", r), rule)


def _listed(value: object) -> list[dict[str, Any]]:
    return [one if isinstance(one, dict) else {} for one in value] if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, str]:
    return value if isinstance(value, dict) else {}


def _recording(read: Sequence[OwnRule]) -> Iterator[OwnRule]:
    return (rule for rule in read if "record" in rule.data)


def _of_rule(rule: OwnRule, contract: Contract, plan: Plan) -> Iterator[Problem]:
    contract.found.clear()
    at = Place(rule.mark(), "", 0, rule.name)
    shape = contract.expression(at, rule.expr)
    if shape is not None and "alert" in rule.data:
        parsed = ql.parse(rule.expr)
        contract.texts(at, shape, _texts(rule.data))
        for lint in (*lints.of_alert(parsed), *never(parsed, rule.hold, plan), *_raw(parsed, contract)):
            contract.say(at, *lint)
        if not any(_decides(node) for node in lints.walk(parsed)):
            message = "it fires as long as there is anything to select"
            contract.say(at, "no-comparison", message, "compare with a threshold")
    for one in dict.fromkeys(contract.found):
        if one.rule not in _FINE:
            yield one._replace(level=_level(one))


def _texts(data: dict[str, Any]) -> list[str]:
    return [str(t) for key in ("labels", "annotations") for t in _mapping(data.get(key)).values()]


def _decides(node: object) -> bool:
    if isinstance(node, ql.BinaryExpr):
        return str(node.op) in lints.COMPARES | {"unless"}
    return isinstance(node, ql.Call) and node.func.name.startswith("absent")


def _raw(node: object, contract: Contract) -> Iterator[lints.Lint]:
    """Counters whose bare value is judged: it only grows, and begins again with each process."""
    match node:
        case ql.VectorSelector():
            if any(one.counts for one in contract.exposed.get(node.name or "", ())):
                message = f"{node.name} is a counter, and its value is compared"
                yield lints.Lint("raw-counter", message, "use rate or increase")
        case ql.MatrixSelector() | ql.SubqueryExpr():
            return
        case ql.AggregateExpr() if str(node.op) in ("count", "group"):
            return
        case ql.Call() if node.func.name in ("absent", "timestamp"):
            return
        case ql.BinaryExpr() if str(node.op) in ("and", "unless"):
            yield from _raw(node.lhs, contract)
        case _:
            for inner in lints.inside(node):
                yield from _raw(inner, contract)


def _level(one: Problem) -> Level:
    """A metric that nobody we know has may be another exporter's; of Celery's own names we know all."""
    if one.rule == "unknown-metric":
        if one.message.startswith(_COMPLETE, len("no scraped source exposes ")):
            return "error"
        return "notice"
    return "warning" if one.rule in _DOUBTFUL else "error"
