"""docker-compose.yml: what the real docker-compose says of it, and what it would let through."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackgen import pipeline
from stackgen.problem import SpecError
from stackgen.verify import tools
from stackgen.verify.subject import Subject
from stackgen.verify.written import compose
from tests.compose import judge
from tests.compose.judge import PATH

STACKS: Mapping[str, str] = {
    "small": """\
celery: {app: proj, broker: {kind: redis}}
queues: {celery: {}, dead: {role: dead_letter}}
""",
    "redis": """\
celery: {app: proj, worker_memory_limit: 1GiB, broker: {kind: redis, url_env: SHOP_BROKER, priorities: true}}
queues: {celery: {}, "cash $HOME ${PATH}": {}, dead: {role: dead_letter}}
sources: [celery-exporter, worker, redis, flower, cadvisor, process-exporter]
flower: {port: 5556, url_prefix: /flower, basic_auth: {users_env: FLOWER_USERS}}
logs: {shippers: [filebeat, alloy, cloudwatch]}
""",
    "rabbitmq": """\
celery: {app: proj, broker: {kind: rabbitmq}}
queues: {celery: {}}
sources: [{name: celery-exporter, version: next}, rabbitmq]
versions: {celery-exporter: "main@sha256:0000000000000000000000000000000000000000000000000000000000000000"}
flower: {basic_auth: {users_file: /srv/users}}
logs:
  shippers: [filebeat, alloy]
  host_folder: /srv/logs
  loki: {url: "https://loki.example.com", user: me, password_file: /run/secrets/loki, ca_file: /run/secrets/loki_ca}
  elasticsearch: {hosts: ["https://es.example.com:9200"], ca_file: /run/secrets/es_ca}
""",
}


_staged: dict[str, pipeline.Stage] = {}


def _stage(folder: Path, text: str) -> pipeline.Stage:
    """Made once for each text: nothing of it depends on the folder."""
    if text not in _staged:
        stack = folder / "stack.yaml"
        stack.write_text("version: 1\nstack: {name: shop}\n" + text, encoding="utf-8")
        _staged[text] = pipeline.stage(stack)
    return _staged[text]


def _written(folder: Path, text: str) -> Path:
    for path, content in _stage(folder, text).files.items():
        file = folder / "output" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    return folder / "output"


def _config(output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    text = (output / PATH).read_text(encoding="utf-8")
    needed = dict.fromkeys(re.findall(r"(?<!\$)\$\{([A-Z0-9_]+):\?", text), "given")
    command = [
        str(tools.find("docker-compose")),
        "-f",
        str(output / PATH),
        "--profile",
        "*",
        "config",
        *options,
    ]
    clean = {"PATH": os.environ["PATH"], "HOME": str(output), **needed}
    return subprocess.run(command, env=clean, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", STACKS)
def test_docker_compose_accepts_every_profile(name: str, tmp_path: Path) -> None:
    done = _config(_written(tmp_path, STACKS[name]), "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
def test_docker_compose_reads_a_dollar_sign_as_we_mean_it(tmp_path: Path) -> None:
    # `config` writes text so that it can be read again, with each dollar sign doubled.
    said = _config(_written(tmp_path, STACKS["redis"])).stdout
    assert "--queues=celery,cash $$HOME $${PATH},dead" in said


@pytest.mark.slow
def test_docker_compose_asks_for_the_brokers_address(tmp_path: Path) -> None:
    output = _written(tmp_path, STACKS["small"])
    command = [str(tools.find("docker-compose")), "-f", str(output / PATH), "config", "-q"]
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "CELERY_BROKER_URL" in done.stderr
    assert "see .env.example" in done.stderr


@pytest.mark.slow
def test_what_docker_compose_refuses_is_told(tmp_path: Path) -> None:
    output = _written(tmp_path, STACKS["small"])
    made = _stage(tmp_path, STACKS["small"])
    subject = Subject(made.prepared.plan, made.prepared.document, made.rendered, output)
    assert compose.problems(subject) == []
    file = output / PATH
    file.write_text(file.read_text(encoding="utf-8").replace("    restart:", "    restrat:"), encoding="utf-8")
    (found,) = compose.problems(subject)
    assert "restrat" in found.message


BREAKS = {
    "image": ("prom/prometheus:v3.14.0", "prom/prometheus:latest"),
    "restart": ("restart: unless-stopped", "restart: allways"),
    "capabilities": ("cap_drop: [ALL]", "cap_drop: [ALL, NET_ADMINISTRATOR]"),
    "privileges": ("security_opt: ['no-new-privileges:true']", "security_opt: ['seccomp:unconfined']"),
    "read-only": ("    read_only: true\n    tmpfs", "    tmpfs"),
    "user": ("user: '65534:65534'", "user: '0:0'"),
    "limits": (", pids: 100}", "}"),
    "health": ("      test:\n        - CMD\n", "      test:\n        - NONE\n"),
    "logs": ("max-size: 10m", "compress: 'true'"),
    "source": ("source: './prometheus'", "source: './prometeus'"),
    "mount": ("create_host_path: false", "create_host_path: true"),
    "secret": ("  flower_basic_auth:\n    file", "  flower_basic_out:\n    file"),
    "loopback": ("host_ip: '127.0.0.1'", "host_ip: '0.0.0.0'"),
    "port": ("published: 9093", "published: 9090"),
    "target": ("expose: ['9808']", "expose: ['9809']"),
}


@pytest.mark.parametrize("rule", BREAKS)
def test_what_docker_compose_lets_through_is_found(rule: str, tmp_path: Path) -> None:
    made = _stage(tmp_path, STACKS["small"])
    old, new = BREAKS[rule]
    text = made.files[PATH]
    assert old in text
    files = {**made.files, PATH: text.replace(old, new, 1)}
    assert {p.rule for p in judge.problems(files, made.prepared.plan)} == {f"compose-{rule}"}


@pytest.mark.parametrize("output", ["prometheus", "alertmanager", "grafana", "flower"])
def test_a_service_without_its_output_is_left_out(output: str, tmp_path: Path) -> None:
    kept = [name for name in ("prometheus", "alertmanager", "grafana", "flower", "compose") if name != output]
    made = _stage(tmp_path, STACKS["small"] + f"outputs: [{', '.join(kept)}]\n")
    assert f"\n  {output}:\n    image:" not in made.files[PATH]


def test_every_exception_of_the_check_is_explained_in_the_file(tmp_path: Path) -> None:
    texts = [_stage(tmp_path, text).files[PATH] for text in STACKS.values()]
    lines = "\n".join(texts).splitlines()
    said: dict[str, set[str]] = {"health": set(), "read_only": set(), "user": set()}
    open_ = set[str]()
    for line in lines:
        if line.startswith("  # Exception, "):
            open_.add(line.removeprefix("  # Exception, ").partition(":")[0])
        elif open_ and not line.startswith("  #"):
            for what in open_ & set(said):
                said[what].add(line.strip().removesuffix(":"))
            open_ = set()
    assert said == {"health": judge.WITHOUT_HEALTH, "read_only": judge.WRITABLE, "user": judge.AS_ROOT}


def test_the_demo_has_no_address_of_its_own(tmp_path: Path) -> None:
    made = _stage(tmp_path, STACKS["redis"])
    demo = [text for path, text in made.files.items() if path.startswith("demo/")]
    assert len(demo) == 4
    assert not any("redis://" in text for text in demo)


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


def _read(output: Path) -> dict[str, Any]:
    """The file as docker-compose understands it, an override beside it too."""
    program = str(tools.find("docker-compose"))
    clean = {"PATH": os.environ["PATH"], "HOME": str(output), "CELERY_BROKER_URL": "redis://given"}
    command = [program, "--profile", "*", "config", "--format", "json"]
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=True, cwd=output)
    config: dict[str, Any] = json.loads(done.stdout)
    return config


@pytest.mark.slow
def test_what_differs_on_a_host_is_a_key(tmp_path: Path) -> None:
    config = _read(_written(tmp_path, HERE))
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
    (port,) = _read(output)["services"]["celery-exporter"]["ports"]
    assert (port["host_ip"], port["published"], port["target"]) == ("127.0.0.1", "9808", 9808)
    _, found = pipeline.check(tmp_path / "stack.yaml", output)
    assert [problem for problem in found if problem.level == "error"] == []


@pytest.mark.parametrize(
    ("written", "rule"),
    [("{prometeus: {cpus: '1'}}", "unknown-service"), ("{flower: {networks: [backend]}}", "own-network")],
)
def test_a_service_or_network_that_cannot_be_meant_is_refused(written: str, rule: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        _stage(tmp_path, STACKS["small"] + f"compose: {{services: {written}}}\n")
    assert [problem.rule for problem in caught.value.problems] == [rule]
    assert caught.value.problems[0].mark.line == 5


@pytest.mark.slow
def test_a_dollar_sign_in_the_brokers_password_arrives_as_the_example_says(tmp_path: Path) -> None:
    output = _written(tmp_path, STACKS["small"])
    example = (output / ".env.example").read_text(encoding="utf-8")
    assert "'single quotes'" in example
    (output / ".env").write_text("CELERY_BROKER_URL='redis://:pa$$w$ORD@broker:6379/0'\n", encoding="utf-8")
    command = [str(tools.find("docker-compose")), "config", "--format", "json"]
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=True, cwd=output)
    given = json.loads(done.stdout)["services"]["celery-exporter"]["environment"]["CE_BROKER_URL"]
    # `config` doubles each dollar sign, so that what it prints can be read again.
    assert given.replace("$$", "$") == "redis://:pa$$w$ORD@broker:6379/0"


def test_what_others_run_is_not_started(tmp_path: Path) -> None:
    sources = (
        "sources: [{name: celery-exporter, targets: ['e:9808']}, {name: flower, targets: ['dns:f:5555']}, redis]\n"
    )
    config = yaml.safe_load(_stage(tmp_path, STACKS["small"] + sources).files[PATH])
    assert {"celery-exporter", "flower"}.isdisjoint(config["services"])
    assert "redis-exporter" in config["services"]


def test_targets_behind_a_name_or_in_a_file_are_discovered(tmp_path: Path) -> None:
    sources = "sources: [{name: worker, targets: ['dns:workers.shop:9809', 'a:1', 'file:/etc/w/*.json']}]\n"
    made = _stage(tmp_path, STACKS["small"] + sources)
    job = yaml.safe_load(made.files["prometheus/prometheus.yml"])["scrape_configs"][0]
    assert job["dns_sd_configs"] == [{"names": ["workers.shop"], "type": "A", "port": 9809, "refresh_interval": "15s"}]
    assert job["static_configs"] == [{"targets": ["a:1"]}]
    assert job["file_sd_configs"] == [{"files": ["/etc/w/*.json"]}]
