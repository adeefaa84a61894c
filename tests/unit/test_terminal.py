"""What people read is as wide as their terminal; what programs read is never wrapped."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from stackgen import problem

STACK = """\
version: 1
stack: {name: shop}
celery: {app: shop, broker: {kind: redis}}
queues:
  celery:
"""
WRONG = (
    STACK
    + """\
thresholds:
  queue_length: {warning: 5000, critical: 1000}
alerting:
  default: {critical: somebody-whose-name-is-not-among-the-receivers}
"""
)
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
ENVIRONMENT |= {"PYTHONPATH": str(Path(problem.__file__).resolve().parents[1]), "NO_COLOR": "1", "TERM": "xterm"}
DOCTOR = ("doctor", "--prometheus", "http://127.0.0.1:1")


def _piped(folder: Path, *args: str) -> list[str]:
    """The lines of a command whose streams are pipes."""
    command = [sys.executable, "-m", "stackgen", *args]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).splitlines()


def _in_terminal(folder: Path, width: int, *args: str) -> list[str]:
    """The lines of a command in a terminal of this width."""
    main, side = os.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    command = [sys.executable, "-m", "stackgen", *args]
    with subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdin=side, stdout=side, stderr=side):
        os.close(side)
        text = b""
        while chunk := _chunk(main):
            text += chunk
    os.close(main)
    return text.decode().splitlines()


def _chunk(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other side is closed
        return b""


def _is_query(line: str) -> bool:
    """`explain` leaves PromQL as it is, to be pasted, six columns deep."""
    return line.startswith(" " * 6) and not line.startswith(" " * 9)


def _wide(lines: list[str], width: int) -> list[str]:
    """Lines that are too long and could have been broken."""
    return [line for line in lines if len(line) > width and len(line.split()) > 1 and not _is_query(line)]


@pytest.mark.parametrize(
    ("width", "stack", "args"),
    [
        (80, WRONG, ("generate",)),
        (60, WRONG, ("generate",)),
        (80, STACK, ("explain", "queue_length")),
        (80, STACK, ("list",)),
        (60, STACK, DOCTOR),
    ],
)
def test_a_terminal_is_not_overrun(tmp_path: Path, width: int, stack: str, args: tuple[str, ...]) -> None:
    (tmp_path / "stack.yaml").write_text(stack)
    lines = _in_terminal(tmp_path, width, *args)
    assert lines
    assert _wide(lines, width) == []


def test_in_a_pipe_a_finding_is_one_line_and_its_hint_another(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(WRONG)
    *findings, count = _piped(tmp_path, "generate")
    assert max(map(len, findings)) > 100
    assert [line for line in findings if not line.startswith(("stack.yaml:", "  hint: "))] == []
    assert " ".join(_in_terminal(tmp_path, 80, "generate")).split() == " ".join([*findings, count]).split()
