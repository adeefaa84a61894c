"""The probe: one small process that asks the broker and the workers, without events and without their help."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stackgen.app.parts.broker import Depth, OneTry, broker_app, depths
from stackgen.app.parts.endpoint import PROBE_PORT, serve
from stackgen.app.parts.exposition import Family, family
from stackgen.app.parts.settings import Settings

_ANSWER_SECONDS = 1.0
_SECOND_CHANCE_SECONDS = 3.0
_REMEMBERED_SECONDS = 3600.0


@dataclass(frozen=True)
class Seen:
    """What one round of questions found; without a broker nothing but that."""

    at: float
    up: bool
    why: str = ""
    depths: dict[str, Depth] = field(default_factory=dict)
    consumers: dict[str, int] = field(default_factory=dict)
    active: int = 0
    total: int = 0


class Probe:
    """Asks in rounds and keeps the last answers, so that a scrape never waits for anybody."""

    def __init__(self, app: Any, queues: Sequence[str], interval: float) -> None:
        self._app, self._queues, self._interval = app, tuple(queues), interval
        self._connection: Any = None
        self._last_answer: dict[str, float] = {}
        self._seen = Seen(time.monotonic(), up=False, why="not asked yet")

    def run(self, stop: threading.Event) -> None:
        """Asks until told to stop; a broker that is down is asked again and again."""
        while not stop.is_set():
            began = time.monotonic()
            before, self._seen = self._seen, self._look()
            if (before.up, before.why) != (self._seen.up, self._seen.why):
                print(f"broker {'answers' if self._seen.up else 'is down: ' + self._seen.why}", file=sys.stderr)
            stop.wait(max(0.1, self._interval - (time.monotonic() - began)))

    def _look(self) -> Seen:
        try:
            if self._connection is None:
                self._connection = self._app.connection_for_read()
                self._connection.ensure_connection(max_retries=1, interval_start=0.1)
                self._app.control.mailbox.producer_pool = OneTry(self._connection)
            answers = self._ask()
            consumers = dict.fromkeys(self._queues, 0)
            for names in answers.values():
                for name in names:
                    consumers[name] = consumers.get(name, 0) + 1
            found = depths(self._connection, consumers)
        except Exception as error:
            self._drop()
            return Seen(time.monotonic(), up=False, why=f"{type(error).__name__}: {error}")
        now = time.monotonic()
        self._last_answer.update(dict.fromkeys(answers, now))
        self._last_answer = {w: at for w, at in self._last_answer.items() if now - at <= _REMEMBERED_SECONDS}
        return Seen(now, up=True, depths=found, consumers=consumers, active=len(answers), total=len(self._last_answer))

    def _ask(self) -> dict[str, set[str]]:
        """Every worker that answers, with the queues it consumes; one that is missed is asked again, alone."""
        answers = self._broadcast(None, _ANSWER_SECONDS)
        lately = time.monotonic() - 3 * self._interval
        missed = [w for w, at in self._last_answer.items() if w not in answers and at > lately]
        if missed:
            answers |= self._broadcast(missed, _SECOND_CHANCE_SECONDS)
        return answers

    def _broadcast(self, workers: list[str] | None, timeout: float) -> dict[str, set[str]]:
        replies = self._app.control.broadcast(
            "active_queues", reply=True, destination=workers, timeout=timeout, connection=self._connection
        )
        return {
            worker: {queue["name"] for queue in queues if isinstance(queue, dict)}
            for reply in replies or []
            for worker, queues in reply.items()
            if isinstance(queues, list)
        }

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        try:
            if connection is not None:
                connection.close()
        except Exception as error:
            print(f"closing the lost connection: {error}", file=sys.stderr)

    def healthy(self) -> tuple[bool, str]:
        """Whether the rounds go on, whatever they find: for the probe's own container."""
        age = time.monotonic() - self._seen.at
        return age <= self._late(), f"last asked {age:.1f} s ago"

    def _late(self) -> float:
        return 3 * self._interval + 30

    def families(self) -> list[Family]:
        """What a scrape shows; an answer that is too old is none."""
        seen, up, now = self._seen, self._seen.up and self.healthy()[0], time.time()
        families = [_probe_gauge("celery_probe_broker_up", "1 while the broker answers.", {(): float(up)})]
        if not up:
            return families
        unacked = {q: d.unacked for q, d in seen.depths.items() if d.unacked is not None}
        return [
            *families,
            _probe_gauge(
                "celery_queue_length",
                "Messages waiting in the broker, all priorities.",
                {(("queue", q),): float(d.ready) for q, d in seen.depths.items()},
            ),
            _probe_gauge(
                "celery_queue_oldest_seconds",
                "Time that the message has waited which is next, since it was sent or due.",
                {(("queue", q),): max(0.0, now - d.oldest) for q, d in seen.depths.items() if d.oldest is not None},
            ),
            _probe_gauge(
                "celery_queue_unacked",
                "Messages that workers hold.",
                {(("queue", q),): float(n) for q, n in unacked.items()},
            ),
            _probe_gauge(
                "celery_queue_consumers",
                "Workers that consume a queue.",
                {(("queue", q),): float(n) for q, n in seen.consumers.items()},
            ),
            _probe_gauge("celery_workers_active", "Workers that answer.", {(): float(seen.active)}),
            _probe_gauge("celery_workers_total", "Workers that answered in the last hour.", {(): float(seen.total)}),
        ]


def _probe_gauge(name: str, text: str, values: dict[tuple[tuple[str, str], ...], float]) -> Family:
    return family(name, "gauge", text, values.items())


def probe_main(argv: Sequence[str], settings: Settings) -> int:
    """`exporter`: serves until it is told to end; 1 when it cannot start."""
    from argparse import ArgumentParser

    parser = ArgumentParser(prog="celery_monitoring exporter")
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=PROBE_PORT, help="exactly this one; 0 for any free one")
    parser.add_argument("--interval", type=float, default=10.0, help="seconds between two rounds of questions")
    parser.add_argument("--queue", action="append", help="instead of the queues of stack.yaml; may be repeated")
    given = parser.parse_args(argv)
    try:
        probe = Probe(broker_app(settings), given.queue or settings.queues, given.interval)
        checks = {"/livez": probe.healthy, "/readyz": probe.healthy}
        server = serve(given.host, [given.port], probe.families, checks)
    except (OSError, LookupError, ValueError, OverflowError) as error:
        print(f"celery_monitoring exporter: {error}", file=sys.stderr)
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print(f"http://{given.host}:{server.server_port}/metrics", file=sys.stderr, flush=True)
    probe.run(stop)
    server.socket.close()
    return 0
