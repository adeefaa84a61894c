"""docker-compose.yml on one host and another: keys, a person's own file, what others run, README's words."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stackgen import pipeline
from stackgen.problem import SpecError
from stackgen.verify import tools
from tests.compose.judge import PATH
from tests.compose.stacks import STACKS, as_read, staged, written

FILE = """\
celery: {app: proj, broker: {kind: redis, url_file: /run/secrets/address}}
queues: {celery: {}}
sources: [celery-exporter, redis, probe, flower]
"""
HERE = """\
celery: {app: proj, broker: {kind: redis}}
queues: {celery: {}}
sources: [celery-exporter, cadvisor]
versions: {prometheus: "v3.5.3@sha256:0000000000000000000000000000000000000000000000000000000000000000"}
compose:
  project: shop-blue
  selinux: true
  engine: {data: /srv/docker, socket: /run/user/1000/docker.sock}
  services:
    prometheus: {image: "mirror.example.com:5000/prom/prometheus", cpus: "0.5", memory: 2GiB, user: "1001:1001"}
    celery-exporter:
      networks: [shop_default]
      extra_hosts: ["host.docker.internal:host-gateway"]
"""


@pytest.mark.slow
def test_what_differs_on_a_host_is_a_key(tmp_path: Path) -> None:
    config = as_read(written(tmp_path, HERE))
    prometheus, exporter = config["services"]["prometheus"], config["services"]["celery-exporter"]
    assert config["name"] == "shop-blue"
    assert prometheus["image"].startswith("mirror.example.com:5000/prom/prometheus:v3.5.3@sha256:0")
    assert prometheus["user"] == "1001:1001"
    assert prometheus["deploy"]["resources"]["limits"] == {"cpus": 0.5, "memory": str(2 * 2**30), "pids": 100}
    assert {mount.get("bind", {}).get("selinux") for mount in prometheus["volumes"]} == {"z", None}
    assert "shop_default" in exporter["networks"]
    assert config["networks"]["shop_default"]["external"] is True
    assert exporter["extra_hosts"] == ["host.docker.internal=host-gateway"]
    mounts = config["services"]["cadvisor"]["volumes"]
    assert {(m["source"], m["target"], m["bind"].get("selinux")) for m in mounts} == {
        ("/", "/rootfs", None),
        ("/sys", "/sys", None),
        ("/run/user/1000/docker.sock", "/var/run/docker.sock", None),
        ("/srv/docker", "/srv/docker", None),
    }


@pytest.mark.slow
def test_a_persons_own_file_is_read_and_survives_generate(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text("version: 1\nstack: {name: shop}\n" + STACKS["small"], encoding="utf-8")
    output = tmp_path / "output"
    pipeline.generate(tmp_path / "stack.yaml", output)
    own = output / "compose.override.yml"
    own.write_text("services: {celery-exporter: {ports: ['127.0.0.1:9808:9808']}}\n", encoding="utf-8")
    pipeline.generate(tmp_path / "stack.yaml", output)
    (port,) = as_read(output)["services"]["celery-exporter"]["ports"]
    assert (port["host_ip"], port["published"], port["target"]) == ("127.0.0.1", "9808", 9808)
    _, found = pipeline.check(tmp_path / "stack.yaml", output)
    assert [problem for problem in found if problem.level == "error"] == []


@pytest.mark.parametrize(
    ("written", "rule"),
    [("{prometeus: {cpus: '1'}}", "unknown-service"), ("{flower: {networks: [backend]}}", "own-network")],
)
def test_a_service_or_network_that_cannot_be_meant_is_refused(written: str, rule: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        staged(tmp_path, STACKS["small"] + f"compose: {{services: {written}}}\n")
    assert [problem.rule for problem in caught.value.problems] == [rule]
    assert caught.value.problems[0].mark.line == 5


@pytest.mark.slow
def test_a_dollar_sign_in_the_brokers_password_arrives_as_the_example_says(tmp_path: Path) -> None:
    output = written(tmp_path, STACKS["small"])
    example = (output / ".env.example").read_text(encoding="utf-8")
    assert "'single quotes'" in example
    (output / ".env").write_text("CELERY_BROKER_URL='redis://:pa$$w$ORD@broker:6379/0'\n", encoding="utf-8")
    command = [str(tools.find("docker-compose")), "config", "--format", "json"]
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=True, cwd=output)
    given = json.loads(done.stdout)["services"]["celery-exporter"]["environment"]["CE_BROKER_URL"]
    # `config` doubles each dollar sign, so that what it prints can be read again.
    assert given.replace("$$", "$") == "redis://:pa$$w$ORD@broker:6379/0"


def test_the_least_compose_version_is_said_with_its_reason(repository: Path) -> None:
    text = (repository / "output" / PATH).read_text(encoding="utf-8")
    readme = (repository / "README.md").read_text(encoding="utf-8")
    said = re.findall(r"Docker Compose (\S+) or newer", text + readme)
    assert said == ["2.20.2", "2.20.2"]
    depends = [
        one for service in yaml.safe_load(text)["services"].values() for one in service.get("depends_on", {}).values()
    ]
    assert {one["required"] for one in depends} == {True, False}


def test_readmes_override_publishes_what_the_file_has_and_doctor_asks_for(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    override = yaml.safe_load(readme.partition("compose.override.yml")[2].partition("```yaml\n")[2].partition("```")[0])
    config = yaml.safe_load((repository / "output" / PATH).read_text(encoding="utf-8"))
    published = {str(port["published"]) for one in config["services"].values() for port in one.get("ports", [])}
    for name, one in override["services"].items():
        (port,) = one["ports"]
        address, outside, inside = port.split(":")
        assert (address, inside in config["services"][name]["expose"]) == ("127.0.0.1", True)
        # The engine publishes no port of a container whose networks are all internal.
        assert any(not config["networks"][network]["internal"] for network in config["services"][name]["networks"])
        published.add(outside)
    (doctor,) = (line for line in readme.splitlines() if line.startswith("$ stackgen doctor"))
    asked = set(
        re.findall(r"localhost:(\d+)", doctor + readme.partition("whose address is then")[2].partition("`:")[0])
    )
    assert asked == {"9090", "9808", "6379"}
    assert asked <= published


@pytest.mark.slow
def test_a_brokers_address_in_a_file_is_no_containers_variable(tmp_path: Path) -> None:
    address = """redis://:it's "$HOME" `id`@broker:6379/0"""
    (tmp_path / "address").write_text(f"{address}\n", encoding="utf-8")
    services = as_read(written(tmp_path, FILE))["services"]
    asks = {name for name, one in services.items() if any(s["source"] == "address" for s in one.get("secrets", []))}
    assert asks == {"celery-exporter", "redis-exporter", "flower", "celery-probe"}
    assert {name for name in asks if "environment" in services[name]} == set()
    told = {}
    for name in asks - {"celery-probe"}:  # which reads the file itself
        *shell, script, zero = services[name]["entrypoint"][:4]
        text = script.replace("$$", "$").replace("/run/secrets/address", str(tmp_path / "address"))
        command = [*shell, text, zero, sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]
        done = subprocess.run(command, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True)
        told[name] = {variable for variable, value in json.loads(done.stdout).items() if value == address}
    assert told == {
        "celery-exporter": {"CE_BROKER_URL"},
        "redis-exporter": {"REDIS_ADDR"},
        "flower": {"CELERY_BROKER_URL"},
    }


def test_what_others_run_is_not_started(tmp_path: Path) -> None:
    sources = (
        "sources: [{name: celery-exporter, targets: ['e:9808']}, {name: flower, targets: ['dns:f:5555']}, redis]\n"
    )
    config = yaml.safe_load(staged(tmp_path, STACKS["small"] + sources).files[PATH])
    assert {"celery-exporter", "flower"}.isdisjoint(config["services"])
    assert "redis-exporter" in config["services"]


def test_targets_behind_a_name_or_in_a_file_are_discovered(tmp_path: Path) -> None:
    sources = "sources: [{name: worker, targets: ['dns:workers.shop:9809', 'a:1', 'file:/etc/w/*.json']}]\n"
    made = staged(tmp_path, STACKS["small"] + sources)
    job = yaml.safe_load(made.files["prometheus/prometheus.yml"])["scrape_configs"][0]
    assert job["dns_sd_configs"] == [{"names": ["workers.shop"], "type": "A", "port": 9809, "refresh_interval": "15s"}]
    assert job["static_configs"] == [{"targets": ["a:1"]}]
    assert job["file_sd_configs"] == [{"files": ["/etc/w/*.json"]}]
