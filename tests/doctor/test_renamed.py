"""A Prometheus of others, in which jobs, labels and addresses are called otherwise: what is sought, what is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from stackgen.doctor.examine import Asked, examine
from stackgen.doctor.finding import Finding
from tests.contract.scrape import planned
from tests.doctor.programs import prometheus, saying, wait_until_scraped

SCRAPES = Path(__file__).resolve().parents[1] / "scrapes"
STACK = """\
version: 1
stack: {{name: shop}}
celery: {{app: shop, broker: {{kind: redis}}}}
queues: {{celery: }}
sources:
  - {{name: celery-exporter{exporter}}}
  - {{name: redis{redis}}}
shared: [{shared}]
"""
OTHERS = "prometheus, alertmanager, grafana"
REDIS = ", labels: {namespace: shop}"


@pytest.fixture(scope="module")
def url(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Two applications with workers of the same names, each with an exporter; one job and all instances are renamed."""
    folder = tmp_path_factory.mktemp("others")
    exporter = (SCRAPES / "celery-exporter-0.12.2-load.prom").read_text()
    redis = (SCRAPES / "redis-exporter-1.45.0-load.prom").read_text()
    with ExitStack() as stack:
        jobs = [
            _job(job, namespace, stack.enter_context(saying(text)))
            for job, namespace, text in (
                ("monitoring/celery", "shop", exporter),
                ("celery-exporter", "billing", exporter),
                ("redis-exporter", "shop", redis),
            )
        ]
        config = folder / "prometheus.yml"
        config.write_text(yaml.safe_dump({"global": {"scrape_interval": "10s"}, "scrape_configs": jobs}))
        started = stack.enter_context(prometheus(repository / ".tools/v3/usr/bin/prometheus", config, folder))
        wait_until_scraped(started)
        yield started


def _job(job: str, namespace: str, target: str) -> dict[str, object]:
    labels = {"namespace": namespace, "instance": f"{namespace}-pod"}
    return {"job_name": job, "static_configs": [{"targets": [target], "labels": labels}]}


def _of_sources(url: str, folder: Path, exporter: str, redis: str = REDIS, shared: str = OTHERS) -> list[Finding]:
    plan, _ = planned(folder, STACK.format(exporter=exporter, redis=redis, shared=shared))
    found = examine(plan, Asked(prometheus=url))
    return [one for one in found if one.rule in ("source-down", "two-exporters")]


@pytest.mark.slow
@pytest.mark.promtool
def test_what_stack_yaml_names_is_compared(url: str, tmp_path: Path) -> None:
    """The other application's exporter sees workers of the same names, and is no second one of ours."""
    assert _of_sources(url, tmp_path, ", job: monitoring/celery, labels: {namespace: shop}") == []


@pytest.mark.slow
@pytest.mark.promtool
def test_a_job_of_another_name_is_told_with_what_is_there(url: str, tmp_path: Path) -> None:
    (found,) = _of_sources(url, tmp_path, ", labels: {namespace: shop}")
    assert found.what == (
        "the source celery-exporter (job celery-exporter) is not found: nothing has "
        '{job=~"(.+/)?celery-exporter",namespace="shop"}; such metrics have '
        '{job="monitoring/celery",namespace="shop"} and {job="celery-exporter",namespace="billing"}'
    )
    assert found.fix == (
        "if those are this stack's: under sources in stack.yaml: "
        "- {name: celery-exporter, job: monitoring/celery, labels: {namespace: shop}}"
    )
    assert "CeleryNoWorkersRunning" in found.alerts


@pytest.mark.slow
@pytest.mark.promtool
def test_a_label_of_another_value_is_told_with_what_is_there(url: str, tmp_path: Path) -> None:
    (found,) = _of_sources(url, tmp_path, ", job: monitoring/celery, labels: {namespace: store}")
    assert '{job="monitoring/celery",namespace="store"}; such metrics have {job="monitoring/celery",' in found.what
    assert found.fix.endswith("- {name: celery-exporter, job: monitoring/celery, labels: {namespace: shop}}")


@pytest.mark.slow
@pytest.mark.promtool
def test_an_address_that_relabelling_calls_otherwise_is_told_and_is_no_second_exporter(
    url: str, tmp_path: Path
) -> None:
    there = ', targets: ["redis:9121"]'
    found = _of_sources(url, tmp_path, ', job: monitoring/celery, targets: ["ce:9808"]', there, "")
    told = {one.what.split()[2]: one for one in found if one.rule == "source-down"}
    assert [one.rule for one in found if one.rule != "source-down"] == []
    assert 'nothing has {job="monitoring/celery",instance="ce:9808"}' in told["celery-exporter"].what
    assert 'such metrics have {instance="shop-pod",job="monitoring/celery"}' in told["celery-exporter"].what
    assert "write what Prometheus calls it under targets: shop-pod" in told["celery-exporter"].fix
    assert {"celery-exporter", "redis"} < set(told)


@pytest.mark.slow
@pytest.mark.promtool
def test_what_is_nowhere_is_told_with_the_jobs_that_are_there(url: str, tmp_path: Path) -> None:
    more = ", job: monitoring/celery, labels: {namespace: shop}}\n  - {name: flower"
    (found,) = _of_sources(url, tmp_path, more)
    assert found.what == (
        'the source flower (job flower) is not scraped at all: nothing has {job=~"(.+/)?flower"}; '
        "jobs there: celery-exporter, monitoring/celery, redis-exporter"
    )
    assert "scrape.yml" in found.fix


@pytest.mark.slow
@pytest.mark.promtool
def test_a_second_exporter_of_the_same_workers_is_told(url: str, tmp_path: Path) -> None:
    """Where nothing but the job tells them apart."""
    (found,) = _of_sources(url, tmp_path, ", job: monitoring/celery", "")
    assert found.rule == "two-exporters"
    assert "billing-pod of job celery-exporter" in found.what
