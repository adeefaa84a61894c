"""Stacks whose docker-compose.yml the tests look at, and how docker-compose reads it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stackgen import pipeline
from stackgen.verify import tools
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


_made: dict[str, pipeline.Stage] = {}


def staged(folder: Path, text: str) -> pipeline.Stage:
    """Made once for each text: nothing of it depends on the folder."""
    if text not in _made:
        stack = folder / "stack.yaml"
        stack.write_text("version: 1\nstack: {name: shop}\n" + text, encoding="utf-8")
        _made[text] = pipeline.stage(stack)
    return _made[text]


def written(folder: Path, text: str) -> Path:
    """The generated folder, on disk."""
    for path, content in staged(folder, text).files.items():
        file = folder / "output" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    return folder / "output"


def config_of(output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """What `docker-compose config` says of all profiles, with every variable given."""
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


def as_read(output: Path) -> dict[str, Any]:
    """The file as docker-compose understands it, an override beside it too."""
    program = str(tools.find("docker-compose"))
    clean = {"PATH": os.environ["PATH"], "HOME": str(output), "CELERY_BROKER_URL": "redis://given"}
    command = [program, "--profile", "*", "config", "--format", "json"]
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=True, cwd=output)
    config: dict[str, Any] = json.loads(done.stdout)
    return config
