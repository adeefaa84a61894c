"""A Prometheus that the operator configures: what it does not select, and what selects nothing, is told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackgen import pipeline
from stackgen.doctor import rules
from stackgen.doctor.examine import Asked, examine
from stackgen.doctor.finding import Finding
from tests.doctor.programs import prometheus, saying, wait_until_evaluated, wait_until_scraped
from tests.doctor.test_doctor import healthy, said
from tests.kubernetes.teams import as_loaded, groups, of_kind, staged

pytestmark = [pytest.mark.slow, pytest.mark.promtool]

STACK = """\
version: 1
stack: {name: shop}
celery: {app: config, broker: {kind: redis}}
queues: {celery: , priority: }
sources: [celery-exporter, {name: worker, kubernetes: {selector: "app=shop,!canary"}}]
outputs: [kubernetes]
prometheus: {scrape_interval: 10s, evaluation_interval: 10s, slow_interval: 10s}
"""
EXPORTER = "serviceMonitor/shop/celery-exporter-shop-production/0"
WORKERS = "podMonitor/shop/worker-shop-production/0"
OURS = 'stack="shop"'
Data = Mapping[str, Any]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("operator") / "stack.yaml"
    file.write_text(STACK)
    return file


@pytest.fixture(scope="module")
def addresses() -> Iterator[tuple[str, str]]:
    """Of an exporter and of a worker."""
    with saying(healthy()) as exporter, saying(said("worker-load")) as worker:
        yield exporter, worker


def _job(name: str, monitor: Data, address: str, *, fits: bool = True) -> Data:
    """As the operator writes it: everything in the namespace is found, and what does not fit is dropped."""
    (page,) = monitor["spec"].get("endpoints") or monitor["spec"]["podMetricsEndpoints"]
    given = [{"target_label": one["targetLabel"], "replacement": one["replacement"]} for one in page["relabelings"]]
    kept = {"source_labels": ["__meta_app"], "regex": "ours", "action": "keep"}
    labels = {"__meta_app": "ours" if fits else "other"}
    return {
        "job_name": name,
        "scrape_interval": page.get("interval", "10s"),
        "static_configs": [{"targets": [address], "labels": labels}],
        "relabel_configs": [kept, {"target_label": "namespace", "replacement": "shop"}, *given],
    }


def _written(folder: Path, jobs: list[Data], groups: list[Data]) -> Path:
    (folder / "rules").mkdir()
    for number, group in enumerate(groups):
        (folder / f"rules/shop-{number}.yml").write_text(yaml.safe_dump({"groups": [group]}, width=1000))
    own = {"job_name": "prometheus", "static_configs": [{"targets": ["localhost:9090"]}]}
    config = {"rule_files": ["rules/*.yml"], "scrape_configs": [*jobs, own]}
    config["global"] = {"scrape_interval": "10s", "evaluation_interval": "10s"}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    return folder / "prometheus.yml"


def _enforced(group: Data, label: str = "namespace") -> Data:
    """As under enforcedNamespaceLabel."""
    put = f'{label}="shop",{OURS}'
    made = [{**one, "expr": one["expr"].replace(OURS, put)} for one in group["rules"]]
    return {**group, "rules": [{**one, "labels": {**one.get("labels", {}), label: "shop"}} for one in made]}


@pytest.fixture(scope="module")
def made(stack: Path) -> tuple[Mapping[str, Data], list[Data]]:
    """Monitors by kind, and groups of rules."""
    files = pipeline.stage(stack).files
    return {one["kind"]: one for one in of_kind(files, "ServiceMonitor", "PodMonitor")}, groups(files)


def _examined(stack: Path, url: str) -> list[Finding]:
    return examine(pipeline.prepare(stack).plan, Asked(prometheus=url))


def test_what_enforcement_rewrote_is_no_difference(
    stack: Path, made: Any, addresses: tuple[str, str], repository: Path, tmp_path: Path
) -> None:
    (monitors, found), (exporter, worker) = made, addresses
    jobs = [_job(EXPORTER, monitors["ServiceMonitor"], exporter), _job(WORKERS, monitors["PodMonitor"], worker)]
    config = _written(tmp_path, jobs, [*map(_enforced, found)])
    with prometheus(repository / ".tools/v3/usr/bin/prometheus", config, tmp_path) as url:
        wait_until_evaluated(url)
        assert _examined(stack, url) == []


@pytest.mark.parametrize("label", ["namespace", "tenant"])
def test_a_namespace_that_enforcement_put_in_place_of_another_is_no_difference(label: str, tmp_path: Path) -> None:
    made = staged(STACK.replace('"app=shop,!canary"', "app=shop, namespace: apps"), tmp_path)
    plan, written = made.prepared.plan, groups(made.files)
    wanted, text = rules.generated(plan), json.dumps([_enforced(group, label) for group in written])
    if label == "namespace":
        text = text.replace(r"namespace=\"apps\",", "")
    there = rules.loaded(as_loaded(json.loads(text)), plan)
    assert there != wanted
    assert rules.differing(wanted, there, "shop") == (set(), set())
    old = frozenset(replace(one, hold=one.hold + 1) if one.name == "CelerySlowTasks" else one for one in there)
    assert [{one.name for one in some} for some in rules.differing(wanted, old, "shop")] == [{"CelerySlowTasks"}] * 2


@pytest.fixture(scope="module")
def broken(
    stack: Path, made: Any, addresses: tuple[str, str], repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Finding]]:
    """What is found where pods have another label, and a monitor, a rule are not selected, and another is old."""
    (monitors, found), (_, worker), folder = made, addresses, tmp_path_factory.mktemp("broken")
    loaded = [group for group in found if group["name"] != "celery-queues-shop-production"]
    old = yaml.safe_load(re.sub(r"> 300\b", "> 400", yaml.safe_dump(loaded, width=1000)))
    assert old != loaded
    jobs = [_job(name, monitors["PodMonitor"], worker, fits=False) for name in (WORKERS, "podMonitor/other/worker/0")]
    config = _written(folder, jobs, old)
    with prometheus(repository / ".tools/v2/usr/bin/prometheus", config, folder) as url:
        wait_until_scraped(url)
        yield {one.rule: one for one in _examined(stack, url)}


def test_a_monitor_that_is_not_selected(broken: Mapping[str, Finding]) -> None:
    found = broken["monitor-missing"]
    assert found.what == (
        f"the ServiceMonitor shop/celery-exporter-shop-production is no scrape job of this Prometheus: {EXPORTER}"
    )
    assert "kubectl -n shop describe servicemonitor celery-exporter-shop-production" in found.fix
    assert "serviceMonitorSelector" in found.fix
    assert "CeleryQueueWithoutConsumers" in found.alerts


def test_a_monitor_that_selects_nothing(broken: Mapping[str, Finding]) -> None:
    found = broken["monitor-empty"]
    assert found.what == "the PodMonitor shop/worker-shop-production selects nothing: it looked at 1 and kept none"
    assert found.fix.startswith(
        "kubectl get pods -A -l 'app=shop,!canary' must show pods with 9809 among a container's"
    )
    assert "CeleryWorkerRestarted" in found.alerts


def test_a_rule_that_is_not_loaded(broken: Mapping[str, Finding]) -> None:
    found = broken["rules-not-loaded"]
    assert found.what == "Prometheus has no rule of the PrometheusRule shop/celery-queues-shop-production"
    assert "ruleSelector" in found.fix
    assert "CeleryQueueBacklog" in found.alerts


def test_a_rule_that_is_an_older_one(broken: Mapping[str, Finding]) -> None:
    found = broken["rules-differ"]
    assert found.what == "Prometheus has other rules than stack.yaml makes: other: CelerySlowTasks"
    assert found.fix.startswith("kubectl apply")


def test_nothing_is_told_twice(broken: Mapping[str, Finding]) -> None:
    assert "source-down" not in broken
