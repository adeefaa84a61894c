"""The end-to-end test's own tools: the judge sees each planted fault, and the follower reads as shippers do."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.logs.follower import Follower
from tests.logs.judge import Event, events, parsed, tally, wrong_fields
from tests.logs.runs import plan, rotate, written

LINE: dict[str, Any] = {
    "@timestamp": "2026-11-22T10:00:00.123Z",
    "message": "task proj.good failed",
    "log": {"level": "error"},
    "process": {"pid": 12},
    "event": {"action": "task-failed", "duration": 5},
    "celery": {"task": {"name": "proj.good", "id": "a", "retries": 0, "wait_seconds": 1, "arguments": {"x": "1"}}},
}


def _lines(*events: Event) -> list[bytes]:
    made = []
    for one in events:
        task = {"task": {"id": one.task, "retries": one.attempt}}
        made.append(json.dumps({"event": {"action": one.action}, "celery": task}).encode())
    return made


def _sent() -> list[Event]:
    return sorted(written(plan({"first": "prefork"})))


def test_what_is_read_once_is_exact() -> None:
    sent = [one for one in _sent() if one.action.startswith("task-")]
    held = tally(sent, events(parsed(_lines(*sent))))
    assert (held.written, held.read, held.exact) == (len(sent), len(sent), True)


def test_a_line_that_is_left_out_is_lost() -> None:
    sent = [one for one in _sent() if one.action.startswith("task-")]
    held = tally(sent, events(parsed(_lines(*sent[:7], *sent[8:]))))
    assert (held.lost, held.duplicated, held.exact) == ((sent[7],), (), False)


def test_a_line_that_is_read_twice_is_duplicated() -> None:
    sent = [one for one in _sent() if one.action.startswith("task-")]
    held = tally(sent, events(parsed(_lines(*sent, sent[3]))))
    assert (held.lost, held.duplicated, held.exact) == ((), (sent[3],), False)


def test_an_event_that_no_task_can_have_written_is_strange() -> None:
    stranger = Event("first-steps-001", 0, "task-failed")
    assert tally(_sent(), [*_sent(), stranger]).strange == (stranger,)


def test_a_torn_line_is_no_json() -> None:
    with pytest.raises(AssertionError, match="not JSON"):
        parsed([b'{"a": 1}{"b"', b": 2}"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("secret", "x"),
        ("event.actions", "task-failed"),
        ("@timestamp", "2026-11-22T10:00:00"),
        ("message", 1),
        ("message", None),
        ("process.pid", "12"),
        ("process.pid", True),
        ("event.outcome", [1]),
        ("celery.task.wait_seconds", "1"),
        ("celery.task.arguments", {"x": {"y": "1"}}),
        ("celery.task", "proj.good"),
    ],
)
def test_a_wrong_field_is_found(name: str, value: object) -> None:
    assert wrong_fields(LINE) == []
    line = json.loads(json.dumps(LINE))
    *parents, last = name.split(".")
    place = line
    for parent in parents:
        place = place[parent]
    place[last] = value
    assert wrong_fields(line) != []


def _write(file: int, text: str) -> None:
    os.write(file, text.encode())


def test_a_renamed_file_is_read_to_its_end_beside_the_new_one(tmp_path: Path) -> None:
    follower, path = Follower(tmp_path), tmp_path / "w.log"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    old = os.open(path, flags)
    _write(old, "one\ntw")
    follower.look()
    assert (follower.lines, follower.unfinished()) == ([b"one"], [b"tw"])
    rotate(tmp_path)
    new = os.open(path, flags)
    _write(new, "four\n")
    _write(old, "o\nthree\n")
    follower.look()
    rotate(tmp_path)
    _write(old, "five\n")
    follower.look()
    assert sorted(follower.lines) == [b"five", b"four", b"one", b"three", b"two"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.log.1", "w.log.2"]
    for file in (old, new):
        os.close(file)
    follower.close()


def test_a_deleted_file_is_read_to_its_end(tmp_path: Path) -> None:
    follower, path = Follower(tmp_path), tmp_path / "w.log"
    with path.open("wb", buffering=0) as file:
        file.write(b"one\n")
        follower.look()
        path.unlink()
        file.write(b"two\n")
    follower.look()
    assert follower.lines == [b"one", b"two"]
    follower.close()


class _LetsGo(Follower):
    """A shipper that lets a file go as soon as it has another name (Filebeat: close.on_state_change.removed)."""

    def look(self) -> None:
        """Forgets what is not found under its first name any more."""
        names = {(found.st_dev, found.st_ino) for found in map(os.stat, self._folder.glob("*.log"))}
        for gone in self._open.keys() - names:
            os.close(self._open.pop(gone))
        super().look()


def test_a_shipper_that_lets_renamed_files_go_would_lose_lines(tmp_path: Path) -> None:
    follower, path = _LetsGo(tmp_path, "*.log"), tmp_path / "w.log"
    with path.open("wb", buffering=0) as file:
        file.write(b"one\n")
        follower.look()
        rotate(tmp_path)
        file.write(b"two\n")
    follower.look()
    assert follower.lines == [b"one"]
    follower.close()
