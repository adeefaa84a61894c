"""A real Elasticsearch: the distribution for integration tests of Maven Central. On loopback, with 1 GB, never as root.

It has templates, bulk requests, data streams and searches. Most modules are missing, and with them the endpoints for
data streams and their lifecycle, the failure store, and three types of fields.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.flower.redis_server import free_port, wait_for

ZIP = Path(__file__).resolve().parents[2] / ".tools" / "elasticsearch" / "elasticsearch-9.1.0.zip"
OLDEST_JAVA = 21
NOBODY = 65534
STAND_INS = {"match_only_text": "text", "wildcard": "keyword", "constant_keyword": "keyword"}
"""Types of fields that are modules, and what is searched like them."""


@dataclass(frozen=True)
class Node:
    """A running Elasticsearch."""

    url: str

    def ask(self, method: str, path: str, body: str | None = None) -> Any:
        """The answer as JSON; raises AssertionError with the reason of a refusal."""
        kind = "application/x-ndjson" if path.partition("?")[0].endswith("_bulk") else "application/json"
        data = None if body is None else body.encode("utf-8", "surrogatepass")
        request = urllib.request.Request(self.url + path, data, {"Content-Type": kind}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            message = f"{method} {path}: {error.code}: {error.read().decode()}"
            raise AssertionError(message) from error


def java() -> str:
    """The folder of a Java that is new enough."""
    named = [Path(os.environ[name]) for name in ("ES_JAVA_HOME", "JAVA_HOME") if os.environ.get(name)]
    for home in (*named, *sorted(Path("/usr/lib/jvm").glob("*"), reverse=True)):
        said = home / "release"
        found = re.search(r'^JAVA_VERSION="(\d+)', said.read_text(), re.MULTILINE) if said.is_file() else None
        if found and int(found[1]) >= OLDEST_JAVA:
            return str(home)
    message = f"Elasticsearch needs Java {OLDEST_JAVA} or newer: install it, or name its folder in ES_JAVA_HOME"
    raise AssertionError(message)


@contextmanager
def running() -> Iterator[Node]:
    """Starts one that is gone afterwards, and when the tests are killed."""
    with tempfile.TemporaryDirectory(prefix="elasticsearch-") as made:
        folder, port = Path(made), free_port()
        home = _unpacked(folder, port)
        root = os.geteuid() == 0
        if root:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
        with (folder / "out").open("wb") as out:
            program = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", str(home / "bin/elasticsearch")],
                env={
                    "PATH": os.environ["PATH"],
                    "ES_JAVA_HOME": java(),
                    "ES_JAVA_OPTS": "-Xms1g -Xmx1g",
                    "ES_TMPDIR": str(folder / "tmp"),
                },
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=folder,
                user=NOBODY if root else None,
                group=NOBODY if root else None,
                extra_groups=[] if root else None,
            )
        try:
            wait_for(port, program, 180)
            yield _ready(Node(f"http://127.0.0.1:{port}"))
        except AssertionError:
            print((folder / "out").read_text(errors="replace")[-3000:])
            raise
        finally:
            program.terminate()
            program.wait(60)


def _unpacked(folder: Path, port: int) -> Path:
    with zipfile.ZipFile(ZIP) as packed:
        packed.extractall(folder)
    (folder / "tmp").mkdir()
    (home,) = folder.glob("elasticsearch-*")
    for program in (home / "bin").iterdir():
        program.chmod(0o755)
    settings = {
        "discovery.type": "single-node",
        "http.host": "127.0.0.1",
        "http.port": port,
        "transport.host": "127.0.0.1",
        "transport.port": free_port(),
        "path.data": str(folder / "data"),
        "path.logs": str(folder / "logs"),
        "xpack.security.enabled": False,
        "cluster.routing.allocation.disk.threshold_enabled": False,
    }
    text = "".join(f"{name}: {json.dumps(value)}\n" for name, value in settings.items())
    (home / "config/elasticsearch.yml").write_text(text, encoding="utf-8")
    return home


def _ready(node: Node) -> Node:
    """The port is open a moment before it answers."""
    for _ in range(60):
        try:
            node.ask("GET", "/_cluster/health?wait_for_status=yellow&timeout=30s")
        except (AssertionError, OSError):
            time.sleep(1)
        else:
            return node
    message = "Elasticsearch does not answer"
    raise AssertionError(message)
