"""Who is told: the owner of the queue or task where it has one, else the owner of the stack."""

from __future__ import annotations

import json

from stackgen.resolve.plan import Alert
from stackgen.rules.wording import literal


def label(alert: Alert) -> str:
    """The alert's label `owner`: plain text, or a template that picks by queue or task."""
    by_owner: dict[str, list[str]] = {}
    for name, owner in alert.owners.items():
        by_owner.setdefault(owner, []).append(name)
    if not by_owner:
        return literal(alert.owner)
    dimension = "queue" if "queue" in alert.signal.by else "task"
    text = "{{ "
    for owner, names in by_owner.items():
        listed = " ".join(map(_go, names))
        text += f"if eq $labels.{dimension} {listed} }}}}{{{{ {_go(owner)} }}}}{{{{ else "
    return text.removesuffix("else ") + f"else }}}}{{{{ {_go(alert.owner)} }}}}{{{{ end }}}}"


def _go(text: str) -> str:
    """A Go string literal; JSON's escapes are among Go's, except surrogate pairs, which are not written here."""
    return json.dumps(text, ensure_ascii=False)
