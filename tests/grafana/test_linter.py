"""Every dashboard keeps the rules of grafana/dashboard-linter, and our port of each rule finds what it is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.grafana.boards import STACKS, Board, boards_of, changed, plan_of
from tests.grafana.linter import EXCEPTIONS, RULES


@pytest.fixture(scope="module")
def queues(tmp_path_factory: pytest.TempPathFactory) -> Board:
    """A dashboard to break."""
    return boards_of(plan_of(tmp_path_factory.mktemp("guide"), STACKS["logs"]))["celery-queues"]


def test_all_17_rules_are_ported() -> None:
    assert len(RULES) == 17


@pytest.mark.promtool
@pytest.mark.parametrize("stack", STACKS)
def test_dashboards_keep_the_rules(tmp_path: Path, stack: str) -> None:
    boards = boards_of(plan_of(tmp_path, STACKS[stack]))
    found = {
        (uid, name): list(rule(board))
        for uid, board in boards.items()
        for name, rule in RULES.items()
        if name not in EXCEPTIONS
    }
    assert {key: messages for key, messages in found.items() if messages} == {}


@pytest.mark.parametrize("rule", EXCEPTIONS)
def test_an_exception_is_needed(queues: Board, rule: str) -> None:
    assert list(RULES[rule](queues))


_QUERY = ("panels", 4, "targets", 0, "expr")
_BROKEN: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "template-datasource-rule": (("templating", "list", 0, "name"), "prom"),
    "template-label-promql-rule": (("templating", "list", 2, "query"), "label_values(queue length, queue)"),
    "template-on-time-change-reload-rule": (("templating", "list", 2, "refresh"), 1),
    "panel-datasource-rule": (("panels", 4, "datasource", "uid"), "celery-prometheus"),
    "panel-title-description-rule": (("panels", 4, "description"), ""),
    "panel-units-rule": (("panels", 4, "fieldConfig", "defaults", "unit"), "tasks"),
    "panel-no-targets-rule": (("panels", 4, "targets"), None),
    "target-logql-rule": (("panels", -1, "targets", 0, "expr"), '{a="b"} | task="x'),
    "target-logql-auto-rule": (("panels", -1, "targets", 0, "expr"), 'count_over_time({a="b"}[5m])'),
    "target-promql-rule": (_QUERY, "sum by (queue) celery:queue_length:max"),
    "target-rate-interval-rule": (_QUERY, "rate(x_total[5m])"),
    "target-counter-agg-rule": (_QUERY, 'sum(x_total{queue=~"$queue"})'),
    "uneditable-dashboard": (("editable",), True),
}


@pytest.mark.promtool
@pytest.mark.parametrize("rule", [name for name in RULES if name not in EXCEPTIONS])
def test_a_rule_finds_what_it_is_for(queues: Board, rule: str) -> None:
    path, value = _BROKEN[rule]
    assert list(RULES[rule](changed(queues, *path, value=value)))
