"""The labels an expression's result may have, computed as Prometheus would, and how operators change them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import promql_parser as ql


class Shape(NamedTuple):
    """What an expression gives: series with these labels, or a scalar."""

    labels: frozenset[str] = frozenset()
    name: str = ""
    """The metric selected, while nothing but selecting has happened."""
    counts: bool | None = None
    """Whether the metric is a counter; None when nobody knows."""
    open: bool = False
    """True when it may have any label, as ALERTS."""
    scalar: bool = False

    def has(self, label: str) -> bool:
        """Whether series may have the label."""
        return self.open or label in self.labels


SCALAR = Shape(scalar=True)
ANYTHING = Shape(open=True)


def matched(node: ql.BinaryExpr, left: Shape, right: Shape) -> Shape:
    """The result of arithmetic or a comparison between two vectors."""
    modifier = node.modifier
    if modifier is None or modifier.matching is None:
        return left._replace(name="")
    added = frozenset(modifier.group_labels or ())
    if modifier.card == ql.VectorMatchCardinality.ManyToOne:
        return Shape(left.labels | added, open=left.open)
    if modifier.card == ql.VectorMatchCardinality.OneToMany:
        return Shape(right.labels | added, open=right.open)
    named = frozenset(modifier.matching.labels)
    if modifier.matching.type == ql.LabelModifierType.Include:
        return Shape(named)
    return Shape(left.labels - named, open=left.open)


def names(labels: Iterable[str]) -> str:
    """Labels in a message."""
    return ", ".join(sorted(labels)) or "no label"
