"""A stand-in for Sentry and for an OpenTelemetry collector: takes every POST on loopback and keeps it."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.app.cluster import PATIENCE_SECONDS


@dataclass
class Collector:
    """Where it listens, and what it got."""

    port: int
    got: list[tuple[str, bytes]] = field(default_factory=list)

    def bodies(self, path: str) -> list[bytes]:
        """Bodies that were sent to a path."""
        return [body for where, body in list(self.got) if where == path]

    def items(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Header and payload of every item of Sentry's envelopes: lines of JSON, the first the envelope's own."""
        found = []
        for body in self.bodies("/api/1/envelope/"):
            rows = [json.loads(line) for line in body.splitlines() if line]
            found += list(zip(rows[1::2], rows[2::2], strict=True))
        return found

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Payloads of one type of item."""
        return [payload for header, payload in self.items() if header["type"] == kind]

    def wait(self, ready: Any, seconds: float = PATIENCE_SECONDS) -> None:
        """Returns when ready() is true."""
        end = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < end, f"only {[(path, body[:200]) for path, body in self.got]}"
            time.sleep(0.1)


@contextmanager
def spans_by_grpc() -> Iterator[tuple[int, list[bytes]]]:
    """A collector that speaks gRPC: its port, and the requests it gets."""
    import grpc  # type: ignore[import-untyped]

    got: list[bytes] = []

    def export(request: bytes, context: object) -> bytes:
        del context
        got.append(request)
        return b""

    method = {"Export": grpc.unary_unary_rpc_method_handler(export)}
    name = "opentelemetry.proto.collector.trace.v1.TraceService"
    server = grpc.server(ThreadPoolExecutor(2), handlers=[grpc.method_handlers_generic_handler(name, method)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port, got
    finally:
        server.stop(None).wait()


@contextmanager
def collector() -> Iterator[Collector]:
    """Listens on a free port; ends with the test."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            made.got.append((self.path, body))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Collector(server.server_port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield made
        finally:
            server.shutdown()
