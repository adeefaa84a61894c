"""The HTTP side: /metrics, /livez and /readyz, in a few threads of whoever calls.

Whoever connects, and however slowly or often, takes no more than those threads and a small share of the time.
"""

from __future__ import annotations

import errno
import gzip
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import urlsplit

from stackgen.app.parts.exposition import OPENMETRICS_TYPE, PLAIN_TYPE, Family, exposed

PORTS = 20
"""Ports that are tried, from the configured one on, when several workers share a host."""
PROBE_PORT = 9810
"""The probe's own; no worker takes it by chance."""
MOST_HANDLERS = 16
_DEADLINE = 10.0
"""Seconds for a whole request and its answer."""
_SHARE = 30
"""An answer is given again for so many times as long as it took to make: making it takes a thirtieth of the time."""
_STALEST = 5.0

Check = Callable[[], tuple[bool, str]]
"""Whether it is healthy, and a line that says why."""
_Answer = TypeVar("_Answer")


class Shared(Generic[_Answer]):
    """What is made once for all who ask at the same time, and for those who ask too often."""

    def __init__(self, make: Callable[[], _Answer]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: tuple[_Answer, float, float] | None = None  # when it began, and until when it is given again

    def get(self) -> _Answer:
        """An answer whose making began after this call, or a moment before."""
        asked = time.monotonic()
        with self._lock:
            if self._made is None or max(self._made[1:]) < asked:
                began = time.monotonic()
                answer = self._make()
                ended = time.monotonic()
                self._made = answer, began, ended + min(_SHARE * (ended - began), _STALEST)
            return self._made[0]


class Connections:
    """Those that are open: the oldest that still only asks makes room for the next, and none outlasts its deadline."""

    def __init__(self) -> None:
        self._slots = threading.BoundedSemaphore(MOST_HANDLERS)
        self._lock = threading.Lock()
        self._asking: dict[Any, float] = {}
        self._answering: dict[Any, float] = {}

    def enter(self, connection: Any) -> None:
        """Returns when there is room, and makes some."""
        while not self._slots.acquire(timeout=0.05):
            with self._lock:
                oldest = next(iter(self._asking), None)
            if oldest is not None:
                self._cut(oldest)
            self.cut_late()
        with self._lock:
            self._asking[connection] = time.monotonic()

    def answers(self, connection: Any) -> None:
        """The connection has asked."""
        with self._lock:
            if connection in self._asking:
                self._answering[connection] = self._asking.pop(connection)

    def leave(self, connection: Any) -> None:
        """The connection is closed."""
        with self._lock:
            self._asking.pop(connection, None)
            self._answering.pop(connection, None)
        self._slots.release()

    def cut_late(self) -> None:
        """Ends what has had its time."""
        before = time.monotonic() - _DEADLINE
        with self._lock:
            late = [c for known in (self._asking, self._answering) for c, since in known.items() if since < before]
        for connection in late:
            self._cut(connection)

    def _cut(self, connection: Any) -> None:
        from socket import SHUT_RDWR

        with self._lock:
            self._asking.pop(connection, None)
            self._answering.pop(connection, None)
        with suppress(OSError):
            connection.shutdown(SHUT_RDWR)  # its thread wakes up and leaves


def serve(
    host: str, ports: Iterable[int], families: Callable[[], Iterable[Family]], checks: Mapping[str, Check]
) -> Any:
    """A running server; `server_port` says which of `ports` it got. Raises OSError, OverflowError when it got none."""
    # Imported here: `health live` shares this file and must be quick.
    from http.server import HTTPServer

    connections = Connections()
    answers = {
        form: Shared(_endpoint_page(families, *form)) for form in ((o, z) for o in (False, True) for z in (False, True))
    }
    handler = _endpoint_handler(connections, answers, {path: Shared(check) for path, check in checks.items()})

    class Server(HTTPServer):
        request_queue_size = 128

        def server_bind(self) -> None:
            """Without HTTPServer's look-up of our own name, which may wait for a name server."""
            super(HTTPServer, self).server_bind()
            self.server_name, self.server_port = host, self.server_address[1]

    server = _endpoint_bound(lambda number: Server((host, number), handler), ports)
    server.socket.settimeout(1.0)
    threading.Thread(
        target=_endpoint_accept, args=(server, connections), name="celery-monitoring-http", daemon=True
    ).start()
    return server


def _endpoint_handler(
    connections: Connections,
    answers: Mapping[tuple[bool, bool], Shared[bytes]],
    checked: Mapping[str, Shared[tuple[bool, str]]],
) -> Any:
    from http.server import BaseHTTPRequestHandler

    class Handler(BaseHTTPRequestHandler):
        timeout: ClassVar[float | None] = _DEADLINE

        def do_GET(self) -> None:
            connections.answers(self.connection)
            path = _endpoint_path(self.path)
            if path == "/metrics":
                openmetrics = "application/openmetrics-text" in self.headers.get("Accept", "")
                zipped = _endpoint_takes_gzip(self.headers.get("Accept-Encoding", ""))
                kind = OPENMETRICS_TYPE if openmetrics else PLAIN_TYPE
                self._answer(200, kind, answers[openmetrics, zipped].get(), zipped=zipped)
            elif path in checked:
                healthy, text = checked[path].get()
                self._answer(200 if healthy else 503, "text/plain; charset=utf-8", f"{text}\n".encode())
            else:
                self._answer(404, "text/plain; charset=utf-8", b"/metrics, /livez or /readyz\n")

        do_HEAD = do_GET

        def _answer(self, status: int, kind: str, body: bytes, *, zipped: bool = False) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Vary", "Accept, Accept-Encoding")
            if zipped:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Scrapes are not worth a line each."""

    return Handler


def _endpoint_accept(server: Any, connections: Connections) -> None:
    # serve_forever would poll with what `selectors` found when it was imported: under eventlet that blocks the worker.
    while server.socket.fileno() >= 0:
        try:
            request, address = server.get_request()
        except OSError as error:
            connections.cut_late()
            if error.errno is not None:  # it was no timeout: no more files may be open, say
                time.sleep(0.1)
            continue
        connections.enter(request)
        try:
            threading.Thread(target=_endpoint_handle, args=(server, connections, request, address), daemon=True).start()
        except RuntimeError:  # no more threads
            connections.leave(request)
            request.close()


def _endpoint_handle(server: Any, connections: Connections, request: Any, address: object) -> None:
    with suppress(Exception):  # a scraper that hangs up is no error of the worker's
        server.finish_request(request, address)
    with suppress(Exception):
        server.shutdown_request(request)
    connections.leave(request)


def _endpoint_page(families: Callable[[], Iterable[Family]], openmetrics: bool, zipped: bool) -> Callable[[], bytes]:
    def page() -> bytes:
        body = exposed(families(), openmetrics=openmetrics)
        return gzip.compress(body, 1) if zipped else body

    return page


def _endpoint_path(target: str) -> str:
    """The path of a request's target, which a proxy writes with scheme and host before it."""
    try:
        return urlsplit(target).path
    except ValueError:
        return ""


def _endpoint_takes_gzip(header: str) -> bool:
    accepted = {name: weight for name, _, weight in (one.partition(";") for one in header.replace(" ", "").split(","))}
    return "gzip" in accepted and accepted["gzip"].strip("0.") != "q="


def worker_ports(wanted: int, listed: Iterable[int]) -> Iterator[int]:
    """Ports that a worker tries: the wanted one (0 is any free one), those that are scraped, then those after it."""
    later = (port for port in range(wanted + 1, min(wanted + PORTS, 65536)) if port != PROBE_PORT)
    yield from dict.fromkeys([wanted, *(() if wanted == 0 else (*listed, *later))])


def _endpoint_bound(make: Callable[[int], Any], ports: Iterable[int]) -> Any:
    """The server on the first free port."""
    tried = []
    for number in ports:
        tried.append(number)
        try:
            return make(number)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    message = f"no free port of {', '.join(map(str, tried))}"
    raise OSError(errno.EADDRINUSE, message)
