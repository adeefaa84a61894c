"""What a sender that loads the module writes into a message, besides its task."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery, signals  # type: ignore[import-untyped]

from stackgen.app.parts.published import SENT_HEADER, mark_published


@pytest.fixture
def app() -> Iterator[Any]:
    before = list(signals.before_task_publish.receivers)
    mark_published()
    try:
        yield Celery("lab", broker="memory://", set_as_current=False)
    finally:
        signals.before_task_publish.receivers = before


def _sent(app: Any, **options: object) -> Any:
    with app.connection_for_write() as connection, connection.SimpleQueue(str(options["queue"])) as queue:
        app.send_task("lab.ok", connection=connection, **options)
        return queue.get(block=True, timeout=5)


def test_the_brokers_own_timestamp_is_the_moment_of_sending(app: Any) -> None:
    before = time.time()
    message = _sent(app, queue="now")

    assert int(before) <= message.properties["timestamp"] == int(message.headers[SENT_HEADER]) <= time.time()


def test_a_message_with_an_eta_is_as_old_as_it_is_late(app: Any) -> None:
    message = _sent(app, queue="later", countdown=600)

    assert message.properties["timestamp"] == pytest.approx(message.headers[SENT_HEADER] + 600, abs=2)


def test_a_timestamp_of_the_sender_is_left_alone(app: Any) -> None:
    assert _sent(app, queue="own", timestamp=12).properties["timestamp"] == 12
