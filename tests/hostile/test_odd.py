"""Legal values that once ended in an internal error, or in files that their own program refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from stackgen import pipeline
from stackgen.catalog.launch import OUR_SECRETS
from stackgen.emitters.compose import secrets as own

BASE: dict[str, Any] = {
    "version": 1,
    "stack": {"name": "shop"},
    "celery": {"app": "proj", "broker": {"kind": "redis"}},
    "queues": {"mail": None},
}
ODD = [
    "a\x80b",
    "a\x9fb",
    "\ufeffq",
    "\ufffe",
    "```",
    "a```b",
    "{{ $labels.queue }}",
    "{{",
    "}}",
    "a\u2028b",
    "-->",
    "%{x}",
]
_CA = "/run/secrets/ca"


def _stack(folder: Path, **over: object) -> Path:
    path = folder / "stack.yaml"
    path.write_text(yaml.safe_dump(BASE | over))
    return path


@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_is_printed_everywhere(tmp_path: Path, name: str) -> None:
    own_limits = {"owner": name, "thresholds": {"queue_length": {"critical": 9000}}}
    stack = _stack(
        tmp_path,
        stack={"name": "shop", "owner": name, "labels": {"extra": name}},
        queues={name: own_limits},
        tasks={name: {"owner": name, "period": "1h"}},
        sources=["celery-exporter", "worker", "redis"],
        logs={"shippers": ["filebeat", "alloy"]},
    )
    assert pipeline.stage(stack).files["plan.json"]


@pytest.mark.promtool
@pytest.mark.parametrize("match", ["web-1", " lead and trail *"])
@pytest.mark.parametrize("source", ["cadvisor", "process-exporter"])
def test_workers_with_any_names_pass_their_own_tests(tmp_path: Path, source: str, match: str) -> None:
    stack = _stack(tmp_path, sources=["celery-exporter", {"name": source, "match": match}], outputs=["prometheus"])
    pipeline.generate(stack, tmp_path / "output")
    assert [p for p in pipeline.check(stack, tmp_path / "output")[1] if p.level == "error"] == []


@pytest.mark.promtool
@pytest.mark.parametrize(
    "told",
    [
        {"ignore": {"tasks": ["a*", "*.any", "below*"], "queues": ["celery*", "a-*", "*queue"]}},
        {"ignore": {"queues": ["a*", "*below*", "recovers", "dis*"]}},
        {
            "thresholds": {
                "task_success_ratio": {"warning": {"threshold": "60%", "for": "0s"}, "keep_firing_for": "25m"}
            }
        },
    ],
    ids=["names of the tests ignored", "their queues ignored", "told before what silences it"],
)
@pytest.mark.parametrize("source", ["celery-exporter", "worker", "flower"])
def test_whatever_is_told_or_ignored_the_generated_tests_pass(
    tmp_path: Path, source: str, told: dict[str, Any]
) -> None:
    stack = _stack(tmp_path, sources=[source], outputs=["prometheus"], **told)
    pipeline.generate(stack, tmp_path / "output")
    assert [p for p in pipeline.check(stack, tmp_path / "output")[1] if p.level == "error"] == []


def test_two_services_may_share_a_ca_file(tmp_path: Path) -> None:
    elasticsearch = {"hosts": ["https://e:9200"], "ca_file": _CA}
    logs = {
        "shippers": ["filebeat", "alloy"],
        "elasticsearch": elasticsearch,
        "loki": {"url": "https://l", "ca_file": _CA},
    }
    compose = yaml.safe_load(pipeline.stage(_stack(tmp_path, logs=logs)).files["docker-compose.yml"])
    assert compose["secrets"]["ca"] == {"file": "./.secrets/ca"}


def test_an_image_may_have_a_tag_and_a_digest(tmp_path: Path) -> None:
    tag = f"latest@sha256:{'a' * 64}"
    assert (
        f"grafana/grafana:{tag}"
        in pipeline.stage(_stack(tmp_path, versions={"grafana": tag})).files["docker-compose.yml"]
    )


def test_names_of_our_own_secrets_are_reserved(tmp_path: Path) -> None:
    plan = pipeline.prepare(_stack(tmp_path, logs={"shippers": ["filebeat"]})).plan
    assert {secret.name for secret in own(plan)} <= OUR_SECRETS | {"flower_basic_auth"}
