"""The webhook that Alertmanager calls: which alerts it was told of, and when each began and ended."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.live.processes import LOOPBACK

Key = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class News:
    """One alert that began or ended."""

    at: float
    firing: bool
    labels: Mapping[str, str]

    def __str__(self) -> str:
        """The alert, and what it is about."""
        about = [self.labels[name] for name in ("queue", "task", "worker", "source") if name in self.labels]
        return f"{self.labels['alertname']}({', '.join([self.labels['severity'], *about])})"


@dataclass
class Inbox:
    """Everything told so far, oldest first."""

    news: list[News] = field(default_factory=list)
    _state: dict[Key, bool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, alerts: list[Mapping[str, object]]) -> None:
        """Notes what changed; Alertmanager tells a group again and again."""
        with self._lock:
            for alert in alerts:
                told = alert["labels"]
                labels = {str(k): str(v) for k, v in told.items()} if isinstance(told, Mapping) else {}
                firing, key = alert["status"] == "firing", frozenset(labels.items())
                if self._state.get(key, False) != firing:
                    self._state[key] = firing
                    self.news.append(News(time.monotonic(), firing, labels))

    def since(self, moment: float) -> list[News]:
        """What was told after a moment of the monotonic clock."""
        with self._lock:
            return [one for one in self.news if one.at >= moment]

    def firing(self) -> list[Mapping[str, str]]:
        """Alerts that began and have not ended."""
        with self._lock:
            return [dict(key) for key, firing in self._state.items() if firing]


@contextmanager
def listening(port: int) -> Iterator[Inbox]:
    """Listens until the block ends."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            inbox.take(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer((LOOPBACK, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()
