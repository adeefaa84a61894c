"""A real Redis for one test: on loopback, on a free port, keeping nothing, gone when the test is over."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

UNPACKED = Path(__file__).resolve().parents[2] / ".tools" / "redis" / "usr"


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Gives the server's address; ends the server afterwards."""
    unpacked = UNPACKED / "bin" / "redis-server"
    program = str(unpacked) if unpacked.exists() else shutil.which("redis-server")
    assert program, "these tests need redis-server: run `make tools`"
    libraries = ":".join(str(path) for path in (UNPACKED / "lib").glob("*-linux-gnu"))
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder)]
    environment = {**os.environ, "LD_LIBRARY_PATH": libraries}
    with subprocess.Popen([program, *options], env=environment, stdout=subprocess.DEVNULL) as server:
        try:
            wait_for(port, server)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()


def wait_for(port: int, program: subprocess.Popen[bytes], seconds: float = 180) -> None:
    """Returns when the program listens on the port; fails when it ends or needs too long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert program.poll() is None, f"{program.args!r} ended with {program.returncode}"
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    message = f"nothing listens on {port} after {seconds} s"
    raise AssertionError(message)
