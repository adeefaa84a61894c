"""What is in the broker itself: true queue depths, priorities summed, whoever consumes or does not."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackgen.app.parts.published import SENT_HEADER, due_moment
from stackgen.app.parts.settings import Settings

_UNACKED_READ = 5_000
"""Unacknowledged messages that are looked into on Redis; with more, nobody says whose they are."""


@dataclass(frozen=True)
class Depth:
    """Messages of one queue."""

    ready: int
    unacked: int | None = None
    """Held by workers; None when the broker does not tell."""
    oldest: float | None = None
    """When the one that waits longest was sent or due; None when the broker or the sender does not tell."""


def broker_url(settings: Settings) -> str:
    """The address, from the environment or the file that stack.yaml names. Raises OSError or LookupError."""
    name = settings.broker_url_env or "CELERY_BROKER_URL"
    if url := os.environ.get(name, ""):
        return url
    if settings.broker_url_file:
        return Path(settings.broker_url_file).read_text(encoding="utf-8").strip()
    message = f"the environment variable {name} is empty: it must hold the broker's URL"
    raise LookupError(message)


def broker_app(settings: Settings) -> Any:
    """A Celery app that only talks to the broker; the team's own is not loaded.

    $CELERY_BROKER_TRANSPORT_OPTIONS may hold more of the application's broker_transport_options, as JSON.
    """
    from celery import Celery  # type: ignore[import-untyped, unused-ignore]

    app = Celery("celery_monitoring", broker=broker_url(settings), set_as_current=False)
    given = json.loads(os.environ.get("CELERY_BROKER_TRANSPORT_OPTIONS") or "{}")
    app.conf.broker_transport_options = quick_options(settings.broker, {**settings.broker_transport_options, **given})
    if settings.broker_use_ssl:
        app.conf.broker_use_ssl = dict(settings.broker_use_ssl)
    app.conf.broker_connection_timeout = 2
    return app


def quick_options(kind: str, given: Any) -> dict[str, Any]:
    """Transport options with which a broker that is down is told at once; two of them only Redis knows."""
    limits = {"socket_connect_timeout": 2, "socket_timeout": 10} if kind == "redis" else {}
    return {"max_retries": 1, "interval_start": 0.1, "interval_step": 0.1, **limits, **(given or {})}


class OneTry:
    """What a mailbox publishes with: our connection, and once. By itself kombu waits for a lost broker for ever."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @contextmanager
    def acquire(self) -> Iterator[Any]:
        """A producer that raises when the broker is gone."""
        producer = self._connection.Producer(self._connection.default_channel, auto_declare=False)
        publish = producer.publish
        producer.publish = lambda *args, **options: publish(*args, **{**options, "retry": False})
        yield producer


def depths(connection: Any, queues: Iterable[str]) -> dict[str, Depth]:
    """Depth of every queue; one that does not exist holds 0. Raises what the connection raises.

    A passive declaration never makes a queue. On Redis kombu adds up the lists of all priorities; there it is asked for
    the size itself, for a passive declaration does not find queues behind a global_keyprefix (kombu 5.7).
    """
    channel = connection.channel()
    held = _broker_unacked(channel)
    size = getattr(channel, "_size", None)
    found = {}
    try:
        for queue in queues:
            try:
                ready = int(size(queue) if size else channel.queue_declare(queue=queue, passive=True).message_count)
            except connection.channel_errors:
                ready = 0
                if not getattr(channel, "is_open", True):  # AMQP closes a channel that asked for what is not there
                    channel = connection.channel()
            oldest = _broker_oldest(channel, queue) if ready else None
            found[queue] = Depth(ready, None if held is None else held.get(queue, 0), oldest)
    finally:
        channel.close()
    return found


def _broker_oldest(channel: Any, queue: str) -> float | None:
    """On Redis, from the headers of the message that each priority's list gives out next; bodies stay unread."""
    client, key_of = getattr(channel, "client", None), getattr(channel, "_q_for_pri", None)
    if client is None or key_of is None:
        return None
    found = []
    for priority in channel.priority_steps:
        raw = client.lindex(key_of(queue, priority), -1)
        if raw is None:
            continue
        try:
            headers = json.loads(raw)["headers"]
            moment = due_moment(headers.get(SENT_HEADER), headers.get("eta"))
        except (ValueError, TypeError, LookupError, AttributeError):
            continue  # no message of Celery's
        if moment is not None:
            found.append(moment)
    return min(found, default=None)


def _broker_unacked(channel: Any) -> dict[str, int] | None:
    """Messages that workers hold, by queue; None where only the broker's own management tells."""
    client, key = getattr(channel, "client", None), getattr(channel, "unacked_key", "")
    if not key or client is None or client.hlen(key) > _UNACKED_READ:
        return None
    if "HSCAN" not in getattr(client, "PREFIXED_SIMPLE_COMMANDS", ("HSCAN",)):  # kombu puts it before the others only
        key = client.global_keyprefix + key
    held: dict[str, int] = {}
    for exchange, routing in _broker_addresses(client, key):
        for queue in channel._lookup(exchange, routing) if exchange else [routing]:
            held[queue] = held.get(queue, 0) + 1
    return held


def _broker_addresses(client: Any, key: str) -> Iterator[tuple[str, str]]:
    for _, raw in client.hscan_iter(key, count=500):
        _, exchange, routing = json.loads(raw)
        yield str(exchange or ""), str(routing or "")
