"""Dashboards: everything the guide names, nothing a stack cannot fill, no query that selects nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import promql_parser as ql
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackgen.artefact import Rendered
from stackgen.catalog import registry
from stackgen.catalog.dashboard import Panel, inert, narrowed
from stackgen.emitters.grafana.layout import lines, places
from stackgen.problem import Problem
from stackgen.resolve.plan import Plan
from stackgen.rules.build import groups
from tests.grafana import queries as judge
from tests.grafana.boards import (
    FULL,
    GUIDE,
    SMALLEST,
    STACKS,
    Board,
    boards_of,
    changed,
    findings,
    panels,
    plan_of,
    queries,
    rendered,
)

WANTED = {
    "celery-workers": (
        "Celery / Worker Overview",
        {
            "Active Workers": "gauge",
            "Worker CPU Usage": "timeseries",
            "Worker Memory Usage": "timeseries",
            "Tasks Processed": "stat",
            "Task Processing Rate": "timeseries",
        },
    ),
    "celery-queues": (
        "Celery / Queue Monitoring",
        {
            "Queue Depth": "timeseries",
            "Queue Growth Rate": "timeseries",
            "Task Wait Time": "timeseries",
            "Tasks by State": "piechart",
        },
    ),
    "celery-tasks": (
        "Celery / Task Performance",
        {
            "Task Duration P50/P95/P99": "timeseries",
            "Task Success/Failure Rate": "timeseries",
            "Top Slowest Tasks": "table",
            "Task Retry Rate": "timeseries",
        },
    ),
}
"""The guide's dashboards, "Grafana Dashboards": title, and every panel with what it is."""

HOSTILE = ["$queue", "${datasource}", "[[task]]", 'a"}b{', "back\\slash", "celery:x{", "dead|.+", "line\nbreak"]


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan of the guide's stack."""
    return plan_of(tmp_path_factory.mktemp("guide"), GUIDE)


@pytest.mark.parametrize("uid", WANTED)
def test_the_guides_dashboards_have_every_panel_it_lists(guide: Plan, uid: str) -> None:
    title, wanted = WANTED[uid]
    board = boards_of(guide)[uid]
    assert board["title"] == f"{title} (muejam, production)"
    assert {name: panels(board)[name]["type"] for name in wanted} == wanted


@pytest.mark.parametrize("stack", STACKS)
def test_the_check_passes_what_we_generate(tmp_path: Path, stack: str) -> None:
    assert findings(plan_of(tmp_path, STACKS[stack])) == []


def test_alerts_link_to_dashboards_and_variables_that_exist(guide: Plan) -> None:
    boards = {board["uid"]: board for board in boards_of(guide).values()}
    urls = [alert.annotations["dashboard_url"] for group in groups(guide) for alert in group.alerts]
    for url in urls:
        found = re.search(r"/d/([a-z-]+)(?:\?var-(\w+)=)?", url)
        assert found, url
        variables = [v["name"] for v in boards[found[1]]["templating"]["list"]]
        assert found[2] is None or found[2] in variables, url


def test_the_smallest_stack_says_what_it_leaves_out(tmp_path: Path) -> None:
    boards = boards_of(plan_of(tmp_path, SMALLEST.replace("SOURCES", "celery-exporter")))
    assert "Worker CPU Usage" not in panels(boards["celery-workers"])
    note = panels(boards["celery-workers"])["Left out"]["options"]["content"]
    assert "- **Worker CPU Usage**: no listed source measures it (add source worker" in note
    assert [v["name"] for v in boards["celery-workers"]["templating"]["list"]] == ["prometheus_datasource", "worker"]


def test_without_dead_letter_queues_no_panel_shows_all_queues_as_dead(tmp_path: Path) -> None:
    board = boards_of(plan_of(tmp_path, SMALLEST.replace("SOURCES", "celery-exporter")))["celery-queues"]
    assert "Dead Letters" not in panels(board)
    assert "- **Dead Letters**: no queue has role dead_letter" in panels(board)["Left out"]["options"]["content"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_queue_is_neither_variable_nor_syntax(tmp_path: Path, name: str) -> None:
    text = FULL.replace("  dead: {", f"  {json.dumps(name)}: {{")
    plan = plan_of(tmp_path, text)
    assert findings(plan) == []
    variables = {"queue", "task", "worker", "prometheus_datasource", "__range", "__range_s"}
    for board in boards_of(plan).values():
        for query in queries(board):
            used = {"".join(found) for found in re.findall(r"\$(\w+)|\$\{(\w+)|\[\[(\w+)", query)}
            assert used <= variables - {"prometheus_datasource"}, query
    dead = panels(boards_of(plan)["celery-queues"])["Dead Letters"]["targets"][0]["expr"]
    assert _asked(dead, "queue") == name


def _asked(expr: str, label: str) -> str:
    selector: Any = ql.parse(expr)
    while not isinstance(selector, ql.VectorSelector):
        selector = selector.expr
    return next(m.value for m in selector.matchers.matchers if m.name == label and m.op == ql.MatchOp.Equal)


@given(st.text(st.one_of(st.sampled_from('$[]{}"\\'), st.characters(exclude_categories=["Cs"])), max_size=20))
def test_inert_text_means_the_same(name: str) -> None:
    quoted = "".join({"\\": "\\\\", '"': '\\"', "\n": "\\n"}.get(c, c) for c in name)
    made = inert(f'celery:x{{queue="{quoted}"}}')
    assert "$" not in made
    assert "[[" not in made
    assert _asked(made, "queue") == name


def test_matchers_are_added_to_recorded_series_only() -> None:
    expr = 'celery:a:b{q="celery:c{}"} / on (q) celery:d:e and ALERTS{x="y"}'
    wanted = 'celery:a:b{q="celery:c{}",n="1"} / on (q) celery:d:e{n="1"} and ALERTS{x="y"}'
    assert narrowed(expr, 'n="1"') == wanted


def test_runbooks_are_linked_where_a_browser_can_open_them(tmp_path: Path, guide: Plan) -> None:
    linked = panels(boards_of(plan_of(tmp_path, FULL))["celery-queues"])["Queue Depth"]
    assert linked["links"][0]["url"] == "https://example.com/books/CeleryQueueBacklog.md"
    named = panels(boards_of(guide)["celery-queues"])["Queue Depth"]
    assert "links" not in named
    assert "Runbook: output/runbooks/CeleryQueueBacklog.md" in named["description"]


def test_a_line_of_panels_fills_the_grid(guide: Plan) -> None:
    some = [panel for board in registry.dashboards().values() for panel in board.panels]
    for line in lines(some):
        at = places(line, 3)
        assert sum(place["w"] for place in at) == 24
        assert [place["x"] for place in at] == [sum(p["w"] for p in at[:n]) for n in range(len(at))]


def test_too_wide_a_panel_begins_a_line(guide: Plan) -> None:
    one: Panel = registry.dashboards()["celery-queues"].panels[0]
    wide = [one._replace(width=w) for w in (12, 13, 11)]
    assert [[panel.width for panel in line] for line in lines(wide)] == [[12], [13, 11]]


def test_the_same_stack_gives_the_same_bytes(guide: Plan) -> None:
    assert [r.text for r in rendered(guide)] == [r.text for r in rendered(guide)]


_EXPR = ("panels", 4, "targets", 0, "expr")
BROKEN: list[tuple[tuple[str | int, ...], Any, str]] = [
    (("title",), "Celery / Stack Health (muejam, production)", "2 dashboards have this title"),
    (("panels", 4, "id"), 2, "2 panels have id 2"),
    (("panels", 4, "title"), "Task Wait Time", "2 panels have title Task Wait Time"),
    (("panels", 4, "gridPos", "x"), 13, "outside the 24 columns"),
    (("panels", 4, "gridPos", "x"), 1, "Queue Growth Rate overlaps Queue Depth"),
    (("panels", 4, "gridPos", "w"), None, "has no place"),
    (("templating", "list", 2, "query"), "label_values(celery:queue_length:max, task)", "with label task"),
    (("templating", "list", 2, "query"), "metrics(celery)", "is not label_values"),
    (_EXPR, "sum(", "not PromQL"),
    (_EXPR, 'celery:queue_length:max{queue=~"$queu"}', "no variable is named queu"),
    (_EXPR, "celery:queue_len:max", "did you mean 'celery:queue_length:max'"),
    (_EXPR, "celery_queue_length", "no rule records celery_queue_length"),
    (_EXPR, 'celery:queue_length:max{task="x"}', "not task"),
    (_EXPR, "sum by (worker) (celery:queue_length:max)", "not worker"),
    (_EXPR, "celery:queue_length:max / on (task) celery:queue_workers:count", "not task"),
    (("annotations", "list", 0, "expr"), "ALERT", "no rule records ALERT"),
]


@pytest.mark.parametrize(("path", "value", "expected"), BROKEN, ids=[f"{e}" for _, _, e in BROKEN])
def test_the_check_finds_what_is_broken(guide: Plan, path: tuple[str | int, ...], value: Any, expected: str) -> None:
    found = _findings_with(guide, lambda board: changed(board, *path, value=value))
    assert any(expected in f"{problem.message} {problem.hint}" for problem in found), found


def _findings_with(plan: Plan, change: Any) -> list[Problem]:
    made: list[Rendered] = []
    for one in rendered(plan):
        board: Board | Any = one.artefact.context.get("document")
        if board and board["title"].startswith("Celery / Queue Monitoring"):
            artefact = replace(one.artefact, context={"document": change(board)})
            made.append(replace(one, artefact=artefact))
        else:
            made.append(one)
    return judge.problems(made, groups(plan), plan)
