"""The scrape jobs that are written: every kind of place, labels as the rules ask for them, beside other stacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackgen import pipeline
from stackgen.verify import tools
from tests.belonging import stacks

PLACES = """
version: 1
stack: {name: shop}
celery: {app: shop, broker: {kind: rabbitmq, vhost: shop}}
queues: {celery: }
outputs: [prometheus, alertmanager]
sources:
  - {name: celery-exporter, kubernetes: {selector: "app=exporter,tier!=web", namespace: shop}}
  - {name: worker, kubernetes: {role: ROLE, selector: app=worker, port: 9000}, labels: {site: "a$1b"}}
  - {name: rabbitmq, targets: ["mq:15692", "dns:mq:15692", "file:/etc/targets/*.json"], labels: {site: eu}}
"""
POD = {
    "__meta_kubernetes_namespace": "shop",
    "__meta_kubernetes_pod_name": "worker-1",
    "__meta_kubernetes_pod_phase": "Running",
}


def _jobs(folder: Path, text: str, name: str = "prometheus.yml") -> list[dict[str, Any]]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stack.yaml").write_text(text, encoding="utf-8")
    pipeline.generate(folder / "stack.yaml", folder / "output")
    jobs: list[dict[str, Any]] = yaml.safe_load((folder / "output/prometheus" / name).read_text())["scrape_configs"]
    return jobs


def _checked(promtool: Path, config: object, folder: Path, *command: str) -> str:
    (folder / "asked.yml").write_text(yaml.safe_dump(config))
    done = tools.run(promtool, "check", command[0], "asked.yml", *command[1:], cwd=folder)
    assert done.code == 0, done.err + done.out
    return done.out


@pytest.fixture
def newest(repository: Path) -> Path:
    """Debian's promtool 2.42 is built without Kubernetes."""
    return repository / ".tools/v3/usr/bin/promtool"


@pytest.mark.promtool
@pytest.mark.parametrize("role", ["pod", "service", "endpoints", "endpointslice"])
def test_promtool_accepts_every_kind_of_place(role: str, newest: Path, tmp_path: Path) -> None:
    jobs = _jobs(tmp_path, PLACES.replace("ROLE", role))
    _checked(newest, {"scrape_configs": jobs}, tmp_path, "config")
    found = {job["job_name"]: {kind for kind in job if kind.endswith("_sd_configs")} for job in jobs}
    assert found["celery-exporter"] == found["celery-worker"] == {"kubernetes_sd_configs"}
    assert found["rabbitmq"] == found["rabbitmq-alarms"] == {"dns_sd_configs", "file_sd_configs"}
    (worker,) = (job for job in jobs if job["job_name"] == "celery-worker")
    (cluster,) = worker["kubernetes_sd_configs"]
    assert cluster == {"role": role, "selectors": [{"role": role, "label": "app=worker"}]}


def _targets(promtool: Path, folder: Path, role: str, found: list[dict[str, str]]) -> list[dict[str, str]]:
    """What Prometheus makes of objects with these labels: it takes them from a static list as from a cluster."""
    (job,) = (job for job in _jobs(folder, PLACES.replace("ROLE", role)) if job["job_name"] == "celery-worker")
    del job["kubernetes_sd_configs"]
    job["static_configs"] = [{"targets": [one.pop("at")], "labels": one} for one in found]
    asked = ("service-discovery", "celery-worker", "--timeout=5s")  # all of which it waits, whatever it has found
    text = _checked(promtool, {"scrape_configs": [job]}, folder, *asked)
    return [one["labels"] for one in json.loads(text) if one["labels"]]


@pytest.mark.promtool
def test_a_pod_is_one_target_whatever_it_declares(newest: Path, tmp_path: Path) -> None:
    pod = {**POD, "__meta_kubernetes_pod_ip": "10.0.0.5"}
    gone = {**POD, "__meta_kubernetes_pod_ip": "10.0.0.6", "__meta_kubernetes_pod_phase": "Succeeded"}
    other = {**POD, "__meta_kubernetes_pod_ip": "fd00::1", "__meta_kubernetes_pod_name": "worker-2"}
    found = [
        {"at": "10.0.0.5:8000", **pod},
        {"at": "10.0.0.5:9000", **pod},
        {"at": "10.0.0.6", **gone},
        {"at": "[fd00::1]:8000", **other},
    ]
    made = _targets(newest, tmp_path, "pod", found)
    told = {(one["instance"], one["pod"], one["namespace"], one["site"], one["job"]) for one in made}
    assert told == {
        ("10.0.0.5:9000", "worker-1", "shop", "a$1b", "celery-worker"),
        ("[fd00::1]:9000", "worker-2", "shop", "a$1b", "celery-worker"),
    }


@pytest.mark.promtool
@pytest.mark.parametrize("role", ["service", "endpointslice"])
def test_a_service_and_what_is_behind_it_are_asked_at_the_port(role: str, newest: Path, tmp_path: Path) -> None:
    (made,) = _targets(newest, tmp_path, role, [{"at": "10.0.0.5:8000", **POD}])
    assert (made["instance"], made["namespace"]) == ("10.0.0.5:9000", "shop")
    assert ("pod" in made) is (role != "service")


def test_rules_ask_for_the_labels_that_the_jobs_give(tmp_path: Path) -> None:
    jobs = {job["job_name"]: job for job in _jobs(tmp_path, PLACES.replace("ROLE", "pod"))}
    rules = "".join(path.read_text() for path in (tmp_path / "output/prometheus/rules").iterdir())
    assert 'up{job="celery-exporter",namespace="shop"}' in rules
    assert 'up{job="rabbitmq",site="eu"}' in rules
    for name in ("rabbitmq", "rabbitmq-alarms"):
        assert jobs[name]["relabel_configs"] == [{"target_label": "site", "replacement": "eu"}]
    given = [rule["target_label"] for rule in jobs["celery-exporter"]["relabel_configs"] if "target_label" in rule]
    assert given[-2:] == ["namespace", "pod"]


@pytest.mark.promtool
def test_one_prometheus_takes_the_jobs_of_two_stacks(promtool: Path, tmp_path: Path) -> None:
    jobs = []
    for name, broker, source in (("shop", "redis", "redis"), ("billing", "rabbitmq", "rabbitmq")):
        text = stacks.SHOP.replace("name: shop", f"name: {name}").replace("kind: redis", f"kind: {broker}")
        text = text.replace("name: redis, targets", f"name: {source}, labels: {{app: {name}}}, targets")
        jobs += _jobs(tmp_path / name, f"{text}shared: [prometheus, alertmanager]\n", "scrape.yml")
    assert {job["job_name"] for job in jobs} == {
        *("shop-production/celery-exporter", "shop-production/redis-exporter"),
        *("billing-production/celery-exporter", "billing-production/rabbitmq", "billing-production/rabbitmq-alarms"),
    }
    _checked(promtool, {"scrape_configs": jobs}, tmp_path, "config")
    told = {job["job_name"]: job["relabel_configs"] for job in jobs}
    assert told["billing-production/rabbitmq-alarms"] == [
        {"target_label": "job", "replacement": "rabbitmq-alarms"},
        {"target_label": "app", "replacement": "billing"},
    ]
