"""Every saved search finds exactly the lines that it must, of all that real workers wrote, on every backend."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stackgen.catalog import registry
from stackgen.catalog.logs import insights, log_queries
from stackgen.catalog.logs.line import OFFSET
from stackgen.catalog.logs.log_queries import queries
from tests.logs import asked, taken
from tests.logs.asked import Test
from tests.logs.filter_pattern import compiled

TEXTS = taken.FILE.read_text(encoding="utf-8").splitlines()
LINES = [json.loads(text) for text in TEXTS]
KNOWN = [taken.known(line) for line in LINES]
BROKER_AWAY = KNOWN[-1]
FAILED = ("bad", "chained", "soft", "again", "endless", "killed")
TAKEN = ("good", "bad", "chained", "again", "again", "refused", "ignored", "soft", "soft_again", "soft_again")
FOUND = {
    "errors": {
        *(f"{task} task-failed" for task in FAILED),
        *("missing task-unknown", "None task-rejected", "Can't decode message body"),
        *("soft_again: too slow", "quits: the task is at its end", BROKER_AWAY),
        "Task handler raised error: 'TimeLimitExceeded: TimeLimitExceeded(1,)'",
        "Hard time limit (1s) exceeded for proj.endless[endless]",
        *(one for one in KNOWN if "(SIGKILL)" in one or "Worker exited prematurely" in one),
    },
    "received": {f"{task} task-received" for task in (*TAKEN, "endless", "quits", "killed")},
    "succeeded": {f"{task} task-succeeded" for task in ("good", "quits", "soft_again")},
    "failed": {f"{task} task-failed" for task in FAILED},
    "retried": {"again task-retried", "soft_again task-retried"},
    "revoked": {"expired task-revoked"},
    "rejected": {"refused task-rejected", "None task-rejected"},
    "unknown": {"missing task-unknown"},
    "lost": {"killed task-failed"},
    "soft-limit": {"soft task-failed", "soft_again task-retried"},
    "hard-limit": {"endless task-failed"},
    "all": set(KNOWN),
}
"""By id of a saved search: the lines that it must find, each as taken.known() calls it."""
READ = {"filebeat": asked.kql, "alloy": asked.logql, "cloudwatch": asked.insights}
TWICE = {"again task-received", "soft_again task-received"}
"""What happened twice: before and after a retry."""


def _found(test: Test) -> list[str]:
    return [known for line, known in zip(LINES, KNOWN, strict=True) if test(line)]


def test_every_saved_search_has_the_lines_that_it_must_find() -> None:
    assert set(FOUND) == {one.id for one in log_queries.SAVED}


@pytest.mark.parametrize("shipper", READ)
@pytest.mark.parametrize("saved", log_queries.SAVED, ids=lambda one: one.id)
def test_a_saved_search_finds_its_lines_and_no_other(saved: log_queries.LogQuery, shipper: str) -> None:
    (query,) = queries(saved, [shipper], "shop", "production")
    found = _found(READ[shipper](query.text))
    assert set(found) == FOUND[saved.id]
    assert {one for one in found if found.count(one) > 1} <= TWICE


@pytest.mark.parametrize("saved", [one for one in log_queries.SAVED if one.id != "all"], ids=lambda one: one.id)
def test_a_metric_filter_of_the_same_lines_matches_them(saved: log_queries.LogQuery) -> None:
    matches = compiled(insights.pattern(saved.filter))
    assert {known for text, known in zip(TEXTS, KNOWN, strict=True) if matches(text)} == FOUND[saved.id]


@pytest.mark.parametrize("one", ["soft", "endless", "killed"])
def test_an_incident_is_one_line_of_its_search(one: str) -> None:
    """Celery itself writes up to three more about it."""
    names = {"soft": "soft-limit", "endless": "hard-limit", "killed": "lost"}
    saved = next(query for query in log_queries.SAVED if query.id == names[one])
    found = _found(asked.kql(next(queries(saved, ["filebeat"], "shop", "production")).text))
    assert [known for known in found if known.startswith(f"{one} ")] == [f"{one} task-failed"]


def test_who_looks_why_no_worker_runs_finds_the_line_of_one_that_found_no_broker() -> None:
    signal = next(one for one in registry.signals().values() if one.alert == "CeleryNoWorkersRunning")
    offered = signal.log_queries or log_queries.BY_FAMILY[signal.family]
    assert LINES[-1]["log"]["level"] == "critical"
    assert BROKER_AWAY in {known for one in offered for known in FOUND[one.id]}


def test_another_stack_finds_nothing() -> None:
    for shipper, read in READ.items():
        (query,) = queries(log_queries.ALL, [shipper], "shop", "staging")
        assert len(_found(read(query.text))) == (len(LINES) if shipper == "cloudwatch" else 0)


def test_lines_of_one_millisecond_come_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    from tests.logs.stacks import made

    objects = [
        json.loads(text) for text in made(tmp_path, "{shippers: [filebeat]}")["logs/kibana/celery.ndjson"].splitlines()
    ]
    *sorts, refused = [one["attributes"]["sort"] for one in objects if one["type"] == "search"]
    assert sorts == [[["@timestamp", "desc"], [OFFSET.path, "desc"]]] * len(log_queries.SAVED)
    assert refused == [["@timestamp", "desc"]]


@pytest.mark.parametrize(
    ("read", "query"),
    [
        (asked.kql, 'a : "x" or b : "y"'),
        (asked.kql, "a : x*"),
        (asked.logql, '{service_name="shop"} | json'),
        (asked.logql, '{service_name="shop"} |= "x"'),
        (asked.logql, '{service_name!="shop"}'),
        (asked.insights, "fields @message | filter a like /x/"),
        (asked.insights, 'stats count(*) | filter a = "x"'),
    ],
)
def test_what_is_not_known_is_not_guessed(read: Callable[[str], Test], query: str) -> None:
    with pytest.raises(asked.NotKnown):
        read(query)


def test_a_sign_within_a_text_ends_nothing() -> None:
    line = {"a": 'x" and b : "y', "celery": {"task": {"name": "p | q, r"}}}
    assert asked.kql('a : "x\\" and b : \\"y"')(line)
    assert asked.logql('{service_name="shop"} | task="p | q, r"')({**line, "service": {"name": "shop"}})


@pytest.mark.slow
def test_the_workers_of_today_write_these_lines(tmp_path: Path) -> None:
    """Which lines come first is up to the pool; `(SIGKILL)` names a process."""

    def stable(names: list[str]) -> list[str]:
        return sorted(one for one in names if "(SIGKILL)" not in one and "Job: " not in one and "redis://" not in one)

    assert stable([taken.known(line) for line in taken.take(tmp_path)]) == stable(KNOWN)
