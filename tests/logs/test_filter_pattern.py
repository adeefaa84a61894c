"""The patterns of the signals on real lines, and the evaluator that judges it on lines of all kinds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from stackgen.catalog import registry
from stackgen.catalog.logs import insights, line
from stackgen.catalog.logs.log_filter import LogFilter
from tests.app.workers import lines, send, wait_until, worker, write_module, write_project
from tests.flower.redis_server import redis_server
from tests.logs.filter_pattern import NotAPattern, compiled

LOGGED = {name: one for name, one in registry.signals().items() if one.log_count}
LINE = (
    '{"@timestamp": "2026-11-22T13:00:00.123Z", "a": {"b-c": "x", "n": 7, "list": [{"d": "y"}], "no": null, "t": true}}'
)
MATCH = (
    '{ $.a.b-c = "x" }',
    "{ $.a.b-c = x* }",
    "{ $.a.b-c = * }",
    "{ $.a.n >= 7 }",
    '{ ($.a.b-c = "x") && ($.a.n = 7) }',
    "{ $.a.n = 8 || $.a.n = 7 && $.a.t IS TRUE }",
    '{ $.a.list[0].d = "y" }',
    "{ $.a.no IS NULL }",
    "{ $.a.gone NOT EXISTS }",
    '{ $.a.b-c != "z" }',
)
NO_MATCH = (
    '{ $.a.b-c = "X" }',
    '{ $.a.b = "x" }',
    '{ $.a = "x" }',
    "{ $.a.n > 7 }",
    '{ $.a.gone != "x" }',
    '{ ($.a.b-c = "x") && ($.a.n = 8) }',
    '{ $.a.list[1].d = "y" }',
    "{ $.a.gone IS NULL }",
)
WRONG = ('$.a = "x"', "{ $.a }", '{ $.a = "x" &&', "{ }", "{ ($.a = 1 }", '{ $.@timestamp = "x" }', '{ $.a > "x" }')
HOSTILE = ('say "hi"', "a\\b", "a && b", "tasks.ü", "} || { $.a = *", "a\nb")


@pytest.mark.parametrize("pattern", MATCH)
def test_a_pattern_matches(pattern: str) -> None:
    assert compiled(pattern)(LINE)


@pytest.mark.parametrize("pattern", NO_MATCH)
def test_a_pattern_does_not_match(pattern: str) -> None:
    assert not compiled(pattern)(LINE)


@pytest.mark.parametrize("pattern", WRONG)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(NotAPattern):
        compiled(pattern)


def test_what_is_no_object_matches_nothing() -> None:
    assert not any(compiled("{ $.a NOT EXISTS }")(text) for text in ("", "Traceback", "[1]", "7"))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_matches_itself_and_nothing_else(name: str) -> None:
    matches = compiled(insights.pattern(LogFilter(((line.TASK, (name,)),))))
    found = [one for one in (*HOSTILE, "x") if matches(json.dumps({"celery": {"task": {"name": one}}}))]
    assert found == [name]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_inside_its_quotes_in_a_query(name: str) -> None:
    query = insights.query(LogFilter(((line.TASK, (name,)),)), most=5)
    start, end = (
        "fields @timestamp, celery.task.name, celery.task.id, error.type, @message | filter celery.task.name = ",
        5,
    )
    quoted = query.removeprefix(start).removesuffix(f" | sort @timestamp desc | limit {end}")
    assert json.loads(quoted) == name


def test_no_field_needs_backticks_in_a_query() -> None:
    plain = [field.path.lstrip("@").replace(".", "").replace("_", "") for field in line.FIELDS]
    assert all(name.isalnum() and name.isascii() for name in plain)


KILLED = """
import os, signal
@app.task
def killed():
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines of a real worker: tasks that end in every way, one that takes its process with it, one unknown."""
    folder = tmp_path_factory.mktemp("worker")
    with redis_server(folder) as broker:
        write_module(folder)
        write_project(folder, more=KILLED)
        send(folder, broker)
        environment = {**os.environ, "BROKER": broker, "PYTHONPATH": ""}
        command = [sys.executable, "-c", "import proj; proj.killed.delay()"]
        subprocess.run(command, cwd=folder, env=environment, check=True, timeout=30)
        with worker(folder, broker, "-P", "prefork"):
            ends = ("good succeeded", "bad failed", "again failed", "missing unknown", "strange failed", "decode")
            wait_until(folder / "out.txt", *ends, "task proj.killed failed", "Task handler raised error")
        return (folder / "out.txt").read_text(encoding="utf-8").splitlines()


def _is(one: dict[str, Any], action: str) -> bool:
    """The same question to the parsed line, without any language."""
    return bool(one["event"].get("action") == action)


MEANT: dict[str, Callable[[dict[str, Any]], bool]] = {
    "log_failures": lambda one: _is(one, "task-failed"),
    "log_unregistered": lambda one: _is(one, "task-unknown"),
    "log_worker_lost": lambda one: one["message"] == "task proj.killed failed",
}


def _counted(name: str) -> LogFilter:
    count = LOGGED[name].log_count
    assert count
    return count.filter


@pytest.mark.slow
@pytest.mark.parametrize("name", MEANT)
def test_a_signals_pattern_matches_its_real_lines_and_no_other(name: str, written: list[str]) -> None:
    matches = compiled(insights.pattern(_counted(name)))
    meant = [text for text, one in zip(written, lines("\n".join(written)), strict=True) if MEANT[name](one)]
    assert [text for text in written if matches(text)] == meant != []


@pytest.mark.slow
@pytest.mark.parametrize("name", MEANT)
def test_each_matched_line_has_the_fields_that_become_dimensions(name: str, written: list[str]) -> None:
    question = _counted(name)
    matches, every = compiled(insights.pattern(question)), compiled(insights.pattern(LogFilter(())))
    has = [compiled(f"{{ {insights.selector(field)} = * }}") for field in question.by]
    assert all(every(text) and all(one(text) for one in has) for text in written if matches(text))


def test_every_counted_signal_is_tried_on_real_lines() -> None:
    assert {name for name, signal in LOGGED.items() if signal.log_count and signal.log_count.window} == set(MEANT)
