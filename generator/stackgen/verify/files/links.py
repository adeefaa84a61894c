"""Every link of the generated pages leads somewhere: to a file, to a heading in it, to a runbook, to a dashboard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from posixpath import dirname, normpath
from urllib.parse import unquote

from stackgen.problem import Mark, Problem
from stackgen.resolve.plan import Plan
from stackgen.rules import logs
from stackgen.rules.build import groups
from stackgen.rules.model import Alerting
from stackgen.verify.subject import Subject

_FENCE = re.compile(r"^(`{3,})[^`]*$")
_CODE = re.compile(r"(`+)(?:(?!`).|(?!\1(?!`))`)*?\1(?!`)")
_LINK = re.compile(r"(?<!\\)\[(?:\\.|[^\]\\])*\]\(([^()\s]*)\)")
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*\s*$")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//")
_DASHBOARD = re.compile(r"/d/([^/?#]+)")


def problems(subject: Subject) -> list[Problem]:
    """What leads nowhere in the files of this stack."""
    return of_files(subject.files, subject.plan)


def of_files(files: Mapping[str, str], plan: Plan) -> list[Problem]:
    """What leads nowhere, in the order of the files. `files` is text by path below output/."""
    return [*in_pages(files), *_in_alerts(files, plan)]


def in_pages(files: Mapping[str, str]) -> list[Problem]:
    """Links of Markdown files to files or headings that do not exist; addresses elsewhere are not followed."""
    anchors = cache(lambda path: frozenset(_anchors(files[path])))
    found: list[Problem] = []
    for path, text in files.items():
        if path.endswith(".md"):
            for line, target in _links(text):
                message = _broken(path, target, files, anchors)
                if message:
                    found.append(Problem(Mark(path, line, 1), "dead-link", target, message))
    return found


def _broken(path: str, target: str, files: Mapping[str, str], anchors: object) -> str:
    """Why the link leads nowhere; "" when it leads somewhere."""
    if _ELSEWHERE.match(target):
        return ""
    place, _, anchor = target.partition("#")
    name = normpath(f"{dirname(path)}/{unquote(place)}").lstrip("/") if place else path
    if name not in files:
        folder = any(other.startswith(f"{name}/") for other in files)
        return "" if folder else f"there is no file {name}"
    if anchor and name.endswith(".md"):
        assert callable(anchors)
        if unquote(anchor) not in anchors(name):
            return f"{name} has no heading #{anchor}"
    return ""


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Number and text of the lines outside fenced code."""
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        opened = _FENCE.match(line)
        if fence:
            if line.startswith(fence) and not line.strip("` "):
                fence = ""
        elif opened:
            fence = opened[1]
        else:
            yield number, line


def _links(text: str) -> Iterator[tuple[int, str]]:
    for number, line in _lines(text):
        if "](" in line:
            for found in _LINK.finditer(_CODE.sub("``", line)):
                yield number, found[1]


def _anchors(text: str) -> Iterator[str]:
    """The anchors of all headings; the second of the same name ends in -1, the third in -2."""
    seen: dict[str, int] = {}
    for _, line in _lines(text):
        if found := _HEADING.match(line):
            name = slug(found[2])
            count = seen.get(name, 0)
            seen[name] = count + 1
            yield f"{name}-{count}" if count else name


def slug(heading: str) -> str:
    """GitHub's anchor of a heading: its text in lower case, blanks as hyphens, other punctuation left out."""
    text = re.sub(r"\[((?:\\.|[^\]])*)\]\([^)]*\)", r"\1", heading)
    text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def _in_alerts(files: Mapping[str, str], plan: Plan) -> Iterator[Problem]:
    """Runbooks and dashboards that alerts point to and this stack generates not."""
    if not plan.spec.wants("prometheus"):
        return
    ours = plan.spec.wants("grafana") and not plan.site.shares_boards
    uids = _uids(files) if ours else None
    in_logs = [logs.group(plan)] if plan.has_loki and plan.spec.wants("logs") else []
    for group in (*groups(plan), *in_logs):
        mark = Mark(logs.path(plan) if group in in_logs else group.path)
        for alert in group.alerts:
            if plan.spec.wants("runbooks"):
                yield from _runbook(alert, mark, files, plan)
            if uids is not None:
                yield from _dashboard(alert, mark, uids)


def _runbook(alert: Alerting, mark: Mark, files: Mapping[str, str], plan: Plan) -> Iterator[Problem]:
    url = alert.annotations["runbook_url"]
    base = plan.spec.links.runbooks.rstrip("/")
    name, _, anchor = url.removeprefix(f"{base}/").partition("#")
    page = f"runbooks/{name}"
    if not url.startswith(f"{base}/") or page not in files:
        yield Problem(mark, "dead-runbook", alert.name, f"runbook_url leads to {url}, and there is no {page}")
    elif anchor and anchor not in set(_anchors(files[page])):
        yield Problem(mark, "dead-runbook", alert.name, f"runbook_url: {page} has no heading #{anchor}")


def _dashboard(alert: Alerting, mark: Mark, uids: Mapping[str, str]) -> Iterator[Problem]:
    url = alert.annotations["dashboard_url"]
    found = _DASHBOARD.search(url)
    if not found or found[1] not in uids:
        hint = f"dashboards have: {', '.join(sorted(uids)) or 'no uid at all'}"
        yield Problem(mark, "dead-dashboard", alert.name, f"no dashboard has the uid of {url}", hint)


def _uids(files: Mapping[str, str]) -> dict[str, str]:
    """uid -> file of every dashboard."""
    found: dict[str, str] = {}
    for path, text in files.items():
        if path.startswith("grafana/") and path.endswith(".json"):
            uid = json.loads(text).get("uid")
            if isinstance(uid, str):
                found[uid] = path
    return found
