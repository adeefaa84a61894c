"""Six applications in two environments, from one command, loaded together into one Prometheus and one Alertmanager."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackgen import problem
from stackgen.catalog import registry
from tests.alertmanager.server import wait
from tests.stacks.central import Central, central

SIX = Path(__file__).parent / "six"
APPS = ("billing", "crm", "ml", "search", "shop", "tracking-eu")
PAIRS = {(app, environment) for app in APPS for environment in ("production", "staging")}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one command makes of the folder."""
    folder = tmp_path_factory.mktemp("six")
    environment = {**os.environ, "PYTHONPATH": str(Path(problem.__file__).resolve().parents[1])}
    command = [sys.executable, "-m", "stackgen", "generate", str(SIX), "--output", str(folder / "output")]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return folder / "output"


@pytest.fixture(scope="module")
def together(output: Path, tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Central]:
    """Prometheus 3 and Alertmanager, once they have evaluated everything twice and told of it."""
    with central(output, tmp_path_factory.mktemp("central"), repository / ".tools/v3") as started:
        wait(lambda: len(_watchdogs(started)) == len(PAIRS), "every stack's watchdog", patience=60)
        wait(lambda: len(_lengths(started)) == len(PAIRS), "every stack's queues", patience=60)
        yield started


def _watchdogs(started: Central) -> list[tuple[str, str]]:
    labels = (one["labels"] for one in started.alertmanager.alerts())
    return [(one["stack"], one["environment"]) for one in labels if one["alertname"] == "CeleryWatchdog"]


def _lengths(started: Central) -> list[Any]:
    found: list[Any] = started.get("query", query="sum by (stack, environment) (celery:queue_length:max)")["result"]
    return found


def _twice(names: list[Any]) -> list[Any]:
    return [name for name, count in Counter(names).items() if count > 1]


def _documents(output: Path, pattern: str) -> list[Any]:
    found = [yaml.safe_load(path.read_text()) for path in sorted(output.glob(pattern))]
    assert len(found) >= len(PAIRS)
    return found


def test_each_file_is_ten_lines_at_most() -> None:
    assert {path.name: n for path in SIX.iterdir() if (n := len(path.read_text().splitlines())) > 10} == {}


def test_no_group_file_or_recorded_series_is_made_twice(output: Path) -> None:
    groups = [group for one in _documents(output, "*/prometheus/rules/*.yml") for group in one["groups"]]
    assert _twice([group["name"] for group in groups]) == []
    assert _twice([path.name for path in output.glob("*/prometheus/rules/*.yml")]) == []
    rules = [rule for group in groups for rule in group["rules"]]
    assert {(rule["labels"]["stack"], rule["labels"]["environment"]) for rule in rules} == PAIRS
    named = [(rule.get("record") or rule["alert"], sorted(rule["labels"].items())) for rule in rules]
    assert _twice([json.dumps(one) for one in named if not one[0].startswith("celery:threshold")]) == []


def test_no_dashboard_or_compose_project_has_the_name_of_another(output: Path) -> None:
    boards = [json.loads(path.read_text()) for path in output.rglob("grafana/dashboards/*.json")]
    assert len(boards) == len(registry.dashboards())  # one set for all, as they share a Grafana
    assert _twice([board["uid"] for board in boards]) == []
    assert _twice([board["title"] for board in boards]) == []
    assert _twice([one["name"] for one in _documents(output, "*/docker-compose.yml")]) == []


@pytest.mark.promtool
def test_prometheus_loads_all_rules_and_evaluates_each_without_error(output: Path, together: Central) -> None:
    groups = together.get("rules")["groups"]
    written = [group for one in _documents(output, "*/prometheus/rules/*.yml") for group in one["groups"]]
    assert sorted(group["name"] for group in groups) == sorted(group["name"] for group in written)
    rules = [rule for group in groups for rule in group["rules"]]
    assert [(rule["name"], rule["lastError"]) for rule in rules if rule.get("lastError")] == []
    assert len(rules) == sum(len(group["rules"]) for group in written)


@pytest.mark.promtool
def test_every_recorded_series_is_of_one_stack(together: Central) -> None:
    of = together.get("query", query='count by (stack, environment) ({__name__=~"celery:.+"})')["result"]
    found = {(one["metric"].get("stack"), one["metric"].get("environment")) for one in of}
    assert found == PAIRS
    assert len({one["value"][1] for one in _lengths(together)}) == 1  # all read the same answer, none another's too


@pytest.mark.promtool
def test_alertmanager_keeps_the_alerts_of_all_apart(together: Central) -> None:
    # On a busy machine Prometheus may say an alert again only after it has ended: every stack's is there again soon.
    wait(lambda: set(_watchdogs(together)) == PAIRS, "every stack's watchdog", patience=60)
    assert _twice([json.dumps(one["labels"], sort_keys=True) for one in together.alertmanager.alerts()]) == []
