"""What `docker compose up -d` makes anew after stack.yaml has changed: the services whose files did, and no other."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from stackgen import pipeline
from stackgen.verify import tools

STACK = """\
version: 1
stack: {name: shop}
celery: {app: proj, broker: {kind: redis}}
queues: {celery: {}}
sources: [celery-exporter, worker, redis]
thresholds: {queue_length: {warning: 1000}}
alerting: {receivers: {chat: {slack: {api_url_file: /run/secrets/slack, channel: "#a"}}}, default: {warning: chat}}
logs: {shippers: [alloy, filebeat]}
"""
DEMO = {"worker", "beat", "traffic"}

CHANGES: Mapping[str, tuple[str, str, set[str]]] = {
    "a threshold": ("warning: 1000", "warning: 2000", {"prometheus", "grafana"}),
    "Slack's channel": ("#a", "#b", {"alertmanager"}),
    "Flower's settings": ("logs:", "flower: {max_tasks: 500}\nlogs:", {"flower"}),
    "the environment": (
        "{name: shop}",
        "{name: shop, environment: staging}",
        {"prometheus", "alertmanager", "grafana", "alloy", "loki", "filebeat", "elk-accounts", "elk-kibana", *DEMO},
    ),
    "the retention of logs": ("logs: {", "logs: {loki: {retention: 14d}, ", {"loki"}),
    "an exporter's command": ("redis]", "redis]\nversions: {redis: v1.87.0}", {"redis-exporter"}),
    "words in a runbook": ("{name: shop}", "{name: shop} # the shop", set()),
}


def _hashes(folder: Path, text: str) -> Mapping[str, str]:
    """docker-compose's own hash of every service, by which it knows what to make anew."""
    (folder / "stack.yaml").write_text(text, encoding="utf-8")
    pipeline.generate(folder / "stack.yaml", folder / "output")
    program, file = tools.find("docker-compose"), folder / "output" / "docker-compose.yml"
    command = [str(program), "-f", str(file), "--profile", "*", "config", "--hash", "*"]
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder), "CELERY_BROKER_URL": "redis://redis"}
    said = subprocess.run(command, env=clean, capture_output=True, text=True, check=True).stdout
    return dict(line.split() for line in said.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_exactly_the_services_whose_files_changed_are_made_anew(change: str, tmp_path: Path) -> None:
    old, new, expected = CHANGES[change]
    before = _hashes(tmp_path, STACK)
    after = _hashes(tmp_path, STACK.replace(old, new, 1))
    assert {name for name in before if after[name] != before[name]} == expected
