"""A real worker's log, rotated while tasks run and processes die, reaches a reader exactly once and tells no secret."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.flower.redis_server import redis_server
from tests.logs import runs
from tests.logs.judge import parsed, wrong_fields
from tests.logs.runs import Run

pytestmark = pytest.mark.slow

POOLS = {"first": "prefork", "second": "prefork", "third": "threads"}
"""The two of prefork write into one file."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("end-to-end")
    with redis_server(folder) as broker:
        return runs.run(folder, broker, POOLS, shared="prefork")


def test_every_event_is_read_exactly_once(ran: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{runs.table(ran)}")
    assert ran.tally.exact, ran.tally


def test_files_were_renamed_while_tasks_ran(ran: Run) -> None:
    busy = [name for name, text in ran.files.items() if b"task-received" in text]
    assert len(busy) >= 5, f"{ran.rotations} times, {busy}"


def test_processes_died_and_each_was_told_once(ran: Run) -> None:
    failed = [line for line in parsed(ran.lines) if line["event"].get("action") == "task-failed"]
    lost = [line for line in failed if line["error"]["type"] == "WorkerLostError"]
    assert len(lost) == 2 * runs.CRASHES


def test_every_line_of_the_files_is_read_once(ran: Run) -> None:
    assert Counter(ran.written.splitlines()) == Counter(ran.lines)


def test_every_field_is_declared_and_of_its_type(ran: Run) -> None:
    assert {wrong for line in parsed(ran.lines) for wrong in wrong_fields(line)} == set()


def test_no_argument_result_or_password_is_in_the_files(ran: Run) -> None:
    assert runs.CANARY.encode() not in ran.written
