"""Exit codes, and what goes to stdout and to stderr, of the real command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stackgen import problem

STACK = """\
version: 1
stack: {name: shop}
celery:
  app: shop
  broker: {kind: redis}
queues:
  celery:
outputs: [prometheus, exporters]
"""

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a small stack.yaml."""
    (tmp_path / "stack.yaml").write_text(STACK)
    return tmp_path


def _run(folder: Path, *args: str, **environment: str) -> Done:
    """`stackgen args` in the folder, without a terminal."""
    root = str(Path(problem.__file__).resolve().parents[1])
    return subprocess.run(
        [sys.executable, "-m", "stackgen", *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": root, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _changed(folder: Path) -> None:
    (folder / "stack.yaml").write_text(STACK + "thresholds: {queue_length: {critical: 8000}}\n")


def test_generate_talks_on_stderr(folder: Path) -> None:
    done = _run(folder, "generate")
    assert (done.returncode, done.stdout) == (0, "")
    assert "created" in done.stderr


def test_generate_repeats_no_notice_about_what_did_not_change(folder: Path) -> None:
    assert "notice[" in _run(folder, "generate").stderr
    again = _run(folder, "generate").stderr
    assert "notice[" not in again
    assert "notices as before" in again


def test_signals_that_stay_off_are_told_once_and_in_one_notice(folder: Path) -> None:
    assert _run(folder, "generate").stderr.count("notice[signal-off]") == 1
    _changed(folder)
    again = _run(folder, "generate").stderr
    assert "signal-off" not in again
    assert "notices as before" in again
    (folder / "stack.yaml").write_text(STACK + "sources: [celery-exporter, flower]\n")
    assert "signal-off" not in _run(folder, "generate").stderr
    (folder / "stack.yaml").write_text(STACK + "thresholds: {queue_growth: {enabled: false}}\n")
    assert "notice[signal-off]: queue_growth: " in _run(folder, "generate").stderr


def test_the_first_generate_says_how_to_go_on(folder: Path) -> None:
    (folder / "stack.yaml").write_text(STACK.replace("exporters]", "exporters, compose]"))
    assert "how to start it stands in the first lines of output/docker-compose.yml" in _run(folder, "generate").stderr
    _changed(folder)
    assert "how to start it" not in _run(folder, "generate").stderr


def test_the_fast_check_says_that_an_edit_needs_a_decision(folder: Path) -> None:
    _run(folder, "generate")
    with (folder / "output/plan.json").open("a") as stream:
        stream.write("\n")
    done = _run(folder, "check", "--fast")
    assert done.returncode == 1
    assert "hint: move the change to stack.yaml, or give it up with `stackgen generate --force`" in done.stderr


def test_no_command_is_cut_in_the_help(tmp_path: Path) -> None:
    assert "...\n" not in _run(tmp_path, "--help", COLUMNS="80").stdout.partition("Commands:")[2]


def test_generate_as_json_prints_its_notices(folder: Path) -> None:
    done = _run(folder, "generate", "--format", "json")
    assert done.returncode == 0
    assert "signal-off" in {row["rule"] for row in json.loads(done.stdout)}


@pytest.mark.parametrize("command", [("generate",), ("check",), ("diff",), ("explain", "queue_length"), ("list",)])
def test_a_missing_stack_is_a_finding(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = _run(tmp_path, *command)
    assert (done.returncode, done.stdout) == (1, "")
    assert "stack.yaml: error[no-file]" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_finds_what_is_stale(folder: Path) -> None:
    _run(folder, "generate")
    _changed(folder)
    done = _run(folder, "check")
    assert done.returncode == 1
    assert "error[output-stale]" in done.stderr


def test_the_fast_check_finds_it_too_without_any_tool(folder: Path) -> None:
    _run(folder, "generate")
    fast = _run(folder, "check", "--fast", "--format", "json", STACKGEN_PROMTOOL="/nowhere/promtool")
    assert (fast.returncode, json.loads(fast.stdout)) == (0, [])
    _changed(folder)
    done = _run(folder, "check", "--fast", "--format", "json")
    assert done.returncode == 1
    assert [(row["file"], row["rule"]) for row in json.loads(done.stdout)] == [("output/MANIFEST.json", "output-stale")]


def test_check_without_promtool_says_how_to_get_it(folder: Path) -> None:
    _run(folder, "generate")
    done = _run(folder, "check", STACKGEN_PROMTOOL="/nowhere/promtool")
    assert done.returncode == 3
    assert "output: error[tool-missing]: STACKGEN_PROMTOOL" in done.stderr


@pytest.mark.parametrize("args", [["nonsense"], ["diff", "--format", "yaml"], ["explain"], ["diff", "--against", "no"]])
def test_wrong_usage(folder: Path, args: list[str]) -> None:
    assert _run(folder, *args).returncode == 2


def test_the_schema_is_json(tmp_path: Path) -> None:
    done = _run(tmp_path, "schema")
    assert done.returncode == 0
    assert json.loads(done.stdout)["type"] == "object"


def test_diff_exits_like_diff(folder: Path) -> None:
    _run(folder, "generate")
    same = _run(folder, "diff")
    assert (same.returncode, same.stdout) == (0, "")
    _changed(folder)
    other = _run(folder, "diff")
    assert other.returncode == 1
    assert other.stdout.splitlines()[0] == "CeleryQueueBacklog critical 5000 → 8000"


def test_diff_of_a_new_folder_counts_what_will_be(folder: Path) -> None:
    done = _run(folder, "diff", "--format", "json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["changes"] == []
    assert "plan.json" in told["files"]
    assert told["note"].startswith("nothing is there yet: ")


def test_diff_against_another_folder(folder: Path) -> None:
    _run(folder, "generate", "--output", "other")
    assert _run(folder, "diff", "--against", "other").returncode == 0


def test_an_unknown_signal_is_a_finding(folder: Path) -> None:
    done = _run(folder, "explain", "queue_lenght")
    assert done.returncode == 1
    assert done.stderr == (
        "stackgen explain: error[unknown-signal]: no signal or alert named 'queue_lenght', "
        "and no entry of stack.yaml means such a queue or task\n"
        "  hint: did you mean 'queue_length'? `stackgen list` shows all\n"
    )


@pytest.mark.parametrize("args", [["list"], ["explain", "CeleryQueueBacklog"], ["diff"]])
def test_a_pipe_gets_no_escapes(folder: Path, args: list[str]) -> None:
    assert "\x1b" not in _run(folder, *args, FORCE_COLOR="1").stdout


@pytest.mark.parametrize("no_color", ["", "1"])
def test_a_terminal_gets_colour_unless_no_color(folder: Path, no_color: str) -> None:
    main, side = os.openpty()
    root = str(Path(problem.__file__).resolve().parents[1])
    environment = {**os.environ, "PYTHONPATH": root, "NO_COLOR": no_color, "TERM": "xterm", "COLUMNS": "200"}
    command = [sys.executable, "-m", "stackgen", "list"]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=side, stderr=subprocess.DEVNULL) as process:
        os.close(side)
        text = b""
        while chunk := _chunk(main):
            text += chunk
    os.close(main)
    assert process.returncode == 0
    assert (b"\x1b[" in text) is (not no_color)


@pytest.mark.parametrize("args", ["list", "schema", "explain watchdog"])
def test_an_answer_that_cannot_be_written_is_told_without_a_traceback(folder: Path, args: str) -> None:
    done = _run_shell(folder, f"{args} > /dev/full")
    assert (done.returncode, done.stderr) == (1, "stackgen: the answer cannot be written: No space left on device\n")
    assert _run_shell(folder, f"{args} >&-").returncode == 0  # nobody listens, and that is known from the start


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("pydantic", "is not installed here; pip install celery-stackgen, or in a checkout run `make`"),
        ("fcntl", "is what Windows has not: stackgen runs on Linux and macOS, and on Windows inside WSL"),
    ],
)
def test_without_what_the_generator_needs_it_says_how_to_get_it(folder: Path, missing: str, said: str) -> None:
    blind = f"import sys; sys.modules['{missing}'] = None; import stackgen.__main__ as m; m.main()"
    environment = {**os.environ, "PYTHONPATH": str(Path(problem.__file__).resolve().parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", blind, "generate"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (3, f"stackgen: {missing} {said}\n")


def _run_shell(folder: Path, line: str) -> Done:
    """`stackgen line` in the folder, with the redirections of a shell."""
    environment = {**os.environ, "PYTHONPATH": str(Path(problem.__file__).resolve().parents[1])}
    command = f"{sys.executable} -m stackgen {line}"
    return subprocess.run(
        ["/bin/sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def _chunk(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other side is closed
        return b""


@pytest.mark.parametrize("args", [["list", "--format", "json"], ["explain", "watchdog", "--format", "json"]])
def test_json_for_programs(folder: Path, args: list[str]) -> None:
    done = _run(folder, *args)
    assert done.returncode == 0
    assert json.loads(done.stdout)


def test_help_names_every_command(tmp_path: Path) -> None:
    text = _run(tmp_path, "--help").stdout
    assert all(name in text for name in ("generate", "check", "diff", "explain", "list", "schema"))
