"""Prometheus, Alertmanager and Grafana that others run: parts to merge, and no alert about what is not ours."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from stackgen import pipeline, verify
from stackgen.spec.model import SHARED
from stackgen.verify import tools
from stackgen.verify.subject import Subject
from tests.belonging import stacks

ALERTING = """
alerting:
  receivers: {oncall: {webhook: {url: "http://oncall"}}, chat: {webhook: {url: "http://chat"}}}
  default: {critical: oncall, warning: chat}
  owners: {shop-team: {warning: oncall}}
  mute: [{name: nights, severities: [warning], times: ["22:00-24:00"]}]
"""
HERE = Path(__file__).parent


def _written(text: str, folder: Path) -> Path:
    (folder / "stack.yaml").write_text(text, encoding="utf-8")
    pipeline.generate(folder / "stack.yaml", folder / "output")
    return folder / "output"


def _problems(folder: Path) -> list[str]:
    made = pipeline.stage(folder / "stack.yaml")
    subject = Subject(made.prepared.plan, made.prepared.document, made.rendered, folder / "output")
    return [str(problem) for problem in verify.problems("written", subject)]


@pytest.mark.promtool
def test_what_others_run_gets_parts_that_its_own_programs_accept(tmp_path: Path) -> None:
    output = _written(f"{stacks.SHOP}{ALERTING}shared: [prometheus, alertmanager, grafana]\n", tmp_path)
    assert _problems(tmp_path) == []
    assert not (output / "prometheus/prometheus.yml").exists()
    assert not (output / "alertmanager/alertmanager.yml").exists()
    assert not (output / "grafana/provisioning").exists()
    assert set(yaml.safe_load((output / "prometheus/scrape.yml").read_text())) == {"scrape_configs"}
    services = yaml.safe_load((output / "docker-compose.yml").read_text())["services"]
    assert not {"prometheus", "alertmanager", "grafana"} & set(services)
    for path in (output / "grafana/dashboards").glob("*.json"):
        board = json.loads(path.read_text())
        assert board["templating"]["list"][0]["current"] == {"text": "default", "value": "default"}


def test_only_this_stacks_alerts_take_the_route_and_all_names_are_its_own(tmp_path: Path) -> None:
    output = _written(f"{stacks.SHOP}{ALERTING}shared: [alertmanager]\n", tmp_path)
    config = yaml.safe_load((output / "alertmanager/subtree.yml").read_text())
    ours = ['stack="shop"', 'environment="production"']
    (route,) = config["route"]["routes"]
    assert route["matchers"] == ours
    for inhibition in config["inhibit_rules"]:
        assert inhibition["source_matchers"][:2] == inhibition["target_matchers"][:2] == ours
    named = [receiver["name"] for receiver in config["receivers"]] + [t["name"] for t in config["time_intervals"]]
    assert named == [f"shop-production-{name}" for name in ("nobody", "oncall", "chat", "nights")]


@pytest.mark.parametrize("program", SHARED)
def test_nothing_judges_what_others_run(tmp_path: Path, program: str) -> None:
    (tmp_path / "stack.yaml").write_text(f"{stacks.SHOP}shared: [{program}]\n", encoding="utf-8")
    plan = pipeline.prepare(tmp_path / "stack.yaml").plan
    assert program not in plan.site.jobs
    off = {one.signal.id: one.reason for one in plan.off}
    wanted = program == "prometheus"
    assert ("rule_failures" in off) is wanted
    assert not wanted or "others run Prometheus" in off["rule_failures"]
    assert {"exporter_down", "scrape_failures", "watchdog"} <= {signal.id for signal in plan.active}


def test_without_compose_and_alertmanager_all_three_are_taken_for_others(tmp_path: Path) -> None:
    for outputs, shared in (("prometheus, grafana", True), ("prometheus, alertmanager", False), ("compose", False)):
        (tmp_path / "stack.yaml").write_text(f"{stacks.SHOP}outputs: [{outputs}]\n", encoding="utf-8")
        spec = pipeline.prepare(tmp_path / "stack.yaml").plan.spec
        assert [spec.shares(program) for program in SHARED] == [shared] * 3


@pytest.mark.promtool
def test_sources_are_told_as_that_prometheus_has_them(tmp_path: Path) -> None:
    named = stacks.SHOP.replace(
        'targets: ["shop-exporter:9808"]', 'job: apps/exporter, labels: {namespace: shop}, path: /m, targets: ["x:1"]'
    )
    output = _written(f"{named}shared: [prometheus]\n", tmp_path)
    assert _problems(tmp_path) == []
    rules = (output / "prometheus/rules/celery-queues-shop-production.yml").read_text()
    assert 'celery_active_worker_count{job="apps/exporter",namespace="shop"' in rules
    (job, *_) = yaml.safe_load((output / "prometheus/scrape.yml").read_text())["scrape_configs"]
    assert (job["job_name"], job["metrics_path"]) == ("shop-production/apps/exporter", "/m")
    given = {rule["target_label"]: rule["replacement"] for rule in job["relabel_configs"]}
    assert given == {"job": "apps/exporter", "namespace": "shop"}


@pytest.mark.promtool
def test_the_example_of_the_readme_is_short_and_accepted(tmp_path: Path, repository: Path) -> None:
    section = (repository / "README.md").read_text(encoding="utf-8").partition("### One stack among many")[2]
    example = section.partition("```yaml\n")[2].partition("```")[0]
    assert example.count("\n") <= 10
    output = _written(example, tmp_path)
    assert _problems(tmp_path) == []
    assert 'job="apps/celery-exporter",namespace="shop"' in "".join(
        path.read_text() for path in (output / "prometheus/rules").iterdir()
    )


@pytest.mark.promtool
@pytest.mark.parametrize("name", ["operator", "environments", "applications", "labelled", "renamed"])
def test_each_fault_is_told_for_its_own_stack(name: str, promtool: Path, tmp_path: Path) -> None:
    for stack in HERE.glob(f"{name}.*.yaml"):
        stacks.rules(stacks.files(stack.read_text(encoding="utf-8"), tmp_path / stack.stem), tmp_path)
    shutil.copy(HERE / f"{name}.yaml", tmp_path)

    done = tools.run(promtool, "test", "rules", f"{name}.yaml", cwd=tmp_path)

    assert done.code == 0, done.err + done.out
