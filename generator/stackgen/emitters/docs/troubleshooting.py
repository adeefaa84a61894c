"""troubleshooting.md: the guide's commands in working form, and its best practices as a checklist."""

from __future__ import annotations

from stackgen.catalog import runbook
from stackgen.catalog.guide.commands import COMMANDS, PRACTICES
from stackgen.catalog.guide.row import Row
from stackgen.emitters.docs import places
from stackgen.resolve.plan import Plan


def context(plan: Plan) -> dict[str, object]:
    """Commands that look, commands that destroy, the broker's own answers, the checklist."""
    app, kind = plan.spec.celery.app, plan.spec.celery.broker.kind
    lost = {c.run for family in runbook.DANGEROUS.values() for c in family}
    more = (runbook.STATUS, runbook.ACTIVE_QUEUES, runbook.RESERVED, runbook.QUERY_TASK)
    return {
        "about": COMMANDS.about,
        "looking": [
            *(_command(row, app) for row in COMMANDS.rows if row.code not in lost),
            *(_more(command, app) for command in more),
            *(_more(command, app) for command in runbook.BROKER_DEPTH[kind]),
        ],
        "losing": [
            *(_command(row, app) for row in COMMANDS.rows if row.code in lost),
            _more(runbook.TERMINATE, app),
        ],
        "practices": [_practice(row, plan) for row in PRACTICES.rows],
    }


def _command(row: Row, app: str) -> dict[str, object]:
    return {"run": row.code.replace("{app}", app), "why": row.ours, "wrong": row.wrong or None}


def _more(command: runbook.Command, app: str) -> dict[str, object]:
    return {"run": command.run.replace("{app}", app), "why": command.why, "wrong": None}


def _practice(row: Row, plan: Plan) -> dict[str, object]:
    pages = dict.fromkeys(f"runbooks/{signal.alert}.md" for signal in plan.named(row.signals))
    return {
        "title": row.title,
        "ours": row.ours,
        "where": places.links((*row.where, *pages), plan) or None,
        "off": [one.signal.title for one in plan.off if one.signal.id in row.signals] or None,
    }
