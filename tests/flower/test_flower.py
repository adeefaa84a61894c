"""The generated flower/config.py in the real `celery flower`, on a real Redis."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from stackgen import pipeline
from stackgen.emitters import flower
from stackgen.render.environment import render
from tests.flower.redis_server import free_port, redis_server, wait_for

PASSWORD = "hunter2-canary"
STACK = """\
version: 1
stack: {name: shop}
celery: {app: proj, broker: {kind: redis}}
queues: {celery: {}}
"""


def _config(folder: Path, settings: str) -> Path:
    stack = folder / "stack.yaml"
    stack.write_text(STACK + f"flower: {settings}\n", encoding="utf-8")
    (artefact,) = flower.artefacts(pipeline.prepare(stack).plan)
    config = folder / "config.py"
    config.write_text(render(artefact).text, encoding="utf-8")
    return config


def _start(config: Path, broker: str, **more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "celery", "flower", f"--conf={config}"]
    environment = {**os.environ, "CELERY_BROKER_URL": broker, **more}
    return subprocess.Popen(command, cwd=config.parent, env=environment, stderr=subprocess.PIPE)


@dataclass(frozen=True)
class Running:
    """A Flower that answers, and where."""

    port: int
    pid: int
    config: Path

    def get(self, path: str, user: str = "") -> tuple[int, str]:
        """Status and text of a page."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        word = base64.b64encode(user.encode()).decode()
        connection.request("GET", path, headers={"Authorization": f"Basic {word}"} if user else {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder, port = tmp_path_factory.mktemp("flower"), free_port()
    users = folder / "users"
    users.write_text(f"# who may log in\nadmin:{PASSWORD}\n\nbob:other:with:colons\n", encoding="utf-8")
    settings = (
        f"{{port: {port}, address: 127.0.0.1, url_prefix: /flower, database: {folder}/flower, "
        f"basic_auth: {{users_file: {users}}}}}"
    )
    config = _config(folder, settings)
    with redis_server(folder) as broker, _start(config, broker) as program:
        try:
            wait_for(port, program)
            yield Running(port, program.pid, config)
        finally:
            program.terminate()
            program.communicate()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "user", "status"),
    [
        ("/flower/healthcheck", "", 200),
        ("/healthcheck", "", 404),
        ("/flower/workers", "", 401),
        ("/workers", "", 404),
        ("/flower/workers", f"admin:{PASSWORD}", 200),
        ("/flower/workers", "bob:other:with:colons", 200),
        ("/flower/workers", "admin:wrong", 401),
        ("/flower/workers", "# who may log in", 401),
        ("/flower/api/workers", "", 401),
        ("/flower/metrics", "", 200),
        ("/metrics", "", 404),
    ],
)
def test_flower_answers_under_its_prefix_and_to_its_users(running: Running, path: str, user: str, status: int) -> None:
    assert running.get(path, user)[0] == status


@pytest.mark.slow
def test_the_password_stands_in_no_file_of_ours_and_on_no_command_line(running: Running) -> None:
    command = Path(f"/proc/{running.pid}/cmdline").read_text(encoding="utf-8")
    assert PASSWORD not in running.config.read_text(encoding="utf-8") + command


@pytest.mark.slow
def test_flower_without_the_file_of_users_does_not_start(tmp_path: Path) -> None:
    config = _config(tmp_path, f"{{basic_auth: {{users_file: {tmp_path}/none}}}}")
    with _start(config, "redis://127.0.0.1:1/0") as program:
        said = program.communicate(timeout=60)[1].decode()
    assert program.returncode != 0
    assert f"Flower does not start without a user: {tmp_path}/none cannot be read" in said
    assert "Traceback" not in said


def _settings(config: Path) -> dict[str, object]:
    """The file as Flower's tornado reads it: executed."""
    found: dict[str, object] = {}
    exec(compile(config.read_text(encoding="utf-8"), str(config), "exec"), found)
    return found


@pytest.mark.parametrize("text", ["", "\n# only a comment\n"])
def test_a_file_without_users_stops_flower(tmp_path: Path, text: str) -> None:
    (tmp_path / "users").write_text(text, encoding="utf-8")
    config = _config(tmp_path, f"{{basic_auth: {{users_file: {tmp_path}/users}}}}")
    with pytest.raises(SystemExit, match="does not start without a user"):
        _settings(config)


@pytest.mark.parametrize("entry", [PASSWORD, f":{PASSWORD}", "admin:"])
def test_a_broken_entry_stops_flower_and_is_not_repeated(tmp_path: Path, entry: str) -> None:
    (tmp_path / "users").write_text(f"a:b\n{entry}\n", encoding="utf-8")
    config = _config(tmp_path, f"{{basic_auth: {{users_file: {tmp_path}/users}}}}")
    with pytest.raises(SystemExit, match="entry 2 of") as caught:
        _settings(config)
    assert PASSWORD not in str(caught.value)


def test_users_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWER_USERS", f"admin:{PASSWORD},bob:pw")
    config = _config(tmp_path, "{basic_auth: {users_env: FLOWER_USERS}}")
    assert _settings(config)["basic_auth"] == [f"admin:{PASSWORD}", "bob:pw"]


def test_an_empty_environment_stops_flower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLOWER_USERS", raising=False)
    with pytest.raises(SystemExit, match="the environment variable FLOWER_USERS"):
        _settings(_config(tmp_path, "{basic_auth: {users_env: FLOWER_USERS}}"))


@pytest.mark.slow
def test_flower_without_its_settings_does_not_start(tmp_path: Path) -> None:
    config = _config(tmp_path, "{}")
    config.unlink()  # to Flower the same as a file that it may not read, which a test run by root cannot make
    with _start(config, "redis://127.0.0.1:1/0") as program:
        said = program.communicate(timeout=60)[1].decode()
    assert program.returncode != 0
    assert str(config) in said
