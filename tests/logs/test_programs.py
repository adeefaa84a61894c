"""The shippers' and backends' own programs are asked about the written files, where they are on the machine."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from stackgen.verify.written import shippers

ASKED: Mapping[str, tuple[str, str]] = {
    "logs/filebeat/filebeat.yml": (
        "STACKGEN_FILEBEAT",
        "test config -c logs/filebeat/filebeat.yml --strict.perms=false",
    ),
    "logs/alloy/config.alloy": ("STACKGEN_ALLOY", "validate {path}"),
    "logs/loki/loki.yaml": ("STACKGEN_LOKI", "-verify-config -config.file={path}"),
    "logs/cloudwatch/amazon-cloudwatch-agent.json": (
        "STACKGEN_CONFIG_TRANSLATOR",
        "-input logs/cloudwatch/amazon-cloudwatch-agent.json -output",
    ),
}


def test_every_program_is_asked_here() -> None:
    assert set(ASKED) == set(shippers.PROGRAMS)


@pytest.mark.parametrize("path", ASKED)
def test_a_program_on_the_machine_is_asked(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variable, arguments = ASKED[path]
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "Error: $* said no" >&2\nexit 1\n', encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv(variable, str(program))
    (found,) = shippers.asked(tmp_path, [path])
    assert found.message.startswith(f"Error: {arguments.format(path=path)}")
    program.write_text("#!/bin/sh\necho fine\n", encoding="utf-8")
    assert shippers.asked(tmp_path, [path]) == []


def test_without_a_program_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, _ in ASKED.values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shippers.asked(tmp_path, list(ASKED)) == []
