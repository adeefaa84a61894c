"""guide.md: everything the monitoring guide says, what is wrong with it, and what this stack has instead."""

from __future__ import annotations

from generator.catalog import guide
from generator.catalog.guide.row import Chapter, Row
from generator.emitters.docs import places
from generator.resolve.plan import Plan
from generator.rules.build import condition, describe


def context(stack: Plan) -> dict[str, object]:
    """The chapters, in the guide's order."""
    return {"chapters": [chapter(one, stack) for one in guide.CHAPTERS]}


def chapter(one: Chapter, stack: Plan) -> dict[str, object]:
    """One section of the guide, with all its rows."""
    return {
        "title": one.title,
        "anchor": places.anchor(one.title),
        "about": one.about,
        "rows": [row(r, stack) for r in one.rows],
    }


def row(one: Row, stack: Plan) -> dict[str, object]:
    """One row, with the conditions of its signals on this stack."""
    app = stack.spec.celery.app
    return {
        "title": one.title,
        "guide": one.guide or None,
        "language": one.language,
        "wrong": one.wrong or None,
        "ours": one.ours or None,
        "code": one.code.replace("{app}", app) or None,
        "code_language": one.code_language,
        "judged": judged(one.signals, stack) or None,
        "off": off(one.signals, stack) or None,
        "where": places.links(one.where, stack) or None,
    }


def judged(signals: tuple[str, ...], stack: Plan) -> list[dict[str, object]]:
    """The signals that are on: alert, links, and the condition of each severity in words and as PromQL."""
    on = [found for name in signals if (found := stack.judgement(name))]
    return [
        {
            "alert": one.signal.alert,
            "title": one.signal.title,
            "where": places.of_signal(one, stack),
            "levels": [
                {"text": f"{severity} {describe(one, severity)}".strip(), "expr": condition(one, severity, stack)}
                for severity in one.bounds
            ],
        }
        for one in on
    ]


def off(signals: tuple[str, ...], stack: Plan) -> list[dict[str, object]]:
    """The signals that this stack does not judge, and why."""
    return [
        {"title": one.signal.title, "alert": one.signal.alert, "reason": one.reason}
        for one in stack.off
        if one.signal.id in signals
    ]
