"""Paths that hold what docker-compose would expand: it and the programs must see the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.compose.stacks import config_of, written

DOLLARS = """\
celery: {app: proj, broker: {kind: redis}}
queues: {celery: {}}
sources: [celery-exporter, flower, cadvisor]
flower: {database: "/data/$db/tasks", basic_auth: {users_file: "/srv/$users"}}
compose: {engine: {data: "/srv/$data", socket: "/run/${sock}"}}
logs: {shippers: [cloudwatch], host_folder: "/srv/$$logs", cloudwatch: {credentials_file: "/srv/aws$"}}
alerting: {receivers: {chat: {slack: {api_url_file: "/run/secrets/$slack", channel: "#c"}}}, default: chat}
"""


@pytest.mark.slow
def test_a_dollar_sign_in_a_path_is_one_for_docker_compose_and_for_the_programs(tmp_path: Path) -> None:
    output = written(tmp_path, DOLLARS)
    said = json.loads(config_of(output, "--format", "json").stdout.replace("$$", "$"))
    mounts = [
        place for one in said["services"].values() for place in (*one.get("volumes", ()), *one.get("secrets", ()))
    ]
    paths = {mount.get(key) for mount in mounts for key in ("source", "target")}
    assert {"/data/$db", "/srv/$users", "/srv/$data", "/run/${sock}", "/srv/$$logs", "/run/secrets/$slack"} <= paths
    assert '"/data/$db/tasks"' in (output / "flower/config.py").read_text()
    assert "api_url_file: /run/secrets/$slack" in (output / "alertmanager/alertmanager.yml").read_text()
