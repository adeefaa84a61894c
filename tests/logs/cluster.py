"""A stand-in for Elasticsearch and Kibana: keeps every request, and answers what a test gives it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, str]


@dataclass
class Cluster:
    """Where it listens, and what it was asked: method, path, body, Authorization."""

    url: str
    asked: list[tuple[str, str, bytes, str]] = field(default_factory=list)

    def paths(self) -> list[str]:
        """Method and path of each request."""
        return [f"{method} {path}" for method, path, _, _ in self.asked]


@contextmanager
def cluster(answers: Mapping[str, Answer]) -> Iterator[Cluster]:
    """Answers by method and path; anything else with 200 and an acknowledgement."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            made.asked.append((self.command, self.path, body, self.headers.get("Authorization") or ""))
            status, text = answers.get(f"{self.command} {self.path}", (200, '{"acknowledged":true}'))
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
