"""docker-compose.yml: what the real docker-compose says of it, and what it would let through."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from stackgen.verify import tools
from stackgen.verify.subject import Subject
from stackgen.verify.written import compose
from tests.compose import judge
from tests.compose.judge import PATH
from tests.compose.stacks import STACKS, config_of, staged, written


@pytest.mark.slow
@pytest.mark.parametrize("name", STACKS)
def test_docker_compose_accepts_every_profile(name: str, tmp_path: Path) -> None:
    done = config_of(written(tmp_path, STACKS[name]), "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
def test_docker_compose_reads_a_dollar_sign_as_we_mean_it(tmp_path: Path) -> None:
    # `config` writes text so that it can be read again, with each dollar sign doubled.
    said = config_of(written(tmp_path, STACKS["redis"])).stdout
    assert "--queues=celery,cash $$HOME $${PATH},dead" in said


@pytest.mark.slow
def test_docker_compose_asks_for_the_brokers_address(tmp_path: Path) -> None:
    output = written(tmp_path, STACKS["small"])
    command = [str(tools.find("docker-compose")), "-f", str(output / PATH), "config", "-q"]
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "CELERY_BROKER_URL" in done.stderr
    assert "see .env.example" in done.stderr


@pytest.mark.slow
def test_what_docker_compose_refuses_is_told(tmp_path: Path) -> None:
    output = written(tmp_path, STACKS["small"])
    made = staged(tmp_path, STACKS["small"])
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
    made = staged(tmp_path, STACKS["small"])
    old, new = BREAKS[rule]
    text = made.files[PATH]
    assert old in text
    files = {**made.files, PATH: text.replace(old, new, 1)}
    assert {p.rule for p in judge.problems(files, made.prepared.plan)} == {f"compose-{rule}"}


@pytest.mark.parametrize("output", ["prometheus", "alertmanager", "grafana", "flower"])
def test_a_service_without_its_output_is_left_out(output: str, tmp_path: Path) -> None:
    kept = [name for name in ("prometheus", "alertmanager", "grafana", "flower", "compose") if name != output]
    made = staged(tmp_path, STACKS["small"] + f"outputs: [{', '.join(kept)}]\n")
    assert f"\n  {output}:\n    image:" not in made.files[PATH]


def test_every_exception_of_the_check_is_explained_in_the_file(tmp_path: Path) -> None:
    texts = [staged(tmp_path, text).files[PATH] for text in STACKS.values()]
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
    made = staged(tmp_path, STACKS["redis"])
    demo = [text for path, text in made.files.items() if path.startswith("demo/")]
    assert len(demo) == 4
    assert not any("redis://" in text for text in demo)
