"""The log's descriptor: nothing that happens to the file, its folder or its number fails or harms the application."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stackgen.app.parts.lines import JsonLines
from stackgen.app.parts.settings import Settings


def _handler(path: Path) -> JsonLines:
    return JsonLines(Settings(name="shop"), str(path), dict)


def _messages(path: Path) -> list[str]:
    return [json.loads(line)["message"] for line in path.read_text(encoding="utf-8").splitlines()]


def test_while_the_folder_is_away_the_old_file_is_written_and_then_the_new_one(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    handler = _handler(folder / "w.log")
    handler.event("info", "before", {})
    folder.rename(tmp_path / "away")
    handler.event("info", "during", {})
    folder.mkdir()
    end = time.monotonic() + 10
    while not (folder / "w.log").exists() and time.monotonic() < end:
        handler.event("info", "meanwhile", {})
    handler.event("info", "after", {})
    assert _messages(tmp_path / "away" / "w.log")[:2] == ["before", "during"]
    assert _messages(folder / "w.log")[-1] == "after"


def test_a_number_that_the_application_took_over_is_neither_written_nor_closed(tmp_path: Path) -> None:
    handler = _handler(tmp_path / "w.log")
    ours = handler._sink._file
    mine, other = socket.socketpair()
    with mine, other:
        os.dup2(mine.fileno(), ours)  # as after os.closerange
        handler.event("info", "said", {})
        (tmp_path / "w.log").rename(tmp_path / "w.log.1")
        handler.event("info", "said again", {})
        os.write(ours, b"the application's own")
        assert other.recv(4096) == b"the application's own"
        os.close(ours)
    assert _messages(tmp_path / "w.log.1") == ["said"]
    assert _messages(tmp_path / "w.log") == ["said again"]


def _started(tmp_path: Path, program: str, *, limit: str = "") -> list[str]:
    """What a program printed whose handler writes to w.log, one JSON line each."""
    head = (
        "import os, resource, sys\nfrom stackgen.app.parts.lines import JsonLines\n"
        f"from stackgen.app.parts.settings import Settings\n{limit}\nlog = JsonLines(Settings(), PATH, dict)\n"
    )
    paths = os.pathsep.join(path for path in sys.path if path)
    text = head.replace("PATH", repr(str(tmp_path / "folder" / "w.log"))) + program
    done = subprocess.run(
        [sys.executable, "-c", text],
        check=False,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [json.loads(line)["message"] for line in done.stdout.splitlines()]


def test_a_log_that_cannot_be_opened_falls_back_to_standard_output_says_why_and_tries_again(tmp_path: Path) -> None:
    program = (
        "log.event('info', 'one', {})\nos.mkdir(os.path.dirname(PATH))\nimport time\ntime.sleep(0.1)\n"
        "log.event('info', 'two', {})\n"
    )
    said = _started(tmp_path, program.replace("PATH", repr(str(tmp_path / "folder" / "w.log"))))
    assert said == [
        f"the log {tmp_path}/folder/w.log cannot be opened (No such file or directory): "
        "standard output is written until it can",
        "one",
    ]
    assert _messages(tmp_path / "folder" / "w.log") == ["two"]


def test_a_full_disk_leaves_whole_lines_and_then_says_how_many_were_lost(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    program = (
        "for i in range(30):\n    log.event('info', f'{i} ' + 'x' * 100, {})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\nlog.event('info', 'free again', {})\n"
    )
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 1 << 20))"
    assert _started(tmp_path, program, limit=limit) == []
    said = _messages(tmp_path / "folder" / "w.log")
    kept = [text for text in said if "x" in text]
    assert 5 < len(kept) < 30
    assert said[len(kept) :] == [
        f"{30 - len(kept)} records of this process could not be written: File too large",
        "free again",
    ]


def test_a_device_that_is_always_full_raises_nothing() -> None:
    handler = JsonLines(Settings(), "/dev/full", dict)
    for _ in range(3):
        handler.event("info", "text", {})
    assert handler._sink._lost == 3


def test_a_reader_that_is_slow_or_gone_does_not_fail_who_writes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    handler = _handler(tmp_path / "pipe")
    handler.event("info", "read", {})
    assert json.loads(os.read(reader, 65_536))["message"] == "read"
    os.close(reader)
    handler.event("info", "nobody reads", {})
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    handler.event("info", "read again", {})
    said = [json.loads(line)["message"] for line in os.read(reader, 65_536).splitlines()]
    os.close(reader)
    assert said == ["1 records of this process could not be written: Broken pipe", "read again"]


def test_a_soft_time_limit_inside_our_code_reaches_the_task(tmp_path: Path) -> None:
    from celery.exceptions import SoftTimeLimitExceeded  # type: ignore[import-untyped]

    def limit() -> dict[str, object]:
        raise SoftTimeLimitExceeded

    handler = JsonLines(Settings(), str(tmp_path / "w.log"), limit)
    with pytest.raises(SoftTimeLimitExceeded):
        handler.event("info", "text", {})
    assert signal.getsignal(signal.SIGXFSZ) is signal.SIG_IGN  # Python's own: a full file is an error, no signal
