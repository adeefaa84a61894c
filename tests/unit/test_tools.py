"""verify/tools.py against real programs of every Linux machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stackgen.problem import ToolMissing
from stackgen.verify.tools import TIMED_OUT, Completed, find, run

PYTHON = Path(sys.executable)


def test_the_environment_names_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKGEN_SOME_TOOL", str(PYTHON))
    assert find("some-tool") == PYTHON


def test_a_wrong_name_in_the_environment_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKGEN_PROMTOOL", "/nowhere/promtool")
    with pytest.raises(ToolMissing, match="STACKGEN_PROMTOOL is '/nowhere/promtool', which is not a program"):
        find("promtool")


def test_the_path_is_searched_last() -> None:
    assert find("env").name == "env"


def test_a_missing_program_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STACKGEN_NO_SUCH_TOOL", raising=False)
    with pytest.raises(ToolMissing, match="run `make tools`, or set STACKGEN_NO_SUCH_TOOL to its path"):
        find("no-such-tool")


def test_a_program_is_run_in_its_folder_without_a_shell(tmp_path: Path) -> None:
    done = run(PYTHON, "-c", "import os, sys; print(os.getcwd(), sys.argv[1])", "$HOME *", cwd=tmp_path)
    assert done == Completed(0, f"{tmp_path} $HOME *\n", "")


def test_a_failing_program_keeps_its_words(tmp_path: Path) -> None:
    assert run(PYTHON, "-c", "import sys; sys.exit('no\\xff')", cwd=tmp_path) == Completed(1, "", "noÿ\n")


def test_a_program_has_no_input(tmp_path: Path) -> None:
    assert run(PYTHON, "-c", "import sys; print(repr(sys.stdin.read()))", cwd=tmp_path).out == "''\n"


def test_a_program_out_of_time_has_failed(tmp_path: Path) -> None:
    code = "import time; print('begun', flush=True); time.sleep(60)"
    done = run(PYTHON, "-c", code, cwd=tmp_path, timeout_seconds=1)
    assert done == Completed(TIMED_OUT, "begun\n", f"{PYTHON.name}: no answer after 1 s\n")


def test_a_file_that_cannot_be_started_is_a_missing_tool(tmp_path: Path) -> None:
    broken = tmp_path / "promtool"
    broken.write_bytes(b"\x7fELF")
    broken.chmod(0o755)
    with pytest.raises(ToolMissing, match=r"promtool cannot be started: Exec format error"):
        run(broken, cwd=tmp_path)


@pytest.mark.promtool
def test_both_promtools_answer(promtool: Path, tmp_path: Path) -> None:
    assert run(promtool, "--version", cwd=tmp_path).out.startswith("promtool, version ")
