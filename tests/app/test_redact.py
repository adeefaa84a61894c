"""What may be written of a record or an exception, without a worker."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from stackgen.app.parts.lines import JsonLines, as_line
from stackgen.app.parts.redact import LONGEST_ERROR, LONGEST_STACK, error_fields, is_replaced, message_of
from stackgen.app.parts.settings import Settings

SECRET = "canary-hunter2"


class Leaky:
    """Its repr shows what must not be seen, as that of Celery's Request does."""

    def __repr__(self) -> str:
        return SECRET


def _record(name: str, message: object, *args: object, **more: object) -> logging.LogRecord:
    record = logging.LogRecord(name, logging.INFO, __file__, 1, message, args, None)
    record.__dict__.update(more)
    return record


@pytest.mark.parametrize(
    "record",
    [
        _record("celery.worker.control", "request %r", Leaky()),
        _record("celery.beat", "entry %r of %s", Leaky(), "shop"),
        _record("celery.app.trace", "%(name)s %(args)s", {"name": "t", "args": f"({SECRET},)"}),
        _record("celery.app.trace", "%(return_value)s", {"return_value": SECRET}),
        _record("celery.worker.strategy", "ETA %r", {"args": SECRET}, "x"),
        _record("kombu.message", "%s", [SECRET]),
        _record("celery.worker.consumer.consumer", "Can't decode message body: %r", SECRET),
    ],
)
def test_a_librarys_record_shows_no_object(record: logging.LogRecord) -> None:
    assert SECRET not in message_of(record)


def test_a_librarys_record_keeps_names_and_numbers() -> None:
    assert message_of(_record("celery.worker.control", "limit of %s: %s", "shop.pay", 3)) == "limit of shop.pay: 3"


def test_what_a_task_logs_itself_is_kept() -> None:
    assert message_of(_record("shop", "order %r", {"id": 7})) == "order {'id': 7}"


@pytest.mark.parametrize(
    "record",
    [
        _record("celery.app.trace", "Task %(name)s", data={"args": SECRET}),
        _record("celery.worker.strategy", "Task %(name)s", data={"args": SECRET}),
        _record("celery.worker.consumer.consumer", "Received unregistered task of type %s.", SECRET),
        _record("celery.beat", f"Current schedule:\n{SECRET}"),
        _record("py.warnings", "%s", f"RuntimeWarning: Exception raised outside body: {SECRET}"),
    ],
)
def test_a_record_that_ours_says_better_is_replaced(record: logging.LogRecord) -> None:
    assert is_replaced(record)


def test_the_loggers_whose_records_are_replaced_are_celerys() -> None:
    from celery.concurrency import base  # type: ignore[import-untyped]
    from celery.worker import request, strategy  # type: ignore[import-untyped]
    from celery.worker.consumer import consumer  # type: ignore[import-untyped]

    names = [module.logger.name for module in (base, request, strategy, consumer)]
    wanted = ["celery.pool", "celery.worker.request", "celery.worker.strategy", "celery.worker.consumer.consumer"]
    assert names == wanted


def test_a_slip_in_a_logging_call_keeps_the_line() -> None:
    assert message_of(_record("shop", "%d orders", "many")) == "%d orders"


def _raised(depth: int) -> Exception:
    def fall(left: int) -> None:
        secret = SECRET + "-local"
        if left:
            fall(left - 1)
        assert secret
        raise ValueError("x" * 5000)

    try:
        try:
            fall(depth)
        except ValueError as error:
            message = "outer"
            raise KeyError(message) from error
    except KeyError as error:
        return error
    raise AssertionError


def test_an_error_is_short_whatever_was_raised() -> None:
    found = error_fields(_raised(900))
    assert len(str(found["message"])) <= LONGEST_ERROR
    assert len(str(found["stack_trace"])) <= LONGEST_STACK


def test_an_error_shows_its_cause_without_values() -> None:
    stack = str(error_fields(_raised(1))["stack_trace"])
    assert stack.startswith("KeyError\n")
    assert "caused by ValueError\n" in stack
    assert SECRET not in stack
    assert "xxxx" not in stack


@pytest.mark.parametrize("text", ["half \ud800 pair", "two\nlines", 'quote " \\', "\u2028", "\0", "ü" * 100])
def test_any_text_is_one_line_of_json(text: str) -> None:
    line = as_line({"message": text})
    assert line.count(b"\n") == 1
    assert json.loads(line)["message"] == text


def test_a_record_that_cannot_be_written_is_named_but_not_shown(tmp_path: Path) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError(SECRET)

    handler = JsonLines(Settings(), str(tmp_path / "log"), dict)
    handler.handle(_record("shop", Broken()))
    (line,) = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["message"] == "a record of shop, line 1, could not be written"
