"""Comparisons of an alert that can never be true, as far as the catalogue knows what a metric can be."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import promql_parser as ql

from stackgen.catalog import input_shapes, promql
from stackgen.resolve.plan import Plan
from stackgen.verify import lints
from stackgen.verify.known import exposed
from stackgen.verify.lints import Lint
from stackgen.verify.plan.liveness import bucket_bounds

_MEASURED = frozenset({"sum", "avg", "max", "min", "count"})


def never(node: object, hold: Fraction, plan: Plan) -> Iterator[Lint]:
    """What keeps an alert from firing; `hold` is its `for` in seconds."""
    for inner in lints.walk(node):
        if isinstance(inner, ql.BinaryExpr) and str(inner.op) in lints.COMPARES:
            limit = lints.bare(inner.rhs)
            if isinstance(limit, ql.NumberLiteral):
                yield from _compared(*_unscaled(inner.lhs, Fraction(str(limit.val))), str(inner.op), hold, plan)


def _unscaled(node: object, limit: Fraction) -> tuple[object, Fraction]:
    """Without a factor such as `* 100`, which only makes a per cent of a ratio."""
    node = lints.bare(node)
    if isinstance(node, ql.BinaryExpr) and str(node.op) == "*":
        factor = lints.bare(node.rhs)
        if isinstance(factor, ql.NumberLiteral) and factor.val > 0:
            return lints.bare(node.lhs), limit / Fraction(str(factor.val))
    return node, limit


def _compared(node: object, limit: Fraction, operator: str, hold: Fraction, plan: Plan) -> Iterator[Lint]:
    shown = promql.number(limit)
    if isinstance(node, ql.Call) and node.func.name.startswith("absent"):
        if not _holds(1, operator, limit):
            message = f"absent is 1 or nothing, so {operator} {shown} is never true"
            yield Lint("dead-alert-absent", message, "leave it out")
        return
    names = {inner.name for inner in lints.walk(node) if isinstance(inner, ql.VectorSelector) and inner.name}
    above = operator in (">", ">=")
    if above and (most := _most(node, names, plan)) is not None and limit >= most[0]:
        yield Lint("dead-alert-limit", f"above {shown} it never fires: {most[1]}", f"below {promql.number(most[0])}")
    if operator in ("<", "<=") and _is_measured(node) and (limit < 0 or (limit == 0 and operator == "<")):
        yield Lint("dead-alert-zero", f"{operator} {shown} is never true: the value is never negative", "")
    if not above and operator != "!=":
        yield from _forgotten(names, hold, plan)


def _holds(value: int, operator: str, limit: Fraction) -> bool:
    return {
        ">": value > limit,
        ">=": value >= limit,
        "<": value < limit,
        "<=": value <= limit,
        "==": value == limit,
        "!=": value != limit,
    }[operator]


def _is_measured(node: object) -> bool:
    """Whether the value is one that was measured, or a sum or mean of such."""
    while isinstance(node, ql.AggregateExpr) and str(node.op) in _MEASURED:
        node = lints.bare(node.expr)
    return isinstance(node, ql.VectorSelector)


def _most(node: object, names: set[str], plan: Plan) -> tuple[Fraction, str] | None:
    """What the value never exceeds, and why."""
    quantile = any(isinstance(n, ql.Call) and n.func.name == "histogram_quantile" for n in lints.walk(node))
    known = exposed(plan)
    for name in names:
        if quantile and name.endswith("_bucket") and name in known:
            bounds = plan.site.wait_buckets if "wait" in name else plan.site.duration_buckets
            return bounds[-1], f"the largest finite bucket ends at {promql.seconds(bounds[-1])}"
    if len(names) == 1 and isinstance(node, ql.VectorSelector):
        return _of_signal(node.name or "", plan)
    return None


def _of_signal(record: str, plan: Plan) -> tuple[Fraction, str] | None:
    for signal in plan.metric_signals:
        shape = signal.shape
        if signal.record == record and isinstance(shape, input_shapes.Share) and shape.disjoint:
            return Fraction(1), "a share is at most 1"
        if signal.record == record and isinstance(shape, input_shapes.Quantile):
            bounds = bucket_bounds(shape.series, plan)
            return bounds[-1], f"the largest finite bucket ends at {promql.seconds(bounds[-1])}"
    return None


def _forgotten(names: set[str], hold: Fraction, plan: Plan) -> Iterator[Lint]:
    """What is dead shows a bad value only as long as its exporter remembers it."""
    known = exposed(plan)
    for name in sorted(names):
        metrics = [one for one in known.get(name, ()) if not one.counts]
        chosen = plan.chosen.get(name)
        if chosen and not chosen.reading.survives:
            lives = [m.lifetime for m in chosen.reading.uses if m.lifetime and m.type == "gauge"]
        else:
            lives = [one.metric.lifetime for one in metrics if one.metric.lifetime]
        if lives and hold >= min(lives):
            life = promql.seconds(min(lives))
            message = f"for {promql.seconds(hold)} it never fires: {name} is forgotten after {life}"
            yield Lint("dead-alert-for", message, f"below {promql.seconds(min(lives))}")
