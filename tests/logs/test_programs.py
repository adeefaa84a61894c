"""The shippers' and backends' own programs are asked about the written files, where they are on the machine."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from stackgen.artefact import Check
from stackgen.verify import log_programs

ASKED: Mapping[Check, tuple[str, str]] = {
    "filebeat": ("STACKGEN_FILEBEAT", "test config -c a.file --strict.perms=false"),
    "alloy": ("STACKGEN_ALLOY", "validate a.file"),
    "loki": ("STACKGEN_LOKI", "-verify-config -config.file=a.file"),
    "cloudwatch": ("STACKGEN_CONFIG_TRANSLATOR", "-input a.file -output"),
}


def test_every_program_is_asked_here() -> None:
    assert set(ASKED) == set(log_programs.CHECKS)


@pytest.mark.parametrize("check", ASKED)
def test_a_program_on_the_machine_is_asked(check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variable, arguments = ASKED[check]
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "Error: $* said no" >&2\nexit 1\n', encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv(variable, str(program))
    (found,) = log_programs.problems(tmp_path, {check: ["a.file"]})
    assert found.message.startswith(f"Error: {arguments}")
    program.write_text("#!/bin/sh\necho fine\n", encoding="utf-8")
    assert log_programs.problems(tmp_path, {check: ["a.file"]}) == []


def test_without_a_program_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, _ in ASKED.values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert log_programs.problems(tmp_path, {check: ["a.file"] for check in ASKED}) == []
