"""A real Alertmanager on a free port of this machine, and a listener that its webhooks reach."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Labels = dict[str, str]
LOOPBACK = "127.0.0.1"
PATIENCE = 15.0
"""Seconds until a program that does not answer has failed."""


@dataclass(frozen=True)
class Alertmanager:
    """One that runs."""

    port: int

    def fire(self, alerts: Iterable[Labels]) -> None:
        """As Prometheus does it."""
        data = [{"labels": labels, "annotations": {"summary": "a test"}} for labels in alerts]
        self._call("alerts", json.dumps(data).encode())

    def alerts(self) -> list[dict[str, Any]]:
        """Every firing alert, with its status and receivers."""
        found: list[dict[str, Any]] = json.loads(self._call("alerts"))
        return found

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            self._call("status")
        except OSError:
            return False
        return True

    def _call(self, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self.port}/api/v2/{path}", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            content: bytes = answer.read()
            return content


@contextmanager
def running(tools: Path, config: Path, folder: Path) -> Iterator[Alertmanager]:
    """Starts the Alertmanager of an unpacked tree; it ends with the block, or when this process dies."""
    alertmanager = Alertmanager(_free_port())
    command = [
        *_in_its_tree(tools, folder),
        *("setpriv", "--pdeathsig", "KILL"),
        str(tools / "usr/bin/prometheus-alertmanager"),
        f"--config.file={config}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={LOOPBACK}:{alertmanager.port}",
        "--cluster.listen-address=",
    ]
    log = folder / "alertmanager.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        wait(lambda: process.poll() is not None or alertmanager.ready(), "Alertmanager")
        assert process.poll() is None, log.read_text()
        yield alertmanager
    finally:
        process.kill()
        process.wait()


def wait(done: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Until something is true; fails when it never is."""
    end = time.monotonic() + patience
    while not done():
        assert time.monotonic() < end, f"{what}: not after {patience:g} s"
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _in_its_tree(tools: Path, folder: Path) -> list[str]:
    """Debian's Alertmanager looks for its message templates in /usr/share: there it is given its own, privately."""
    own, place = tools / "usr/share/prometheus", Path("/usr/share/prometheus")
    if not own.is_dir() or (place / "alertmanager/default.tmpl").exists():
        return []
    share = folder / "share"
    shutil.copytree(own, share / "prometheus", symlinks=True, ignore=shutil.ignore_patterns("ui"))
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    mount = 'mount --bind "$1" /usr/share && shift && exec "$@"'
    return ["unshare", "--mount", *user, "sh", "-c", mount, "sh", str(share)]


@dataclass
class Listener:
    """What webhooks brought, by the path they were sent to."""

    port: int
    received: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def url(self, path: str) -> str:
        """An address that this listener hears."""
        return f"http://{LOOPBACK}:{self.port}/{path}"

    def told(self) -> set[tuple[str, str, str, str]]:
        """(path, alert name, severity, owner) of every alert that arrived."""
        return {(path, a["alertname"], a["severity"], a["owner"]) for path, a in self.received}


@contextmanager
def listening() -> Iterator[Listener]:
    """A web server that remembers the alerts it is sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            listener.received.extend((self.path.strip("/"), alert["labels"]) for alert in body["alerts"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    listener = Listener(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
