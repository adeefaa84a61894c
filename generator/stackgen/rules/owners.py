"""Who is told: the owner of the queue or task where it has one, else the owner of the stack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby

from stackgen.catalog import promql
from stackgen.catalog.entries import Entries, is_pattern, matches
from stackgen.resolve.plan import Alert
from stackgen.rules.wording import literal


def label(alert: Alert, entries: Entries) -> str:
    """The alert's label `owner`: plain text, or a template that picks by queue or task."""
    if not alert.owners:
        return literal(alert.owner)
    dimension = "queue" if "queue" in alert.signal.by else "task"
    text = "{{ "
    picked = list(_conditions(alert, entries, f"$labels.{dimension}"))
    while picked and picked[-1][0] == alert.owner:
        picked.pop()
    if not picked:
        return literal(alert.owner)
    for owner, condition in picked:
        text += f"if {condition} }}}}{{{{ {_go(owner)} }}}}{{{{ else "
    return text.removesuffix("else ") + f"else }}}}{{{{ {_go(alert.owner)} }}}}{{{{ end }}}}"


def _conditions(alert: Alert, entries: Entries, subject: str) -> Iterator[tuple[str, str]]:
    """Owner and condition, the strongest entry first: names of their own, then patterns."""
    patterns = [one for one in entries.patterns if any(is_pattern(owned) for owned in alert.owners)]
    names = {name: owner for name, owner in alert.owners.items() if not is_pattern(name)}
    # One without an owner of its own would fall to the pattern that means it too.
    usual = [name for name in entries.names if name not in names and any(matches(one, name) for one in patterns)]
    by_owner: dict[str, list[str]] = {}
    for name, owner in [*names.items(), *((name, alert.owner) for name in usual)]:
        by_owner.setdefault(owner, []).append(name)
    for owner, listed in by_owner.items():
        yield owner, f"eq {subject} {' '.join(map(_go, listed))}"
    owned = [(alert.owners.get(pattern, alert.owner), pattern) for pattern in patterns]
    for owner, group in groupby(owned, key=lambda one: one[0]):
        regexp = "|".join(promql.wildcard(pattern) for _, pattern in group)
        yield owner, f"match {_go(f'^(?s:{regexp})$')} {subject}"


def _go(text: str) -> str:
    """A Go string literal; JSON's escapes are among Go's, except surrogate pairs, which are not written here."""
    return json.dumps(text, ensure_ascii=False)
