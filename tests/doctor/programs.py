"""What the doctor is shown: small servers that say what an exporter would, and a real Prometheus that scrapes them."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.flower.redis_server import free_port

LOOPBACK = "127.0.0.1"
PATIENCE = 60.0
INTERVAL = 12.0
"""Seconds after which every rule was evaluated: the shortest interval of stack.yaml, and some."""


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
    """A real Prometheus with this configuration, whose every rule saw every target; gives its address."""
    port = free_port()
    config.write_text(config.read_text().replace("localhost:9090", f"{LOOPBACK}:{port}"))
    command = ["setpriv", "--pdeathsig", "KILL", str(program), f"--config.file={config}"]
    command += [f"--storage.tsdb.path={folder}/data", f"--web.listen-address={LOOPBACK}:{port}"]
    url = f"http://{LOOPBACK}:{port}"
    log = folder / "prometheus.log"
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:
        end = time.monotonic() + PATIENCE
        while not _scraped(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, f"no scrape after {PATIENCE:g} s:\n{log.read_text()}"
            time.sleep(0.2)
        time.sleep(INTERVAL)
        yield url
    finally:
        process.kill()
        process.wait()


def _scraped(url: str) -> bool:
    """Whether every target was scraped."""
    try:
        targets = _data(url, "targets")["activeTargets"]
    except OSError:
        return False
    return bool(targets) and all(target["health"] != "unknown" for target in targets)


def _data(url: str, path: str) -> Any:
    with closing(urllib.request.urlopen(f"{url}/api/v1/{path}", timeout=10)) as answer:
        return json.load(answer)["data"]
