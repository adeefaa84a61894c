"""What the doctor is shown: small servers that say what an exporter would, and a real Prometheus that scrapes them."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.flower.redis_server import free_port

LOOPBACK = "127.0.0.1"
PATIENCE = 60.0


@contextmanager
def saying(text: str, *, ahead: float = 0.0) -> Iterator[str]:
    """A server that says the same to every question, with a clock of its own; gives host:port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate((timestamp or time.time()) + ahead, usegmt=True)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"{LOOPBACK}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def prometheus(program: Path, config: Path, folder: Path) -> Iterator[str]:
    """A real Prometheus with this configuration, its intervals cut to a second; gives its address at once."""
    port = free_port()
    config.write_text(config.read_text().replace("localhost:9090", f"{LOOPBACK}:{port}"))
    for file in (config, *config.parent.glob("rules/*.yml")):
        file.write_text(re.sub(r"(interval|timeout): 10s", r"\1: 1s", file.read_text()))
    command = ["setpriv", "--pdeathsig", "KILL", str(program), f"--config.file={config}"]
    command += [f"--storage.tsdb.path={folder}/data", f"--web.listen-address={LOOPBACK}:{port}"]
    with (folder / "prometheus.log").open("wb") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:
        yield f"http://{LOOPBACK}:{port}"
    finally:
        process.kill()
        process.wait()


def wait_until_scraped(url: str) -> None:
    """Returns when every target was scraped once."""
    _until(lambda: bool(_targets(url)) and all(target["health"] != "unknown" for target in _targets(url)))


def wait_until_evaluated(url: str) -> None:
    """Returns when every target was scraped, and then every rule evaluated twice."""
    wait_until_scraped(url)
    # Failed scrapes are looked for every 10 s, a step that doctor holds against stack.yaml.
    _until(lambda: bool(_data(url, "query?query=celery:source_failed_scrapes:count15m")["result"]))
    for _ in range(2):
        began = datetime.now(UTC)
        _until(partial(_evaluated_since, url, began))


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            if done():
                return
        except OSError:
            pass  # it does not listen yet
        assert time.monotonic() < end, f"not within {PATIENCE:g} s"
        time.sleep(0.1)


def _evaluated_since(url: str, moment: datetime) -> bool:
    # Prometheus says nanoseconds, which Python does not read.
    said = [re.sub(r"(\.\d{6})\d+", r"\1", group["lastEvaluation"]) for group in _data(url, "rules")["groups"]]
    return all(datetime.fromisoformat(text) > moment for text in said)


def _targets(url: str) -> Any:
    return _data(url, "targets")["activeTargets"]


def _data(url: str, path: str) -> Any:
    with closing(urllib.request.urlopen(f"{url}/api/v1/{path}", timeout=10)) as answer:
        return json.load(answer)["data"]
