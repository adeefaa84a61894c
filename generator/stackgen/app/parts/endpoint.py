"""The HTTP side: /metrics, /livez and /readyz, in a thread of whoever calls."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from stackgen.app.parts.exposition import OPENMETRICS_TYPE, PLAIN_TYPE, Family, exposed

PORTS = 20
"""Ports that are tried, from the configured one on, when several workers share a host."""

Check = Callable[[], tuple[bool, str]]
"""Whether it is healthy, and a line that says why."""


def serve(
    host: str, port: int, families: Callable[[], Iterable[Family]], checks: Mapping[str, Check], ports: int = 1
) -> Any:
    """A running server; `server_port` says which of `ports` ports it got. Raises OSError when none is free."""
    # Imported here: `health live` shares this file and must be quick.
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        timeout: ClassVar[float | None] = 10

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                openmetrics = "application/openmetrics-text" in self.headers.get("Accept", "")
                body = exposed(families(), openmetrics=openmetrics)
                self._answer(200, OPENMETRICS_TYPE if openmetrics else PLAIN_TYPE, body)
            elif path in checks:
                healthy, text = checks[path]()
                self._answer(200 if healthy else 503, "text/plain; charset=utf-8", f"{text}\n".encode())
            else:
                self._answer(404, "text/plain; charset=utf-8", b"/metrics, /livez or /readyz\n")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Scrapes are not worth a line each."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A scraper that hangs up is no error of the worker's."""

    server = _endpoint_bound(lambda number: Server((host, number), Handler), port, ports)
    threading.Thread(target=_endpoint_accept, args=(server,), name="celery-monitoring-http", daemon=True).start()
    return server


def _endpoint_accept(server: Any) -> None:
    # serve_forever would poll with what `selectors` found when it was imported: under eventlet that blocks the worker.
    while server.socket.fileno() >= 0:
        try:
            request, address = server.get_request()
        except OSError:
            time.sleep(0.1)
            continue
        server.process_request(request, address)


def _endpoint_bound(make: Callable[[int], Any], port: int, ports: int) -> Any:
    """The server on the first free port; 0 is any free one."""
    last: OSError | None = None
    for number in [port] if port == 0 else range(port, min(port + ports, 65536)):
        try:
            return make(number)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            last = error
    message = f"no free port from {port} to {port + ports - 1}"
    raise OSError(errno.EADDRINUSE, message) from last
