"""Where a page points: to files of output/ that this stack really has, as seen from docs/."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stackgen.catalog import registry
from stackgen.catalog.signal import Signal
from stackgen.resolve.available import is_empty
from stackgen.resolve.plan import Plan
from stackgen.rules.build import rule_file
from stackgen.spec.logs import Shipper

Link = dict[str, object]

SENDS: Mapping[str, Shipper] = {
    "filebeat": "filebeat",
    "elasticsearch": "filebeat",
    "kibana": "filebeat",
    "alloy": "alloy",
    "loki": "alloy",
    "cloudwatch": "cloudwatch",
}
"""Folder of logs/ -> the shipper that it comes with."""


def exists(path: str, plan: Plan) -> bool:
    """Whether a file that the catalogue names is generated for this stack."""
    folder, _, name = path.partition("/")
    if folder == "logs" and (plan.spec.logs is None or SENDS[name.partition("/")[0]] not in plan.spec.logs.shippers):
        return False
    if folder == "exporters":
        return plan.spec.wants("exporters") and any(s.source.id == name.removesuffix(".yml") for s in plan.scraped)
    if path.startswith("prometheus/rules/"):
        group = name.removeprefix("rules/celery-").removesuffix(".yml")
        return plan.spec.wants("prometheus") and any(signal.group == group for signal in plan.metric_signals)
    if path.startswith("grafana/dashboards/") and not plan.site.shares_boards:
        board = registry.dashboards()[name.removeprefix("dashboards/").removesuffix(".json")]
        return plan.spec.wants("grafana") and not is_empty(board, plan)
    return plan.spec.wants(folder)


def link(path: str, plan: Plan, home: str = "..") -> Link:
    """A link to a file of the stack that the catalogue names, named by its real path.

    `home`: the way to the stack's files, which from its own docs/ is up.
    """
    if path.startswith("prometheus/rules/"):
        path = rule_file(path.removeprefix("prometheus/rules/celery-").removesuffix(".yml"), plan)
    if path.startswith("grafana/") and plan.site.shares_boards:
        home = f"{home}/.." if home == ".." else ".."
    return {"name": path, "file": f"{home}/{path}"}


def links(paths: tuple[str, ...], plan: Plan, home: str = "..") -> list[Link]:
    """Links to those of the files that this stack has."""
    return [link(path, plan, home) for path in paths if exists(path, plan)]


def of_signal(signal: Signal, plan: Plan, home: str = "..") -> list[Link]:
    """Links to a signal's rule file and runbook."""
    rules = f"prometheus/rules/celery-{signal.group}.yml"
    return links((rules, f"runbooks/{signal.alert}.md"), plan, home)


def anchor(heading: str) -> str:
    """The anchor GitHub gives a heading of letters, digits, spaces and punctuation."""
    return "#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
