"""Each fault of the workers' log files is named, with its fix; a healthy file has none."""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from stackgen import pipeline
from stackgen.app.parts.lines import JsonLines
from stackgen.app.parts.settings import Settings
from stackgen.cli import main
from stackgen.doctor.examine import Asked, examine
from stackgen.doctor.finding import Finding
from stackgen.resolve.plan import Plan
from tests.conftest import REPOSITORY

STACK = """\
version: 1
stack: {{name: shop}}
celery: {{app: config, broker: {{kind: redis}}}}
queues: {{celery: }}
outputs: [logs]
{more}
"""


def _plan(folder: Path, more: str = "") -> Plan:
    stack = folder / "stack.yaml"
    stack.write_text(STACK.format(more=more))
    return pipeline.prepare(stack).plan


def _healthy(folder: Path, name: str = "w.log", *, stack: str = "shop") -> Path:
    """One line of the real handler."""
    file = folder / name
    handler = JsonLines(Settings(name=stack, environment="production"), str(file), dict)
    handler.emit(logging.LogRecord("celery.worker", logging.INFO, "", 1, "ready", (), None))
    return file


def _found(plan: Plan, where: Path | str) -> list[Finding]:
    return [one for one in examine(plan, Asked(logs=str(where))) if one.rule.startswith("log-")]


def _rules(plan: Plan, where: Path | str) -> list[str]:
    return [one.rule for one in _found(plan, where)]


def _changed(file: Path, **fields: object) -> None:
    line = json.loads(file.read_text())
    file.write_text(json.dumps({**line, **fields}) + "\n")


@pytest.mark.parametrize("where", ["", "*.log", "w.log"])
def test_a_healthy_file_has_no_fault(where: str, tmp_path: Path) -> None:
    _healthy(tmp_path)
    assert _found(_plan(tmp_path), f"{tmp_path}/{where}") == []


def test_nothing_is_looked_at_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert examine(_plan(tmp_path), Asked()) == []


@pytest.mark.parametrize(
    "more",
    [
        "logs: {{shippers: [filebeat], path: /in/container/*.log, host_folder: {folder}}}",
        "logs: {{shippers: [filebeat], path: '{folder}/*.log'}}",
        "app: {{logs: {{path: '{folder}/w.log'}}}}",
    ],
)
def test_alone_it_looks_where_stack_yaml_says(more: str, tmp_path: Path) -> None:
    plan = _plan(tmp_path, more.format(folder=tmp_path))
    assert _rules(plan, "") == ["log-missing"]
    _healthy(tmp_path)
    assert _rules(plan, "") == []


def test_a_stack_that_names_no_files_says_so(tmp_path: Path) -> None:
    (found,) = _found(_plan(tmp_path), "")
    assert found.what == "stack.yaml does not say where the log files are"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    (found,) = _found(_plan(tmp_path), tmp_path / "w.log")
    assert (found.rule, found.what) == ("log-missing", f"no file is named {tmp_path}/w.log")


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Root may read everything, so the test gives that up for a while."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_an_unreadable_file_is_told() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        plan = _plan(folder)
        _healthy(folder).chmod(0)
        with _as_nobody():
            assert _rules(plan, folder) == ["log-unreadable"]


def test_a_file_that_everybody_may_read_is_told(tmp_path: Path) -> None:
    _healthy(tmp_path).chmod(0o644)
    assert _rules(_plan(tmp_path), tmp_path) == ["log-open"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[2026-11-22 10:00:00,123: INFO/MainProcess] celery@host ready.", "is Celery's own format"),
        ("Traceback (most recent call last):", "is no JSON object"),
        ('["canary"]', "is no JSON object"),
        ('{"canary": ', "is no JSON object"),
    ],
)
def test_a_line_that_is_no_json_object_is_told_without_its_text(line: str, said: str, tmp_path: Path) -> None:
    file = _healthy(tmp_path)
    file.write_text(f"{file.read_text()}{line}\n")
    (found,) = _found(_plan(tmp_path), tmp_path)
    assert (found.rule, found.what) == ("log-format", f"the newest line of {file} {said}")


def test_fields_that_are_not_ours_are_told_by_their_names(tmp_path: Path) -> None:
    _changed(_healthy(tmp_path), task_id="canary", event={"actoin": "canary"})
    (found,) = _found(_plan(tmp_path), tmp_path)
    assert found.rule == "log-fields"
    assert found.what.endswith("has fields that no line of ours has: event.actoin, task_id")


def test_lines_of_another_stack_are_told(tmp_path: Path) -> None:
    _healthy(tmp_path, stack="other")
    (found,) = _found(_plan(tmp_path), tmp_path)
    assert found.what.endswith("service.name is not 'shop', by which every query selects")


def _old(file: Path, seconds: int) -> None:
    moment = datetime.fromtimestamp(time.time() - seconds, UTC)
    _changed(file, **{"@timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")})


def test_a_stale_file_is_told(tmp_path: Path) -> None:
    plan, file = _plan(tmp_path), _healthy(tmp_path)
    _old(file, 600)
    assert _found(plan, tmp_path) == []
    _old(file, 1800)
    (found,) = _found(plan, tmp_path)
    assert found.rule == "log-stale"
    assert found.what.startswith(f"the newest line of {file} is 30m")
    assert found.what.endswith("old, more than 15m")


def test_a_line_without_its_time_is_told(tmp_path: Path) -> None:
    _changed(_healthy(tmp_path), **{"@timestamp": "noon"})
    assert _rules(_plan(tmp_path), tmp_path) == ["log-fields"]


def test_empty_files_are_stale(tmp_path: Path) -> None:
    for name in ("a.log", "b.log"):
        (tmp_path / name).touch(mode=0o640)
    assert _rules(_plan(tmp_path), tmp_path) == ["log-stale"]


def test_a_line_that_is_being_written_is_not_looked_at(tmp_path: Path) -> None:
    file = _healthy(tmp_path)
    file.write_text(file.read_text() + '{"@timestamp": "20')
    assert _found(_plan(tmp_path), tmp_path) == []


def test_a_file_that_is_empty_after_rotation_gives_way_to_the_next(tmp_path: Path) -> None:
    old, new = _healthy(tmp_path), tmp_path / "x.log"
    new.touch(mode=0o640)
    os.utime(old, (1, 1))
    assert _found(_plan(tmp_path), tmp_path) == []


def test_the_threshold_and_the_alerts_are_those_of_the_stack(tmp_path: Path) -> None:
    plan = _plan(tmp_path, "logs: {shippers: [alloy]}\nthresholds: {log_silence: {warning: 1h}}")
    file = _healthy(tmp_path)
    _old(file, 1800)
    assert _found(plan, tmp_path) == []
    _old(file, 7200)
    (found,) = _found(plan, tmp_path)
    assert found.what.endswith("old, more than 1h")
    assert "CeleryLogsMissing" in found.alerts


def test_the_command_says_it_as_text_and_as_json(tmp_path: Path) -> None:
    stack = REPOSITORY / "stack.yaml"
    asked = ["doctor", "--stack", str(stack), "--output", str(tmp_path), "--logs", str(tmp_path)]
    text, data = (CliRunner().invoke(main, [*asked, "--format", style]) for style in ("text", "json"))
    assert f"log-missing: no file is named {tmp_path}/*.log\n" in text.stdout
    assert "log-missing" in [one["rule"] for one in json.loads(data.stdout)]
    assert (text.exit_code, data.exit_code) == (1, 1)
