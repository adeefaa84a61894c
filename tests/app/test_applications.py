"""Applications as people write them, with real workers: what they do under plain Celery they do beside our file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.app.workers import celery, lines, start_sending, wait_until, worker, write_module
from tests.flower.redis_server import redis_server

pytestmark = pytest.mark.slow

HEAD = """\
import logging, logging.config, os, sys
from celery import Celery
app = Celery("proj", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
"""
SETUP = "from celery_monitoring import setup\nsetup(app)\n"
# As most projects write it: without `disable_existing_loggers`, which then is true.
DJANGO = """
def django_setup():
    logging.config.dictConfig({
        "version": 1,
        "formatters": {"plain": {"format": "%(levelname)s %(message)s"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {"django": {"handlers": ["console"], "propagate": False}},
    })
"""
BAD = """
@app.task
def bad(number):
    raise ValueError("declined")
@app.task
def last():
    pass
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as address:
        yield address


@pytest.fixture
def broker(server: str) -> str:
    """An empty broker: a worker that ends gives back what it had not run, and the next one would run it."""
    Redis.from_url(server).flushall()
    return server


def _ran(folder: Path, broker: str, text: str, sends: str, *options: str, app: str = "{}") -> list[dict[str, Any]]:
    """The lines of a worker that has run what was sent, and then proj.last."""
    if not (folder / "proj.py").exists():
        write_module(folder, app)
        (folder / "proj.py").write_text(text, encoding="utf-8")
    start_sending(folder, broker, f"from proj import *\n{sends}\nlast.delay()\n")
    with worker(folder, broker, "-P", "solo", *options):
        wait_until(folder / "out.txt", "proj.last succeeded")
    return lines((folder / "out.txt").read_text(encoding="utf-8"))


def _failures(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    failed = [line for line in found if line["event"].get("action") == "task-failed"]
    return [(line["celery"]["task"]["name"], line["error"]["type"]) for line in failed]


@pytest.mark.parametrize(
    "when",
    [
        "django_setup()\n" + SETUP,
        SETUP + "django_setup()\n",
        SETUP + "from celery import signals\n@signals.worker_ready.connect\ndef late(**_): django_setup()\n",
        SETUP + "from celery import signals\n@signals.task_prerun.connect\ndef late(**_): django_setup()\n",
        SETUP + "logging.disable(logging.CRITICAL)\n",
    ],
    ids=["before", "after", "when ready", "in a task", "disabled"],
)
def test_a_failure_is_written_whatever_the_application_does_to_logging(broker: str, tmp_path: Path, when: str) -> None:
    text = HEAD + DJANGO + when + BAD
    assert (
        _failures(_ran(tmp_path, broker, text, "for n in range(3): bad.delay(n)")) == [("proj.bad", "ValueError")] * 3
    )


STREAMS = """
@app.task
def raw():
    sys.stdout.buffer.write(b"raw \\xff bytes\\n")
    sys.stdout.buffer.flush()
    return [sys.stdout.encoding.lower(), sys.stdout.writable(), sys.stdout.fileno(), sys.stdout.closed]
@app.task
def same():
    return [sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__]
@app.task
def half():
    print("half a line", end="")
    print("an error", end="", file=sys.stderr)
@app.task
def last():
    print("of the last task")
"""
RESULTS = """
import json
answers = [(r.get(timeout=20), r.state) for r in [raw.delay(), same.delay()]]
open("answers.json", "w").write(json.dumps(answers))
"""


@pytest.mark.parametrize("redirected", [True, False])
def test_tasks_write_bytes_and_text_to_complete_streams(broker: str, tmp_path: Path, redirected: bool) -> None:
    text = f"{HEAD}app.conf.worker_redirect_stdouts = {redirected}\n{SETUP}{STREAMS}"
    write_module(tmp_path)
    (tmp_path / "proj.py").write_text(text, encoding="utf-8")
    sender = start_sending(tmp_path, broker, f"from proj import *\n{RESULTS}", wait=False)
    with worker(tmp_path, broker, "-P", "solo"):
        assert sender.wait(30) == 0
    ((raw, _), (same, _)) = json.loads((tmp_path / "answers.json").read_text(encoding="utf-8"))
    assert raw == ["utf-8", True, 1, False]
    assert same == [not redirected] * 2
    out = (tmp_path / "out.txt").read_bytes()
    assert (b"raw \xff bytes\n" in out) == (not redirected)
    assert (rb'"message":"raw \\xff bytes"' in out) == redirected


def test_text_without_a_line_end_stays_with_its_task(broker: str, tmp_path: Path) -> None:
    found = _ran(tmp_path, broker, HEAD + SETUP + STREAMS, "half.delay()")
    printed = [line for line in found if line["log"].get("logger") == "celery.redirected"]
    assert [(line["message"], line["celery"]["task"]["name"]) for line in printed] == [
        ("half a line", "proj.half"),
        ("an error", "proj.half"),
        ("of the last task", "proj.last"),
    ]


@pytest.mark.parametrize(
    ("options", "conf", "shown"),
    [
        ((), "", {"of the last task", "task proj.last succeeded"}),
        ((), "app.conf.worker_redirect_stdouts_level = 'DEBUG'\n", {"task proj.last succeeded"}),
        (("-l", "DEBUG"), "", {"of the last task", "task proj.last started", "task proj.last succeeded"}),
    ],
)
def test_celerys_own_settings_say_what_is_written(
    broker: str, tmp_path: Path, options: tuple[str, ...], conf: str, shown: set[str]
) -> None:
    found = _ran(tmp_path, broker, HEAD + conf + SETUP + STREAMS, "", *options)
    assert {
        line["message"] for line in found if "last" in line["message"] and "received" not in line["message"]
    } == shown


def test_the_level_of_the_command_line_wins_and_its_file_too(broker: str, tmp_path: Path) -> None:
    write_module(tmp_path)
    (tmp_path / "proj.py").write_text(HEAD + SETUP + BAD, encoding="utf-8")
    start_sending(tmp_path, broker, "from proj import *\nlast.delay()\nbad.delay(1)\n")
    with worker(tmp_path, broker, "-l", "ERROR", "-f", "%n-%i.log", "-c", "1"):
        text = wait_until(tmp_path / "celery-1.log", "proj.bad failed")
    assert [line["message"] for line in lines(text)] == ["task proj.bad failed"]
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == ""


def test_the_applications_handlers_stay_where_celery_may_not_take_the_root_logger(broker: str, tmp_path: Path) -> None:
    kept = (
        "app.conf.worker_hijack_root_logger = False\nlogging.getLogger().addHandler(logging.FileHandler('own.txt'))\n"
    )
    talks = "@app.task\ndef last():\n    logging.getLogger('shop').warning('told both')\n"
    found = _ran(tmp_path, broker, HEAD + kept + SETUP + talks, "")
    assert [line["message"] for line in found if line["log"].get("logger") == "shop"] == ["told both"]
    assert "told both" in (tmp_path / "own.txt").read_text(encoding="utf-8")


FIELDS = """
import structlog, loguru
structlog.configure(
    processors=[structlog.contextvars.merge_contextvars, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(), wrapper_class=structlog.stdlib.BoundLogger)
class Propagate(logging.Handler):
    def emit(self, record):
        logging.getLogger(record.name).handle(record)
loguru.logger.remove()
loguru.logger.add(Propagate(), format="{message}")
@app.task
def last():
    logging.getLogger("shop").warning("extra", extra={"order_id": 7, "card": "canary-hunter2", "user": ["x"]})
    logging.getLogger("shop").warning({"message": "mapping", "order_id": 8, "card": "canary-hunter2"})
    logging.getLogger("shop").warning({"order_id": 9, "card": "canary-hunter2"})
    structlog.get_logger("shop").warning("structlog", order_id=10, card="canary-hunter2")
    loguru.logger.bind(order_id=11, card="canary-hunter2").warning("loguru")
    try:
        raise ValueError("declined")
    except ValueError:
        structlog.get_logger("shop").exception("with an error", user="u")
"""


def test_allowed_fields_of_the_application_are_labels_and_no_others(broker: str, tmp_path: Path) -> None:
    found = _ran(tmp_path, broker, HEAD + SETUP + FIELDS, "", app="{logs: {allow_fields: [order_id, user]}}")
    own = [line for line in found if line["log"]["level"] in ("warning", "error") and "celery" in line]
    assert [(line["message"], line.get("labels")) for line in own] == [
        ("extra", {"order_id": "7", "user": "<list>"}),
        ("mapping", {"order_id": "8"}),
        ("order_id, card", {"order_id": "9"}),
        ("structlog", {"order_id": "10"}),
        ("loguru", {"order_id": "11"}),
        ("with an error", {"user": "u"}),
    ]
    assert own[-1]["error"]["type"] == "ValueError"
    assert "canary-hunter2" not in json.dumps(found)


def test_what_windows_has_not_is_said_once_and_tasks_run(broker: str, tmp_path: Path) -> None:
    lacking = "sys.modules.update(dict.fromkeys(('fcntl', 'resource', 'pwd', 'grp', 'termios')))\n"
    found = _ran(tmp_path, broker, HEAD + lacking + SETUP + BAD, "bad.delay(1)")
    assert _failures(found) == [("proj.bad", "ValueError")]
    assert len([line for line in found if line["message"].startswith("no locks here")]) == 1


def test_what_beat_prints_before_it_logs_goes_to_standard_error(broker: str, tmp_path: Path) -> None:
    write_module(tmp_path)
    (tmp_path / "proj.py").write_text(HEAD + SETUP + BAD, encoding="utf-8")
    with celery(tmp_path, broker, "beat"):
        wait_until(tmp_path / "out.txt", "beat: Starting")
    assert lines((tmp_path / "out.txt").read_text(encoding="utf-8"))
    assert "celery beat v" in (tmp_path / "err.txt").read_text(encoding="utf-8")


def test_a_message_whose_headers_are_anything_is_one_line_of_known_fields(broker: str, tmp_path: Path) -> None:
    strange = """
for headers in ({"retries": "0\\tx"}, {"celery_monitoring_sent": float("nan")}, {"celery_monitoring_sent": 10**400},
                {"root_id": "\\n" * 1000}, {"parent_id": {"a": 1}}):
    message = app.amqp.as_task_v2("id", "proj.last", (), {})
    with app.pool.acquire(block=True) as connection:
        connection.Producer().publish(message.body, routing_key="celery", serializer="json",
                                      headers={**message.headers, **headers}, **message.properties)
"""
    found = _ran(tmp_path, broker, HEAD + SETUP + BAD, strange)
    from tests.logs.judge import wrong_fields

    assert {wrong for line in found for wrong in wrong_fields(line)} == set()
    assert [line for line in found if "Signal handler" in line["message"]] == []


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_an_exception_without_a_text_is_a_failure_like_any_other(broker: str, tmp_path: Path, pool: str) -> None:
    text = (
        HEAD
        + SETUP
        + BAD
        + (
            "class Mute(Exception):\n    def __str__(self):\n        raise RuntimeError('no text')\n"
            "@app.task\ndef mute():\n    raise Mute()\n"
        )
    )
    found = _ran(tmp_path, broker, text, "mute.delay()", "-P", pool, "-c", "1")
    assert ("proj.mute", "Mute") in _failures(found)


def test_a_task_takes_at_most_half_of_the_2100_bytes_it_once_took(broker: str, tmp_path: Path) -> None:
    found = _ran(tmp_path, broker, HEAD + SETUP + BAD, "for n in range(20): last.delay()")
    own = [line for line in found if line.get("celery", {}).get("task", {}).get("name") == "proj.last"]
    size = sum(len(json.dumps(line, separators=(",", ":"))) + 1 for line in own)
    assert size / 21 < 1_050
