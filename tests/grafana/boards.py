"""Stacks to test dashboards with, and their dashboards as data."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stackgen.artefact import Rendered
from stackgen.emitters import grafana
from stackgen.problem import Problem
from stackgen.render.environment import render
from stackgen.resolve.plan import Plan
from stackgen.rules.build import groups
from tests.contract.scrape import planned
from tests.grafana import queries as judge

Board = dict[str, Any]
Panel = dict[str, Any]

GUIDE = (Path(__file__).resolve().parents[2] / "stack.yaml").read_text()
SMALLEST = """\
version: 1
stack: {name: lab}
celery: {app: lab, broker: {kind: redis}}
queues:
  celery:
sources: [SOURCES]
"""
FULL = """\
version: 1
stack: {name: lab}
celery: {app: lab, worker_memory_limit: 1GiB, broker: {kind: redis}}
queues:
  celery: {thresholds: {queue_length: {warning: 50, critical: 70}, queue_growth: {warning: 7/s}}, min_workers: 2}
  slow: {thresholds: {queue_length: {critical: 9000}, queue_wait_p95: {warning: 45m}}}
  dead: {role: dead_letter}
tasks:
  a.b: {period: 1h, thresholds: {task_failure_ratio: {warning: 1%}, task_duration_p95: {warning: 12s}}}
thresholds:
  queue_length: {warning: 1234, critical: 2345}
  worker_cpu: {warning: 81.5%, critical: 97%}
  workers_active: {critical: 3}
  task_success_ratio: {warning: 90%, critical: 50%}
sources: [celery-exporter, worker, redis]
prometheus: {slow_interval: 15s}
links: {runbooks: "https://example.com/books"}
"""
STACKS = {
    "guide": GUIDE,
    "full": FULL,
    "smallest": SMALLEST.replace("SOURCES", "celery-exporter"),
    "worker": SMALLEST.replace("SOURCES", "worker"),
    "flower": SMALLEST.replace("SOURCES", "flower, redis"),
    "everything": SMALLEST.replace(
        "SOURCES", "celery-exporter, worker, redis, flower, cadvisor, process-exporter, beat"
    ).replace("lab, broker", "lab, worker_memory_limit: 1GiB, broker"),
    "logs": FULL.replace("redis]", "redis, beat]") + "logs: {shippers: [alloy]}\n",
}


def plan_of(folder: Path, text: str) -> Plan:
    """The plan of a stack.yaml with this text."""
    return planned(folder, text)[0]


def rendered(plan: Plan) -> list[Rendered]:
    """Everything below grafana/."""
    return [render(artefact) for artefact in grafana.artefacts(plan)]


def boards_of(plan: Plan) -> dict[str, Board]:
    """Every dashboard by the name of its file, as Grafana reads it."""
    files = {r.artefact.path: r.text for r in rendered(plan) if r.artefact.path.endswith(".json")}
    return {Path(path).stem: json.loads(text) for path, text in files.items()}


def findings(plan: Plan) -> list[Problem]:
    """What is wrong with the dashboards of a plan."""
    return judge.problems(rendered(plan), groups(plan), plan)


def panels(board: Board) -> dict[str, Panel]:
    """Every panel by title, without headings."""
    return {panel["title"]: panel for panel in board["panels"] if panel["type"] != "row"}


def queries(board: Board) -> Iterator[str]:
    """Every query of a dashboard, those of variables and annotations too."""
    yield from (target["expr"] for panel in board["panels"] for target in panel.get("targets", []))
    yield from (annotation["expr"] for annotation in board["annotations"]["list"])
    yield from (variable["query"] for variable in board["templating"]["list"])


def changed(board: Board, *path: str | int, value: Any) -> Board:
    """A copy in which one value is another; None takes it away."""
    made = copy.deepcopy(board)
    place: Any = made
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return made
