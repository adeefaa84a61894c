"""One real Prometheus that loads the rules of many stacks and scrapes for all of them, and one Alertmanager below it.

Every target is reached through one proxy, which answers as the real exporters did in tests/scrapes.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.alertmanager.server import Alertmanager, running, wait
from tests.flower.redis_server import free_port

SCRAPES = Path(__file__).parents[1] / "scrapes"
ANSWERS = {"9808": "celery-exporter-0.12.2-load.prom", "9121": "redis-exporter-1.45.0-load.prom"}
"""What a target answers, by its port; any other has nothing to say."""
_QUIET = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


@dataclass(frozen=True)
class Central:
    """The two programs."""

    port: int
    alertmanager: Alertmanager

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer of Prometheus."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)["data"]

    def value(self, query: str) -> float:
        """The sum of what a query finds; 0 for nothing."""
        return sum(float(one["value"][1]) for one in self.get("query", query=query)["result"])

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            self.get("status/runtimeinfo")
        except OSError:
            return False
        return True


@contextmanager
def central(output: Path, folder: Path, tools: Path) -> Iterator[Central]:
    """Both, for every stack below `output`; they end with the block."""
    quiet = folder / "alertmanager.yml"
    quiet.write_text(_QUIET)
    with running(tools, quiet, folder) as alertmanager, _proxy() as proxy:
        port = free_port()
        config = folder / "prometheus.yml"
        config.write_text(yaml.safe_dump(_config(output, _hurried(output, folder), proxy, alertmanager.port)))
        command = ["setpriv", "--pdeathsig", "KILL", str(tools / "usr/bin/prometheus"), f"--config.file={config}"]
        command += [f"--storage.tsdb.path={folder}/tsdb", f"--web.listen-address=127.0.0.1:{port}"]
        command += ["--rules.alert.resend-delay=1s"]  # the first are lost: it does not know its Alertmanager yet
        log = folder / "prometheus.log"
        with log.open("wb") as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
            try:
                started = Central(port, alertmanager)
                wait(lambda: process.poll() is not None or started.ready(), "Prometheus")
                assert process.poll() is None, log.read_text()
                yield started
            finally:
                process.kill()


def _hurried(output: Path, folder: Path) -> Path:
    """The rule files of all stacks in one folder, evaluated every second."""
    rules = folder / "rules"
    rules.mkdir()
    for path in output.glob("*/prometheus/rules/*.yml"):
        (rules / path.name).write_text(re.sub("(?m)^    interval: .*", "    interval: 1s", path.read_text()))
    return rules


def _config(output: Path, rules: Path, proxy: str, alertmanager: int) -> Mapping[str, object]:
    """Every two seconds, the jobs of all stacks under their names; `job` is what each stack's rules ask for."""
    jobs = []
    for path in sorted(output.glob("*/prometheus/prometheus.yml")):
        for job in yaml.safe_load(path.read_text())["scrape_configs"]:
            name = job["job_name"]
            renamed = [{"target_label": "job", "replacement": name}]
            wanted = {"job_name": f"{path.parts[-3]}/{name}", "relabel_configs": renamed, "proxy_url": proxy}
            jobs.append(job | wanted)
    return {
        "global": {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "1s"},
        "rule_files": [f"{rules}/*.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
        "scrape_configs": jobs,
    }


@contextmanager
def _proxy() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = ANSWERS.get(str(urllib.parse.urlsplit(self.path).port))
            body = (SCRAPES / name).read_bytes() if name else b""
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(BrokenPipeError):  # who asked may be gone, and asks again
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
