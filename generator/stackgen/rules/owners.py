"""Who is told: the owner of the queue or task where it has one, else the owner of the stack."""

from __future__ import annotations

import json

from stackgen.catalog.signal import Signal
from stackgen.resolve.alerts import own
from stackgen.resolve.plan import Plan
from stackgen.rules.wording import literal


def label(signal: Signal, plan: Plan) -> str:
    """The alert's label `owner`: plain text, or a template that picks by queue or task."""
    default = plan.spec.stack.owner
    by_owner: dict[str, list[str]] = {}
    for name, owner in own(signal, plan.spec).items():
        by_owner.setdefault(owner, []).append(name)
    if not by_owner:
        return literal(default)
    dimension = "queue" if "queue" in signal.by else "task"
    text = "{{ "
    for owner, names in by_owner.items():
        listed = " ".join(map(_go, names))
        text += f"if eq $labels.{dimension} {listed} }}}}{{{{ {_go(owner)} }}}}{{{{ else "
    return text.removesuffix("else ") + f"else }}}}{{{{ {_go(default)} }}}}{{{{ end }}}}"


def _go(text: str) -> str:
    """A Go string literal; JSON's escapes are among Go's, except surrogate pairs, which are not written here."""
    return json.dumps(text, ensure_ascii=False)
