"""Copies of one stack in one Prometheus: each is judged by itself, and its trouble is told of it alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from stackgen import pipeline
from stackgen.catalog import registry
from stackgen.diff.compare import compare
from stackgen.emitters.grafana.board import board as made
from stackgen.emitters.grafana.together import together
from stackgen.rules.build import groups
from stackgen.rules.model import Recording
from stackgen.spec.checks import RESERVED_LABELS
from stackgen.verify import tools
from stackgen.verify.plan import contract
from tests.belonging import stacks
from tests.mutation.judge import rendered

HERE = Path(__file__).parent
CLUSTERS = HERE / "clusters.stack.yaml"


@pytest.mark.promtool
@pytest.mark.parametrize("name", ["clusters", "seen"])
def test_trouble_is_told_of_its_own_cluster(name: str, promtool: Path, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    stacks.rules(rendered(HERE / f"{name}.stack.yaml"), tmp_path / "rules")
    shutil.copy(HERE / f"{name}.yaml", tmp_path)

    done = tools.run(promtool, "test", "rules", f"{name}.yaml", cwd=tmp_path)

    assert done.code == 0, done.err + done.out


@pytest.mark.promtool
@pytest.mark.slow
@pytest.mark.parametrize("name", ["clusters", "seen"])
def test_generated_tests_pass_with_a_copy_beside(name: str, promtool: Path, tmp_path: Path) -> None:
    for path, text in rendered(HERE / f"{name}.stack.yaml").items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    tests = sorted(str(path) for path in (tmp_path / "prometheus/tests").iterdir())
    assert any('cluster="eu"' in Path(path).read_text() for path in tests) is (name == "clusters")

    done = tools.run(promtool, "test", "rules", *tests, cwd=tmp_path)

    assert done.code == 0, done.err + done.out


def test_alertmanager_keeps_copies_apart() -> None:
    config = yaml.safe_load(pipeline.stage(CLUSTERS).files["alertmanager/alertmanager.yml"])
    assert config["route"]["group_by"][:3] == ["stack", "environment", "cluster"]
    assert config["inhibit_rules"]
    assert all("cluster" in one["equal"] for one in config["inhibit_rules"])


def test_dashboards_ask_for_the_chosen_copies_and_name_each() -> None:
    made = pipeline.stage(CLUSTERS).files
    boards = [json.loads(text) for path, text in made.items() if path.startswith("grafana/dashboards/")]
    assert len(boards) == 4
    for board in boards:
        (variable,) = [one for one in board["templating"]["list"] if one["name"] == "cluster"]
        assert variable["query"].endswith(", cluster)")
        panels = [panel for panel in board["panels"] if panel.get("targets")]
        for panel in panels:
            for target in panel["targets"]:
                central = 'job="prometheus"' in target["expr"] or 'job="alertmanager"' in target["expr"]
                assert 'cluster=~"$cluster|"' in target["expr"] or central, target["expr"]
                apart = target["legendFormat"].endswith("{{cluster}}")
                assert apart or panel["type"] in ("table", "heatmap", "stat") or "count(ALERTS" in target["expr"]


def test_a_rule_that_loses_a_copy_is_refused() -> None:
    plan = pipeline.prepare(CLUSTERS).plan
    *before, last = groups(plan)
    length = 'celery_queue_length{job="celery-exporter"}'
    for expr in (f"max by (queue_name) ({length})", f"{length} and on (queue_name) {length}"):
        worse = replace(last, recordings=(*last.recordings, Recording("a:b:c", expr)))
        assert "copies-mixed" in {one.rule for one in contract.of_rules([*before, worse], plan)}
    assert contract.of_rules([*before, last], plan) == []


def test_the_example_of_the_readme_is_short_and_accepted(tmp_path: Path, repository: Path) -> None:
    section = (repository / "README.md").read_text(encoding="utf-8").partition("for two clusters behind one")[2]
    example = section.partition("\n")[2].partition("```")[0]
    assert example.count("\n") <= 10
    (tmp_path / "stack.yaml").write_text(example)
    assert pipeline.prepare(tmp_path / "stack.yaml").plan.site.copies.known == ({"cluster": "eu"}, {"cluster": "us"})


def test_dashboards_of_many_stacks_have_the_labels_of_any(repository: Path) -> None:
    plans = [pipeline.prepare(path).plan for path in (repository / "stack.yaml", CLUSTERS)]
    for dashboard in registry.dashboards().values():
        listed = made(dashboard, together(plans))["templating"]
        assert '"name": "cluster"' in json.dumps(listed)


def test_alerts_may_have_every_label_that_none_of_them_has() -> None:
    own = {"alertname", "alertstate", "environment", "owner", "severity", "signal", "stack"}
    assert {label for signal in registry.signals().values() for label in signal.by} | own == RESERVED_LABELS


def test_diff_tells_that_copies_come_and_go(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(CLUSTERS.read_text().replace("[eu, us]", "[eu, us, ap]"))
    old, new = (pipeline.stage(path).files for path in (CLUSTERS, tmp_path / "stack.yaml"))
    (change,) = compare(old, new).changes
    assert (change.subjects, change.aspect) == (("every alert",), "label cluster")
    assert (change.before, change.after) == ("eu, us", "eu, us, ap")
