"""Copies of one stack in one Prometheus, such as one per cluster: their labels, kept by every expression.

Expressions of the catalogue are written for one copy. What is here makes each copy judged by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

KNOWN = "celery:copy:known"
"""1 for each copy there should be: each rule group records its own, so that no rule reads one of an evaluation ago."""
SEEN = "celery:copy:seen"
"""1 for each copy of which anything is scraped, or was tried to be."""
REMEMBERED = "1d"
"""For how long a copy that nobody wrote down is missed."""
_AGGREGATIONS = "sum|min|max|avg|count|group|stddev|stdvar|quantile"
_TOKEN = re.compile(
    r'"(?:\\.|[^"\\])*"|\{(?:"(?:\\.|[^"\\])*"|[^"{}])*\}'  # texts and matchers stay as they are
    r"|\b(?P<named>by|on)\s*\((?P<labels>[^()]*)\)"
    rf"|\b(?P<total>{_AGGREGATIONS})\s*(?=\()"
    r"|\b(?P<scalar>scalar)(?=\()"
    r"|\bvector\((?P<constant>[0-9.]+)\)"
)


@dataclass(frozen=True)
class Copies:
    """The labels that tell the copies, and their values where stack.yaml has them."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels, () where there is one copy only."""
        return tuple(self.values)

    @property
    def known(self) -> tuple[dict[str, str], ...]:
        """Every copy, where stack.yaml has their values."""
        listed = self.values.values()
        return (
            tuple(dict(zip(self.values, one, strict=True)) for one in product(*listed))
            if all(listed) and listed
            else ()
        )

    @property
    def tested(self) -> tuple[dict[str, str], ...]:
        """The copies that tests have: the one that the test is about, and all others beside it."""
        if not self.values:
            return ()
        one, another = (dict.fromkeys(self.values, text) for text in ("one", "another"))
        return self.known if len(self.known) > 1 else (*(self.known or (one,)), another)

    def kept(self, expr: str, known: str) -> str:
        """The expression for each copy: aggregated by, and joined on, the labels of the copies as well.

        What is constant is so for each copy that `known` selects; a scalar on the right of an operator is that of the
        copy on its left.
        """
        names = ", ".join(self.labels)

        def one(found: re.Match[str]) -> str:
            if found["named"]:
                return f"{found['named']} ({', '.join(filter(None, (found['labels'].strip(), names)))})"
            if found["total"]:
                return f"{found['total']} by ({names}) "
            if found["scalar"]:
                return f"on ({names}) group_left () "
            if found["constant"]:
                zero = f"0 * group by ({names}) ({known})"
                return zero if found["constant"] == "0" else f"({zero} + {found['constant']})"
            return found[0]

        return _TOKEN.sub(one, expr)
