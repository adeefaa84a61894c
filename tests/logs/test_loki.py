"""Loki: its settings, its rules, its data source and container."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackgen import pipeline
from stackgen.emitters import compose
from tests.logs.stacks import LOKI, OURS, RULES, THEIRS, TOKEN, made, rules, staged


def _services(files: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(files["docker-compose.yml"])["services"]
    return found


def _source(files: Mapping[str, str]) -> dict[str, Any]:
    listed = yaml.safe_load(files["grafana/provisioning/datasources/celery.yml"])["datasources"]
    found: dict[str, Any] = next(one for one in listed if one["type"] == "loki")
    return found


def test_lines_are_kept_as_long_as_asked(tmp_path: Path) -> None:
    config = yaml.safe_load(made(tmp_path, "{shippers: [alloy], loki: {retention: 90d}}")[LOKI])
    assert config["limits_config"]["retention_period"] == "2160h"
    assert config["compactor"]["retention_enabled"] is True


def test_the_ruler_finds_the_rules_where_they_are_mounted(tmp_path: Path) -> None:
    files = made(tmp_path)
    config, service = yaml.safe_load(files[LOKI]), _services(files)["loki"]
    mounted = {mount["target"]: mount["source"] for mount in service["volumes"]}
    folder = config["ruler_storage"]["local"]["directory"]
    assert RULES.startswith(f"{mounted['/etc/loki'].removeprefix('./')}{folder.removeprefix('/etc/loki')}/fake/")
    assert service["command"] == [f"-config.file=/etc/loki/{LOKI.rpartition('/')[2]}"]
    assert config["common"]["path_prefix"] in mounted


def test_of_somebody_elses_loki_only_the_rules_are_ours(tmp_path: Path) -> None:
    files = made(tmp_path, THEIRS)
    assert [path for path in files if path.startswith("logs/loki/")] == [
        "logs/loki/rules/shop.eu/celery-logs-shop-pre--prod.yaml"
    ]
    services = _services(files)
    assert "loki" not in services
    assert "profiles" not in services["alloy"]
    assert yaml.safe_load(files["docker-compose.yml"])["networks"]["logs"] == {"internal": False}


@pytest.mark.parametrize("logs", [THEIRS, TOKEN], ids=["password", "token"])
def test_secrets_are_mounted_where_they_are_read(logs: str, tmp_path: Path) -> None:
    services = _services(made(tmp_path, logs))
    wanted = {f"/run/secrets/{name}" for name in ("loki_password", "loki_ca", "loki_token") if name in logs}
    for name in ("alloy", "grafana"):
        assert wanted <= {secret["target"] for secret in services[name]["secrets"]}


def test_grafana_logs_in_with_files(tmp_path: Path) -> None:
    source = _source(made(tmp_path, THEIRS))
    assert (source["url"], source["basicAuthUser"]) == ("https://loki.example.com/gate/", "me")
    assert source["jsonData"]["httpHeaderName1"] == "X-Scope-OrgID"
    assert source["secureJsonData"] == {
        "httpHeaderValue1": "shop.eu",
        "basicAuthPassword": "$__file{/run/secrets/loki_password}",
        "tlsCACert": "$__file{/run/secrets/loki_ca}",
    }
    (token,) = _source(made(tmp_path, TOKEN))["secureJsonData"].values()
    assert token == "Bearer $__file{/run/secrets/loki_token}"


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False), (None, False)])
def test_alloys_health_check_works_with_bash_alone(status: int | None, healthy: bool, tmp_path: Path) -> None:
    how, program, option, script = _services(made(tmp_path))["alloy"]["healthcheck"]["test"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        asked = script.replace("$$", "$").replace("12345", str(port))
        thread = threading.Thread(target=_answer, args=(server, status))
        thread.start()
        done = subprocess.run([program, option, asked], env={"PATH": ""}, executable=shutil.which("bash"), check=False)
        thread.join()
    assert (how, done.returncode == 0) == ("CMD", healthy)


def _answer(server: socket.socket, status: int | None) -> None:
    """One answer as Alloy gives it, or a closed door."""
    connection, _ = server.accept()
    with connection:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += connection.recv(100)
        assert request.startswith(b"GET /-/ready HTTP/1.0\r\n")
        if status is not None:
            connection.sendall(f"HTTP/1.0 {status} X\r\nContent-Length: 0\r\n\r\n".encode())


CANARY = "canary-5f1d2a"


@pytest.mark.parametrize("logs", [THEIRS, TOKEN], ids=["password", "token"])
def test_no_secret_gets_into_the_output(logs: str, tmp_path: Path) -> None:
    plan = staged(tmp_path, logs).prepared.plan
    folder = tmp_path / "output" / compose.SECRETS
    folder.mkdir(parents=True)
    secrets = compose.secrets(plan)
    assert {"loki_password", "loki_token"} & {secret.name for secret in secrets}
    for secret in secrets:
        (folder / secret.name).write_text(CANARY, encoding="utf-8")
    pipeline.generate(tmp_path / "stack.yaml", tmp_path / "output")
    written = [p for p in (tmp_path / "output").rglob("*") if p.is_file() and p.parent != folder]
    assert [p for p in written if CANARY in p.read_text(encoding="utf-8")] == []


def test_rules_carry_the_labels_that_prometheus_adds(tmp_path: Path) -> None:
    files = made(tmp_path)
    external = yaml.safe_load(files["prometheus/prometheus.yml"])["global"]["external_labels"]
    for rule in rules(files):
        assert external.items() <= rule["labels"].items()
        assert {"severity", "owner", "signal"} <= set(rule["labels"])


def test_thresholds_of_stack_yaml_are_the_rules(tmp_path: Path) -> None:
    more = (
        "thresholds: {log_failures: {warning: 7, critical: {threshold: 70, for: 2m}}, log_silence: {warning: 1h30m}}\n"
    )
    found = {(r["alert"], r["labels"]["severity"]): r for r in rules(made(tmp_path, OURS, more))}
    assert found["CeleryTaskFailuresLogged", "warning"]["expr"].endswith(" > 7")
    assert found["CeleryTaskFailuresLogged", "critical"]["expr"].endswith(" > 70")
    assert found["CeleryTaskFailuresLogged", "critical"]["for"] == "2m"
    assert " [1h30m])" in found["CeleryLogsMissing", "warning"]["expr"]


def test_ignored_tasks_are_not_counted(tmp_path: Path) -> None:
    exprs = {r["alert"]: r["expr"] for r in rules(made(tmp_path, OURS, "ignore: {tasks: [shop.debug.*]}\n"))}
    ignored = {alert for alert, expr in exprs.items() if r'| task!~"shop\\.debug\\..*"' in expr}
    assert ignored == {"CeleryTaskFailuresLogged", "CeleryUnregisteredTask"}


def test_links_lead_to_the_lines_of_the_same_dashboard(tmp_path: Path) -> None:
    files = made(tmp_path)
    for name, label in (("celery-tasks", "task"), ("celery-queues", "queue")):
        board = json.loads(files[f"grafana/dashboards/{name}.json"])
        lines = next(panel for panel in board["panels"] if panel["type"] == "logs")
        assert lines["targets"][0]["expr"].endswith(f' | {label}=~"${label}"')
        text = json.dumps(board)
        start = f"/d/{board['uid']}?var-{label}="
        for value in (f"${{__field.labels.{label}}}", f"${{__data.fields.{label}}}"):
            assert f"{start}{value}&viewPanel={lines['id']}&${{__url_time_range}}" in text


def test_every_dashboard_shows_its_lines(tmp_path: Path) -> None:
    boards = [json.loads(text) for path, text in made(tmp_path).items() if path.startswith("grafana/dashboards/")]
    assert [[panel["type"] for panel in board["panels"]].count("logs") for board in boards] == [1] * len(boards)
