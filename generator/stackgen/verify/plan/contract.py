"""Proves that every rule selects only what exists: metric, job, version, label, and in the order of evaluation.

The labels of every expression are computed from the catalogue upwards, as Prometheus would:
https://prometheus.io/docs/prometheus/latest/querying/operators/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction

import promql_parser as ql

from stackgen.catalog import promql, registry
from stackgen.problem import Mark, Problem
from stackgen.resolve.plan import Plan
from stackgen.rules.build import groups
from stackgen.rules.model import Alerting, Group, Recording
from stackgen.verify import lints
from stackgen.verify.known import Place
from stackgen.verify.labels import SCALAR, Shape, matched, names
from stackgen.verify.selectors import Selectors
from stackgen.verify.subject import Subject

_NEEDS_COUNTER = frozenset({"rate", "increase", "irate"})  # `resets` of a gauge says how often it fell
_NEEDS_GAUGE = frozenset({"deriv", "delta", "idelta", "predict_linear"})
_SETS = frozenset({"and", "or", "unless"})
_VECTOR = re.compile(r"vector\([0-9.]+\)")
_STRING = r"""(?:"(?:[^"\\]|\\.)*"|`[^`]*`)"""
_ACTION = re.compile(rf"\{{\{{((?:{_STRING}|[^\"`}}]|\}}(?!\}}))*)\}}\}}")
"""What a template does; names of queues and tasks stand in it as strings, and may look like anything."""
_TEMPLATE_LABEL = re.compile(r"\$labels\.(\w+)")
_SCRAPES = 4
"""Scrapes that must fit into a window, so that one may fail."""


def problems(subject: Subject) -> list[Problem]:
    """What is wrong with the rules of this stack."""
    return of_rules(groups(subject.plan), subject.plan)


def of_rules(groups: Sequence[Group], plan: Plan) -> list[Problem]:
    """Everything in these rules that would select nothing, the wrong thing, or something a round too old."""
    return sorted(dict.fromkeys(looked(groups, plan).found))


def looked(groups: Sequence[Group], plan: Plan) -> Contract:
    """A contract that has looked at these rules, so that it knows the labels of all that they record."""
    contract = Contract(groups, plan)
    for group in groups:
        file = Mark(group.path)
        for position, rule in enumerate(group.recordings):
            contract.recording(Place(file, group.name, position, rule.record), rule)
        for alert in group.alerts:
            contract.alerting(Place(file, group.name, len(group.recordings), alert.name), alert)
    return contract


def _code(text: str) -> str:
    """The actions of a template without their strings."""
    return " ".join(re.sub(_STRING, "", action) for action in _ACTION.findall(text))


class Contract:
    """One run over all rules; what was found, and what is known so far."""

    def __init__(self, groups: Sequence[Group], plan: Plan) -> None:
        self._selectors = Selectors(groups, plan)
        self.found, self.exposed, self.say = self._selectors.found, self._selectors.exposed, self._selectors.say
        self._copies = frozenset(plan.site.copies.labels)
        self._identity = self._copies.union(plan.site.identity)
        self._least = _SCRAPES * plan.site.scrape
        self._parsed: dict[str, ql.Expr] = {}

    def recording(self, at: Place, rule: Recording) -> None:
        """Looks at one recording rule and notes which labels its series have."""
        if _VECTOR.fullmatch(rule.expr):
            return
        shape = self.expression(at, rule.expr)
        series = registry.series().get(rule.record)
        if shape and not shape.open:
            labels = shape.labels | set(rule.labels)
            self._selectors.recorded.complete(at.group, at.position, labels)
            extra = labels - set(series.labels) - self._identity if series else frozenset[str]()
            if extra and series:
                message = f"records {names(extra)}, which {series.name} must not have"
                self.say(at, "recorded-labels", message, f"it has {names(series.labels)}")

    def alerting(self, at: Place, rule: Alerting) -> None:
        """Looks at one alert: its expression, the labels it keeps, and the labels its texts print."""
        shape = self.expression(at, rule.expr)
        if shape is None:
            return
        for lint in lints.of_alert(self._parsed[rule.expr]):
            self.say(at, *lint)
        if shape.open:
            return
        by = frozenset(rule.alert.signal.by)
        if (kept := shape.labels - self._identity) != by:
            message = f"the alert keeps {names(kept)}, but {rule.alert.signal.id} is judged by {names(by)}"
            self.say(at, "alert-labels", message)
        self.texts(at, shape, (*rule.labels.values(), *rule.annotations.values()))

    def texts(self, at: Place, shape: Shape, texts: Iterable[str]) -> None:
        """Looks for labels that the texts of an alert print and its expression does not keep."""
        for text in () if shape.open else texts:
            for name in sorted(set(_TEMPLATE_LABEL.findall(_code(text))) - shape.labels - self._copies):
                self.say(at, "alert-text-label", f"a text prints $labels.{name}", f"it has {names(shape.labels)}")

    def expression(self, at: Place, text: str) -> Shape | None:
        """What the expression gives; None when it is no PromQL."""
        try:
            if text not in self._parsed:
                self._parsed[text] = ql.parse(text)
        except ValueError as error:
            self.say(at, "promql-syntax", f"not PromQL: {error}", text)
            return None
        for lint in lints.of_expression(self._parsed[text]):
            self.say(at, *lint)
        return self._shape(at, self._parsed[text])

    def _shape(self, at: Place, node: object) -> Shape:
        match node:
            case ql.VectorSelector():
                return self._selectors.shape(at, node)
            case ql.MatrixSelector():
                return self._selectors.shape(at, node.vector_selector)
            case ql.SubqueryExpr() | ql.ParenExpr():
                return self._shape(at, node.expr)
            case ql.UnaryExpr():
                return self._shape(at, node.expr)._replace(name="")
            case ql.AggregateExpr():
                return self._aggregate(at, node)
            case ql.BinaryExpr():
                return self._binary(at, node)
            case ql.Call():
                return self._call(at, node)
            case _:
                return SCALAR

    def _aggregate(self, at: Place, node: ql.AggregateExpr) -> Shape:
        inner = self._shape(at, node.expr)
        labels = frozenset(node.modifier.labels) if node.modifier else frozenset[str]()
        for label in sorted(labels):
            self._selectors.needs(at, inner, label, f"{inner.name or 'an expression'} is grouped")
        operator = str(node.op)
        if operator in lints.PICKS:
            return inner._replace(name="")
        if node.modifier and node.modifier.type == ql.AggModifierType.Without:
            labels = inner.labels - labels
        if operator == "count_values" and isinstance(node.param, ql.StringLiteral):
            labels |= {node.param.val}
        self._apart(at, inner, labels, f"`{operator}` adds up")
        return Shape(labels)

    def _apart(self, at: Place, inner: Shape, kept: frozenset[str], what: str) -> None:
        """Notes a label of copies that our own rules lose: one copy would hide another."""
        if at.group and (lost := inner.labels & self._copies - kept):
            self.say(at, "copies-mixed", f"{what} copies of the stack, which {names(lost)} tells apart")

    def _binary(self, at: Place, node: ql.BinaryExpr) -> Shape:
        left, right = self._shape(at, node.lhs), self._shape(at, node.rhs)
        if left.scalar or right.scalar:
            return (right if left.scalar else left)._replace(name="", scalar=left.scalar and right.scalar)
        operator = str(node.op)
        self._agree(at, node, left, right)
        if operator == "or":
            return Shape(left.labels | right.labels, open=left.open or right.open)
        if operator in _SETS:
            return left._replace(name="")
        return matched(node, left, right)

    def _agree(self, at: Place, node: ql.BinaryExpr, left: Shape, right: Shape) -> None:
        """Both sides have the labels they are matched by; without any named, they have the same ones."""
        matching = node.modifier.matching if node.modifier else None
        named = frozenset(matching.labels) if matching else frozenset[str]()
        if matching and matching.type == ql.LabelModifierType.Include:
            self._apart(at, left._replace(labels=left.labels & right.labels), named, f"`{node.op}` mixes")
            for label in sorted(named):
                for side in (left, right):
                    self._selectors.needs(at, side, label, f"{side.name or 'one side'} is matched with the other")
            return
        if str(node.op) == "or" or left.open or right.open or (node.modifier and node.modifier.group_labels):
            return
        if left.labels - named != right.labels - named:
            message = f"one side of `{node.op}` has {names(left.labels)}, the other {names(right.labels)}"
            self.say(at, "unmatched-labels", message, "say which labels must agree: on (...)")

    def _call(self, at: Place, node: ql.Call) -> Shape:
        function = node.func.name
        given = [self._shape(at, argument) for argument in node.args]
        vectors = [shape for shape in given if not shape.scalar]
        if node.func.return_type == ql.ValueType.Scalar:
            return SCALAR
        if not vectors or function.startswith("absent"):
            return Shape(open=function.startswith("absent"))
        shape = vectors[0]
        self._range(at, function, node.args, shape)
        texts = [argument.val for argument in node.args if isinstance(argument, ql.StringLiteral)]
        if function == "label_join":
            return self._copied(at, shape, texts[0], texts[2:])
        if function == "label_replace":
            return self._copied(at, shape, texts[0], list(filter(None, texts[2:3])))  # "": a constant
        if function == "histogram_quantile":
            self._selectors.needs(at, shape, "le", f"{shape.name or 'an expression'} is divided into buckets")
            return shape._replace(labels=shape.labels - {"le"}, name="")
        return shape._replace(name="")

    def _copied(self, at: Place, shape: Shape, target: str, sources: Sequence[str]) -> Shape:
        for source in sources:
            self._selectors.needs(at, shape, source, f"{shape.name or 'an expression'} is relabelled")
        return shape._replace(labels=shape.labels | {target}, name="")

    def _range(self, at: Place, function: str, arguments: Sequence[object], shape: Shape) -> None:
        matrix = next((a for a in arguments if isinstance(a, ql.MatrixSelector)), None)
        if matrix is None or function not in _NEEDS_COUNTER | _NEEDS_GAUGE:
            return
        if shape.counts is not None and shape.counts != (function in _NEEDS_COUNTER):
            kind, hint = ("a counter", "rate or increase") if shape.counts else ("no counter", "delta or deriv")
            self.say(at, "wrong-function", f"{function} of {shape.name}, which is {kind}", f"use {hint}")
        seconds = Fraction(matrix.range.total_seconds())
        if seconds < self._least:
            message = f"{function} of {shape.name} over {promql.seconds(seconds)} sees fewer than {_SCRAPES} scrapes"
            self.say(at, "short-range", message, f"at least {promql.seconds(self._least)}")
