"""One set of dashboards for stacks that share a Grafana: right for whichever of them is chosen at the top."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from stackgen import pipeline
from stackgen.catalog import registry
from stackgen.catalog.dashboard import board_uid
from stackgen.emitters import grafana
from stackgen.render.environment import render
from stackgen.resolve.plan import Plan
from stackgen.rules.build import groups
from stackgen.stacks import run
from stackgen.stacks.find import find
from stackgen.verify import tools
from tests.grafana import queries as judge
from tests.grafana.boards import Board, panels, queries
from tests.grafana.linter import EXCEPTIONS, RULES

COMMON = "version: 1\ncelery: {broker: {kind: redis}}\nshared: [grafana]\n"
SHOP = """\
extends: common.yaml
stack: {name: shop}
celery: {app: shop}
queues: {celery: , mail: }
sources: [celery-exporter, redis]
thresholds: {task_failure_ratio: {warning: 2%}}
"""
STAGING = "extends: shop.yaml\nstack: {environment: staging}\nthresholds: {queue_length: {critical: never}}\n"
CRM = """\
extends: common.yaml
stack: {name: crm}
celery: {app: crm}
sources: [celery-exporter, worker, beat]
queues: {celery: , mail: {thresholds: {queue_length: {warning: 50}}}}
prometheus: {evaluation_interval: 15s}
logs: {shippers: [alloy]}
"""
OWN = "extends: common.yaml\nstack: {name: own}\ncelery: {app: own}\nqueues: {celery: }\nshared: []\n"


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three stacks that share a Grafana, and one that has its own."""
    folder = tmp_path_factory.mktemp("together")
    texts = {"common": COMMON, "shop": SHOP, "shop.staging": STAGING, "crm": CRM, "own": OWN}
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    outcomes = run.generate(find([folder]), folder / "output")
    assert [problem for one in outcomes for problem in one.problems if problem.level == "error"] == []
    return folder / "output"


@pytest.fixture(scope="module")
def plans(output: Path) -> list[Plan]:
    """Those that share one."""
    found = ("crm.yaml", "shop.yaml", "shop.staging.yaml")
    return [pipeline.prepare(output.parent / name, "any").plan for name in found]


@pytest.fixture(scope="module")
def boards(output: Path) -> dict[str, Board]:
    """The set, by the names of its files."""
    return {path.stem: json.loads(path.read_text()) for path in (output / "grafana/dashboards").glob("*.json")}


def test_the_set_is_written_once_and_a_grafana_of_ones_own_has_its_own(output: Path, boards: dict[str, Board]) -> None:
    assert {name: board["uid"] for name, board in boards.items()} == {name: name for name in boards}
    assert set(boards) == set(registry.dashboards())
    assert "[their dashboards](grafana/dashboards)" in (output / "README.md").read_text()
    assert [path.name for path in output.iterdir() if (path / "grafana").exists()] == ["own-production"]
    own = (output / "own-production/grafana/dashboards").glob("*.json")
    assert {path.stem for path in own} == set(boards) - {"celery-schedule"}, "no beat there, so nothing to show"


def test_every_query_finds_what_some_stack_records(plans: list[Plan]) -> None:
    known: dict[str, frozenset[str]] = {}
    for plan in plans:
        known |= judge.recorded_labels(groups(plan), plan)
    rendered = [render(artefact) for artefact in grafana.shared(plans)]
    assert [str(one) for one in judge.wrong(rendered, known)] == []


@pytest.mark.promtool
def test_the_set_keeps_the_rules_of_the_linter(boards: dict[str, Board]) -> None:
    rules = {name: rule for name, rule in RULES.items() if name not in EXCEPTIONS}
    found = {(uid, name): list(rule(board)) for uid, board in boards.items() for name, rule in rules.items()}
    assert {key: messages for key, messages in found.items() if messages} == {}


def _selectors(board: Board) -> Iterator[str]:
    for query in queries(board):
        yield from re.findall(r"(?:celery:[\w:]+|ALERTS(?:_FOR_STATE)?)(?:\{(?:[^}\"]|\"[^\"]*\")*\})?", query)


def test_every_selector_asks_for_what_is_chosen(boards: dict[str, Board]) -> None:
    for board in boards.values():
        names = [variable["name"] for variable in board["templating"]["list"]]
        assert names.index("stack") < names.index("environment")
        asked = [one for one in _selectors(board) if not one.startswith("celery:workers_witness:bool")]
        assert asked
        wrong = [one for one in asked if 'environment="$environment",stack="$stack"' not in one]
        assert wrong == []
        assert [t for q in queries(board) for t in re.findall(r'job="[^"]*"', q)] == []


def _dashboard_urls(output: Path) -> Iterator[tuple[str, str]]:
    for path in output.glob("*/prometheus/rules/*.yml"):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    yield path.parts[-4], rule["annotations"]["dashboard_url"]


def test_alerts_lead_to_their_stack_on_the_set(output: Path, boards: dict[str, Board], plans: list[Plan]) -> None:
    led = set()
    for folder, url in _dashboard_urls(output):
        parts = urlsplit(url)
        uid, asked = parts.path.removeprefix("/d/"), parse_qs(parts.query)
        if folder == "own-production":
            assert uid not in boards
            assert "var-stack" not in asked
        else:
            assert uid in boards
            led.add((folder, asked["var-stack"][0], asked["var-environment"][0]))
            assert ("{{" in url) is bool({"var-queue", "var-task", "var-worker"} & set(asked))
    assert led == {
        ("crm-production", "crm", "production"),
        ("shop-production", "shop", "production"),
        ("shop-staging", "shop", "staging"),
    }
    assert {board_uid(name, plan.site) for name in boards for plan in plans} == set(boards)


def _said(board: Board, title: str) -> list[str]:
    return [line for line in panels(board)[title]["description"].splitlines() if line.startswith("Alert ")]


def test_a_panel_says_the_numbers_of_each_stack_that_differ(boards: dict[str, Board]) -> None:
    assert _said(boards["celery-tasks"], "Task Failure Rate by Task") == [
        "Alert CeleryHighFailureRate: warning above 5% for 5m, critical above 20% for 5m (on crm production).",
        "Alert CeleryHighFailureRate: warning above 2% for 5m, critical above 20% for 5m "
        "(on shop production, shop staging).",
    ]
    assert _said(boards["celery-tasks"], "Task Retry Rate") == ["Alert CeleryHighRetryRate: warning above 10% for 5m."]


def _steps(panel: dict[str, Any]) -> list[float]:
    return [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]][1:]


@pytest.mark.promtool
def test_the_lines_are_the_numbers_of_the_stack_that_is_chosen(
    boards: dict[str, Board], promtool: Path, tmp_path: Path
) -> None:
    failures = panels(boards["celery-tasks"])["Task Failure Rate by Task"]
    depth = panels(boards["celery-queues"])["Queue Depth"]
    assert (_steps(failures), _steps(depth)) == ([0.2], [])
    lines = {
        name: [t["expr"] for t in panel["targets"] if t["legendFormat"] == f"{severity} limit"]
        for name, panel, severity in (("failures", failures, "warning"), ("depth", depth, "critical"))
    }
    asked = []
    expected = {
        ("failures", "shop", "production"): 0.02,
        ("failures", "shop", "staging"): 0.02,
        ("failures", "crm", "production"): 0.05,
        ("depth", "shop", "production"): 5000,
        ("depth", "shop", "staging"): None,
        ("depth", "crm", "production"): 5000,
    }
    for (name, stack, environment), value in expected.items():
        (line,) = lines[name]
        query = line.replace("$stack", stack).replace("$environment", environment)
        query = query.replace("$queue", ".*").replace("$task", ".*")
        samples = [] if value is None else [{"labels": "{}", "value": value}]
        asked.append({"expr": query, "eval_time": "1m", "exp_samples": samples})
    of = [("shop", "production"), ("shop", "staging"), ("crm", "production")]
    series = [
        {"series": f'{name}{{stack="{stack}",environment="{environment}",{label}="x"}}', "values": "7x5"}
        for stack, environment in of
        for name, label in (("celery:task_failures:ratio10m", "task"), ("celery:queue_length:max", "queue"))
    ]
    tests = [{"interval": "1m", "input_series": series, "promql_expr_test": asked}]
    (tmp_path / "lines.yml").write_text(yaml.safe_dump({"rule_files": [], "tests": tests}))
    done = tools.run(promtool, "test", "rules", "lines.yml", cwd=tmp_path)
    assert done.code == 0, done.err + done.out


def test_a_queues_own_limit_is_drawn_for_the_stack_that_has_it(boards: dict[str, Board]) -> None:
    depth = panels(boards["celery-queues"])["Queue Depth"]
    drawn = [t["expr"] for t in depth["targets"] if t["expr"].startswith("celery:threshold")]
    assert len(drawn) == 1
    assert 'environment="$environment",stack="$stack"' in drawn[0]
    assert 'severity="warning"' in drawn[0]


def test_lines_of_the_log_are_those_of_the_chosen_stack(boards: dict[str, Board]) -> None:
    (lines,) = (panel for panel in boards["celery-tasks"]["panels"] if panel["type"] == "logs")
    assert '{service_name="$stack", environment="$environment"}' in lines["targets"][0]["expr"].replace(",e", ", e")
    text = json.dumps(boards["celery-tasks"])
    assert "var-stack=$stack&var-environment=$environment&var-task=" in text
