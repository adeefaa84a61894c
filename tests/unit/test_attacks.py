"""What is given in the wrong place, left open, killed or linked elsewhere does no harm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from stackgen import pipeline
from stackgen.problem import SpecError
from stackgen.write.secret_files import Wanted, write_missing
from tests.unit.test_cli import STACK, _run

WANTED = (Wanted("token", "random"), Wanted("theirs", "given"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a small stack.yaml and its output/."""
    (tmp_path / "stack.yaml").write_text(STACK)
    pipeline.generate(tmp_path / "stack.yaml", tmp_path / "output")
    return tmp_path


@pytest.mark.parametrize("output", ["", ".", "/", "/etc", "~", "~/x", "repository", "/tmp/../usr"])
def test_a_folder_that_is_plainly_not_ours_is_refused(folder: Path, output: str) -> None:
    (folder / "repository/.git").mkdir(parents=True)
    before = sorted(folder.rglob("*"))
    done = _run(folder, "generate", "--output", output)
    assert done.returncode == 2
    assert "Invalid value for '--output'" in done.stderr
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    "args",
    [
        ("--broker", "redis://:hunter2@h"),
        ("--prometheus", "http://u:hunter2@h:9090"),
        ("--exporter", "http://u:hunter2@h"),
        ("--alertmanager", "http://u:hunter2@h"),
    ],
)
def test_no_secret_in_the_wrong_place_is_printed(folder: Path, args: tuple[str, str]) -> None:
    done = _run(folder, "doctor", *args)
    assert done.returncode == 2
    assert "(not shown)" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_no_token_of_a_wrong_address_is_printed(folder: Path) -> None:
    (folder / "stack.yaml").write_text(STACK + "links: {grafana: 'https://h h/?token=hunter2'}\n")
    done = _run(folder, "generate")
    assert done.returncode == 1
    assert "hunter2" not in done.stderr


def test_an_env_file_is_out_of_git_and_no_remark_of_check(folder: Path) -> None:
    (folder / "output/.env").write_text("CELERY_BROKER_URL=redis://:hunter2@h\n")
    for args in (("init", "-q"), ("add", "-A")):
        subprocess.run(["git", *args], cwd=folder, check=True)
    staged = subprocess.run(["git", "ls-files"], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert "output/plan.json" in staged
    assert "output/.env\n" not in staged
    assert _run(folder, "check", "--fast").stderr == "output: up to date\n"


@pytest.fixture(autouse=True)
def _hangup_ends() -> Iterator[None]:
    """What is started ends at a hangup, also where this run does not, as below nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_check_that_is_ended_leaves_no_process(folder: Path, kind: signal.Signals) -> None:
    tool, started = folder / "promtool", folder / "started"
    tool.write_text(f"#!/bin/sh\necho $$ >> {started}\nexec sleep 300\n")
    tool.chmod(0o755)
    root = str(Path(pipeline.__file__).resolve().parents[1])
    environment = {**os.environ, "PYTHONPATH": root, "STACKGEN_PROMTOOL": str(tool)}
    check = subprocess.Popen([sys.executable, "-m", "stackgen", "check"], cwd=folder, env=environment)
    while check.poll() is None and not (started.exists() and started.read_text().endswith("\n")):
        time.sleep(0.05)
    check.send_signal(kind)
    check.wait(60)
    children = [int(line) for line in started.read_text().split()]
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{child}/cmdline").exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [child for child in children if _runs(child)] == []


@pytest.mark.parametrize("command", ["generate", "diff"])
@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_what_is_ended_at_any_moment_leaves_no_process(folder: Path, command: str, kind: signal.Signals) -> None:
    queues = "".join(f"  q{n}: {{thresholds: {{queue_length: {{critical: {5001 + n}}}}}}}\n" for n in range(300))
    (folder / "stack.yaml").write_text(STACK.replace("queues:\n", f"queues:\n{queues}"))
    environment = {**os.environ, "PYTHONPATH": str(Path(pipeline.__file__).resolve().parents[1])}
    for moment in (0.1, 0.4, 0.8):
        run = subprocess.Popen(
            [sys.executable, "-m", "stackgen", command], cwd=folder, env=environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(moment)
        run.send_signal(kind)
        run.wait(60)
        assert _of_session(run.pid) == []


def _of_session(leader: int) -> list[str]:
    """Parents of the processes that this one began, also through others, and that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended while we looked
            state, parent, _, session, *_ = path.read_text().rpartition(")")[2].split()
            found += [parent] * (session == str(leader) and state != "Z")
    return found


def _runs(child: int) -> bool:
    try:
        return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_findings_are_told_although_promtool_is_missing(folder: Path) -> None:
    rule = "groups: [{name: mine, rules: [{alert: Mine, expr: celery_nothing > 1}]}]\n"
    (folder / "output/prometheus/rules/mine.yml").write_text(rule)
    done = _run(folder, "check", STACKGEN_PROMTOOL="/nowhere")
    assert done.returncode == 3
    assert "error[tool-missing]" in done.stderr
    assert "celery_nothing" in done.stderr
    assert "output-foreign" not in done.stderr


def test_a_file_that_others_cannot_read_is_put_right(folder: Path) -> None:
    (folder / "output/plan.json").chmod(0o600)
    (folder / "output/prometheus").chmod(0o700)
    pipeline.generate(folder / "stack.yaml", folder / "output")
    assert (folder / "output/plan.json").stat().st_mode & 0o777 == 0o644
    assert (folder / "output/prometheus").stat().st_mode & 0o777 == 0o755


def test_an_empty_secret_counts_as_missing(tmp_path: Path) -> None:
    for name in ("token", "theirs"):
        (tmp_path / name).touch()
    done = write_missing(WANTED, tmp_path)
    assert (done.created, done.kept, done.missing) == (("token",), (), ("theirs",))
    assert (tmp_path / "token").read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == [".gitignore", "theirs", "token"]


def test_a_broken_gitignore_is_whole_before_any_secret(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").touch()
    write_missing(WANTED, tmp_path)
    assert (tmp_path / ".gitignore").read_text() == "*\n"


def test_secrets_are_written_through_no_link(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "folder").symlink_to(elsewhere)
    with pytest.raises(SpecError, match=r"folder: error\[output-refused\]"):
        write_missing(WANTED, tmp_path / "folder")
    (elsewhere / "token").symlink_to(tmp_path / "victim")
    assert write_missing(WANTED, elsewhere).kept == ("token",)
    assert not (tmp_path / "victim").exists()


def test_what_could_not_be_written_is_not_called_nothing(folder: Path) -> None:
    (folder / "stack.yaml").write_text(STACK + "thresholds: {queue_length: {critical: 8000}}\n")
    done = _run(folder, "generate", "--output", "stack.yaml")
    assert done.returncode == 1
    assert "nothing was written" not in done.stderr
