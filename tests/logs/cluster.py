"""A stand-in for Elasticsearch and Kibana: keeps every request, and answers as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Answer = tuple[int, str]


@dataclass
class Cluster:
    """Where it listens, and what it was asked: method, path, body, Authorization."""

    url: str
    asked: list[tuple[str, str, bytes, str]] = field(default_factory=list)

    def changes(self) -> list[str]:
        """Method and path of each request that is not a mere question."""
        return [f"{method} {path}" for method, path, _, _ in self.asked if method != "GET" and "_simulate_" not in path]


@contextmanager
def cluster(answer: Callable[[str, str], Answer]) -> Iterator[Cluster]:
    """Answers by method and path."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            made.asked.append((self.command, self.path, body, self.headers.get("Authorization") or ""))
            status, text = answer(self.command, self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_PUT = do_POST = _answer

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Cluster(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield made
        finally:
            server.shutdown()


@dataclass
class Elasticsearch:
    """As much of one as setup.sh asks; the forms of its answers are those of GetDataStreamAction and its like, 9.1.

    The distribution that tests/elasticsearch runs has no endpoint for data streams; all others are held there.
    """

    stream: str
    digest: str
    """Of our template, as it is now."""
    retention: str
    wins: str = ""
    """Digest of the template that wins; empty means the loaded one."""
    exists: bool = True
    enabled: bool = True
    source: str = "data_stream_configuration"
    failures: bool = True
    kept: str = "30d"
    """Retention of the failure store."""
    written: str = ""
    """Digest in the mapping of the write index; empty means ours."""
    manager: str = "Data stream lifecycle"
    pending: bool = False
    deaf: bool = False
    """Whether it acknowledges changes and makes none."""
    refuses: str = ""
    """The path that it refuses with 403."""

    def answer(self, method: str, path: str) -> Answer:
        """Status and body."""
        bare = urlsplit(path).path
        if self.refuses and self.refuses in f"{method} {path}":
            return 403, '{"error":"not allowed"}'
        if method == "GET" or "_simulate_" in path:
            found = self._shown(bare, path)
            return (404, '{"error":"none"}') if found is None else (200, found)
        if not self.deaf:
            self._change(bare)
        return 200, '{"acknowledged":true}'

    def _change(self, path: str) -> None:
        if path.endswith("/_lifecycle"):
            self.enabled, self.retention = True, "30d"
        elif path.endswith("/_options"):
            self.failures, self.kept = True, "30d"
        elif path.endswith("/_rollover"):
            self.pending = True

    def _shown(self, bare: str, path: str) -> str | None:
        if "_simulate_index" in bare:
            return _dumped({"template": {"mappings": {"_meta": {"stackgen": self.wins or self.digest}}}})
        if bare == "/_cat/templates":
            return f"900 other [logs-*]\n500 {self.stream} [{self.stream}]\n100 logs [logs-*-*]\n"
        if bare.endswith("/_mapping"):
            assert bare == "/.ds-x-000002/_mapping"
            return _dumped({".ds-x-000002": {"mappings": {"_meta": {"stackgen": self.written or self.digest}}}})
        return self._filtered(path.partition("filter_path=data_streams.")[2]) if self.exists else None

    def _filtered(self, wanted: str) -> str:
        index = {"index_name": ".ds-x-000002", "managed_by": self.manager}
        whole: dict[str, Any] = {
            "name": self.stream,
            "indices": [{"index_name": ".ds-x-000001", "managed_by": "Data stream lifecycle"}, index],
            "lifecycle": {
                "enabled": self.enabled,
                "data_retention": self.retention,
                "effective_retention": self.retention,
                "retention_determined_by": self.source,
            },
            "rollover_on_write": self.pending,
            "options": {
                "failure_store": {
                    "enabled": self.failures,
                    "lifecycle": {"enabled": True, "data_retention": self.kept},
                }
            },
        }
        return _dumped({"data_streams": [_only(whole, wanted.split("."))]})


def _dumped(answer: object) -> str:
    return json.dumps(answer, separators=(",", ":"))


def _only(whole: Any, path: list[str]) -> Any:
    """What filter_path leaves of an answer."""
    if isinstance(whole, list):
        return [_only(one, path) for one in whole]
    return {path[0]: _only(whole[path[0]], path[1:])} if path else whole
