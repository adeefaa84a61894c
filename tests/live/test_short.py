"""The quickest scenarios of the live proof, and that ending a run, however that is done, leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_COMMAND = [sys.executable, "-m", "tests.live", "--short"]


@pytest.mark.slow
@pytest.mark.promtool
def test_what_is_broken_is_told_and_its_end_too(repository: Path) -> None:
    done = subprocess.run(_COMMAND, cwd=repository, capture_output=True, text=True, timeout=1200, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.promtool
@pytest.mark.parametrize(
    ("end", "broker"),
    [(signal.SIGKILL, "rabbitmq"), (signal.SIGTERM, "redis"), (signal.SIGINT, "redis")],
)
def test_ending_the_run_leaves_no_process(repository: Path, tmp_path: Path, end: signal.Signals, broker: str) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [*_COMMAND, "--broker", broker]
    with subprocess.Popen(command, cwd=repository, env=environment, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr
        said = next((line for line in run.stderr if "all runs" in line), "")
        before = _of(tmp_path)

        run.send_signal(end)
        code = run.wait(30)

    left = _left(tmp_path)
    assert said
    assert len(before) > 10, "the run must have had workers, their pools, and servers"
    assert left == []
    assert code == (-end if end == signal.SIGKILL else 128 + end)
    assert end == signal.SIGKILL or list(tmp_path.iterdir()) == [], "what was written must be gone"


def _left(folder: Path) -> list[str]:
    """Processes that are still there after some seconds."""
    end = time.monotonic() + 10
    while (found := _of(folder)) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def _of(folder: Path) -> list[str]:
    """Command lines of the processes whose environment names the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it ended meanwhile, or is another user's
    return found
