"""guide.md: everything the monitoring guide says, what is wrong with it, and what this stack has instead."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.catalog import guide, promql
from stackgen.catalog.guide.row import Chapter, Row
from stackgen.catalog.identity import joined
from stackgen.emitters.docs import places
from stackgen.resolve.plan import Plan
from stackgen.rules import classes
from stackgen.rules.build import condition


def context(plan: Plan, home: str) -> dict[str, object]:
    """The chapters, in the guide's order; `home` is the way from the page to the files of the stack."""
    stack = plan.spec.stack
    chapters = [_chapter(one, plan, home) for one in guide.CHAPTERS]
    return {"stack": joined(stack.name, stack.environment), "chapters": chapters}


def _chapter(one: Chapter, plan: Plan, home: str) -> dict[str, object]:
    """One section of the guide, with all its rows."""
    return {
        "title": one.title,
        "anchor": places.anchor(one.title),
        "about": one.about,
        "rows": [_row(r, plan, home) for r in one.rows],
    }


def _row(one: Row, plan: Plan, home: str) -> dict[str, object]:
    """One row, with the conditions of its signals on this stack."""
    code = one.code.replace("{app}", plan.spec.celery.app)
    return {
        "title": one.title,
        "guide": one.guide or None,
        "language": one.language,
        "wrong": one.wrong or None,
        "ours": one.ours or None,
        "code": code.replace("{evaluation}", promql.number(plan.site.evaluation)) or None,
        "code_language": one.code_language,
        "queries": "\n".join(_queries(one.signals, plan)) or None,
        "off": _off(one.signals, plan) or None,
        "where": _where(one, plan, home) or None,
    }


def _where(one: Row, plan: Plan, home: str) -> list[places.Link]:
    """Where to find it: the files of the row, and rules and runbooks of its signals, each once."""
    listed = [
        *places.links(one.where, plan, home),
        *(link for signal in plan.named(one.signals) for link in places.of_signal(signal, plan, home)),
    ]
    return list({str(link["file"]): link for link in listed}.values())


def _queries(signals: tuple[str, ...], plan: Plan) -> Iterator[str]:
    """The condition of each severity of the signals that are on, in words and as PromQL."""
    for signal in plan.named(signals):
        for part in (part for alert in plan.of(signal) for part in classes.parts(alert)):
            yield f"# {signal.alert}, {part.alert.severity}: {part.alert.words}"
            yield condition(part, plan)


def _off(signals: tuple[str, ...], plan: Plan) -> list[dict[str, object]]:
    """The signals that this stack does not judge, and why."""
    return [
        {"alert": one.signal.alert, "title": one.signal.title, "reason": one.reason}
        for one in plan.off
        if one.signal.id in signals
    ]
