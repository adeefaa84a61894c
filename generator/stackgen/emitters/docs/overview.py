"""README.md above many stacks: each with its owners and alerts, and what is different between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stackgen.artefact import Artefact
from stackgen.catalog.signal import SEVERITIES
from stackgen.resolve.plan import Plan

_MOST = 6
"""More stacks than this are counted, not listed."""


@dataclass(frozen=True)
class Row:
    """What the page says of one stack."""

    folder: str
    name: str
    environment: str
    owners: tuple[str, ...]
    """The stack's own first."""
    receivers: tuple[tuple[str, str], ...]
    """By severity, the worst first."""
    alerts: tuple[tuple[str, str, str], ...]
    """Alert, severity and condition in words."""
    off: int
    """Signals that are not judged."""
    pages: tuple[str, ...]


def row(folder: str, plan: Plan) -> Row:
    """One stack's row."""
    spec = plan.spec
    owners = [spec.stack.owner, *(queue.owner for queue in spec.queues.values())]
    owners += [task.owner for task in spec.tasks.values()]
    told = {one.severity: one.receiver or "" for one in plan.alerts if not one.signal.always}
    pages = {"docs": "docs/alerts.md", "runbooks": "runbooks/README.md"}
    return Row(
        folder=folder,
        name=spec.stack.name,
        environment=spec.stack.environment,
        owners=tuple(dict.fromkeys(filter(None, owners))),
        receivers=tuple((severity, told[severity]) for severity in reversed(SEVERITIES) if severity in told),
        alerts=tuple((one.signal.alert, one.severity, one.words) for one in plan.alerts),
        off=len(plan.off),
        pages=tuple(page for kind, page in pages.items() if spec.wants(kind)),
    )


def page(rows: Sequence[Row], *, boards: bool) -> Artefact:
    """The page; `boards`: whether there are dashboards for several of them."""
    context = {"stacks": [_stack(one) for one in rows], "alerts": _alerts(rows), "owners": _owners(rows)}
    context["boards"] = "grafana/dashboards" if boards else None
    return Artefact("README.md", "docs/overview.md.j2", syntax="markdown", context=context)


def _stack(one: Row) -> dict[str, object]:
    return {
        "name": one.name,
        "environment": one.environment,
        "owners": ", ".join(one.owners),
        "told": ", ".join(f"{severity}: {receiver}" for severity, receiver in one.receivers),
        "count": len(one.alerts),
        "off": one.off,
        "pages": [{"name": page, "file": f"{one.folder}/{page}"} for page in one.pages],
        "folder": one.folder,
    }


def _owners(rows: Sequence[Row]) -> list[dict[str, str]]:
    names = sorted({owner for one in rows for owner in one.owners})
    return [{"owner": name, "stacks": _some([r.folder for r in rows if name in r.owners], len(rows))} for name in names]


def _alerts(rows: Sequence[Row]) -> list[dict[str, str]]:
    """Each alert and condition once, with the stacks that have it."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for one in rows:
        for alert in one.alerts:
            found.setdefault(alert, []).append(one.folder)
    worst_first = [str(severity) for severity in reversed(SEVERITIES)]
    listed = sorted(found, key=lambda alert: (alert[0], worst_first.index(alert[1]), -len(found[alert]), alert[2]))
    return [
        {"alert": alert, "severity": severity, "when": words, "stacks": _some(found[alert, severity, words], len(rows))}
        for alert, severity, words in listed
    ]


def _some(folders: Sequence[str], of: int) -> str:
    if len(folders) == of:
        return "all" if of > 1 else folders[0]
    some = ", ".join(folders[:_MOST])
    return f"{some} and {len(folders) - _MOST} more" if len(folders) > _MOST else some
