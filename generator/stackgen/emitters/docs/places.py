"""Where a page points: to files of output/ that this stack really has, as seen from docs/."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stackgen.catalog.sources.prometheus import GROUP_PREFIX
from stackgen.resolve.plan import Judged, Plan
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


def exists(path: str, stack: Plan) -> bool:
    """Whether a file that the catalogue names is generated for this stack."""
    folder, _, name = path.partition("/")
    if folder == "logs" and (stack.spec.logs is None or SENDS[name.partition("/")[0]] not in stack.spec.logs.shippers):
        return False
    if folder == "exporters":
        return stack.spec.wants("exporters") and any(s.source.id == name.removesuffix(".yml") for s in stack.scraped)
    if path.startswith("prometheus/rules/"):
        family = name.removeprefix(f"rules/{GROUP_PREFIX}").removesuffix(".yml")
        return stack.spec.wants("prometheus") and any(j.signal.family == family for j in stack.judged)
    return stack.spec.wants(folder)


def link(path: str) -> Link:
    """A link from a page in docs/ to a file of output/, named by its path."""
    return {"name": path, "file": f"../{path}"}


def links(paths: tuple[str, ...], stack: Plan) -> list[Link]:
    """Links to those of the files that this stack has."""
    return [link(path) for path in paths if exists(path, stack)]


def of_signal(judged: Judged, stack: Plan) -> list[Link]:
    """Links to a signal's rule file and runbook."""
    rules = f"prometheus/rules/{GROUP_PREFIX}{judged.signal.family}.yml"
    return links((rules, f"runbooks/{judged.signal.alert}.md"), stack)


def anchor(heading: str) -> str:
    """The anchor GitHub gives a heading of letters, digits, spaces and punctuation."""
    return "#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
