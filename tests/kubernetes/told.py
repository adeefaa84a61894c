"""Whether an Alertmanager tells each alert of a stack to whom the plan says, asked of the real amtool."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from stackgen.catalog.signal import Severity
from stackgen.resolve.plan import Plan
from stackgen.resolve.routing import Routing
from stackgen.verify.objects.found import Found
from stackgen.verify.written import amtool
from tests.alertmanager import meant


def asked(config: Mapping[str, Any], cases: list[dict[str, object]], folder: Path) -> list[str]:
    """What amtool says against the cases."""
    (folder / "am.yml").write_text(json.dumps(config), encoding="utf-8")
    (folder / "cases.yml").write_text(json.dumps({"config": "am.yml", "cases": cases}), encoding="utf-8")
    return [problem.message for problem in amtool.asked(folder, ["am.yml"], ["cases.yml"])]


def cases(plan: Plan, one: Found, others: Mapping[str, str]) -> list[dict[str, object]]:
    """Every alert at every severity, of every owner and queue, and who must be told of it behind the operator.

    `one`: the AlertmanagerConfig. `others`: labels that each alert has instead; one that is "" is missing.
    """
    routing = Routing(plan.spec)
    found: list[dict[str, object]] = []
    for labels in meant.alerts(plan):
        receiver = routing.receiver(cast("Severity", labels["severity"]), labels["owner"], labels.get("queue"))
        name = plan.spec.alerting.watchdog if labels["signal"] == meant.WATCHDOG else receiver
        wanted = f"{one.metadata['namespace']}/{one.name}/{name}"
        there = {key: text for key, text in {**labels, **others}.items() if text}
        found.append({"name": str(labels), "labels": there, "receivers": [wanted]})
    return found
