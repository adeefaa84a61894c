"""setup.sh of Elasticsearch and Kibana: what is there becomes what should be, or it is told what stands against it."""

from __future__ import annotations

import base64
import json
import re
import shlex
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stackgen.emitters.compose import elk
from tests.logs.cluster import Answer, Cluster, Elasticsearch, cluster
from tests.logs.stacks import made

STREAM = "logs-celery.shop-pre_prod"
LOADED = f"PUT /_index_template/{STREAM}"
LIFECYCLE = f"PUT /_data_stream/{STREAM}/_lifecycle"
OPTIONS = f"PUT /_data_stream/{STREAM}/_options"
ROLLOVER = f"POST /{STREAM}/_rollover?lazy=true"
IMPORT = "POST /api/saved_objects/_import?overwrite=true"
PASSWORD = """p 'q" \\w$x\\"""


def _files(folder: Path) -> None:
    for path, text in made(folder, "{shippers: [filebeat]}").items():
        if path.startswith("logs/"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")


def _run(
    folder: Path, program: str, answer: Callable[[str, str], Answer], options: str = "", ending: str = ""
) -> tuple[subprocess.CompletedProcess[str], Cluster]:
    _files(folder)
    with cluster(answer) as served:
        command = ["sh", str(folder / f"logs/{program}/setup.sh"), served.url + ending]
        done = subprocess.run(command, input=options, capture_output=True, text=True, timeout=60, check=False)
    return done, served


def _elasticsearch(folder: Path, **state: Any) -> tuple[subprocess.CompletedProcess[str], Cluster]:
    _files(folder)
    (digest,) = re.findall(r"^digest=(\w+)$", (folder / "logs/elasticsearch/setup.sh").read_text(), re.MULTILINE)
    there = Elasticsearch(**{"stream": STREAM, "digest": digest, "retention": "30d", **state})
    return _run(folder, "elasticsearch", there.answer)


def test_a_new_cluster_gets_the_template(tmp_path: Path) -> None:
    done, served = _elasticsearch(tmp_path, exists=False)
    assert done.returncode == 0, done.stderr
    assert served.changes() == [LOADED]
    assert served.asked[0][2] == (tmp_path / "logs/elasticsearch/index-template.json").read_bytes()


@pytest.mark.parametrize(
    ("state", "mended"),
    [
        ({}, []),
        ({"enabled": False}, [LIFECYCLE]),
        ({"retention": "7d"}, [LIFECYCLE]),
        ({"failures": False}, [OPTIONS]),
        ({"kept": "90d"}, [OPTIONS]),
        ({"written": "older"}, [ROLLOVER]),
        ({"manager": "Index Lifecycle Management"}, [ROLLOVER]),
        ({"manager": "Unmanaged", "enabled": False}, [LIFECYCLE, ROLLOVER]),
        ({"written": "older", "pending": True}, []),
        ({"retention": "7d", "written": "older", "failures": False}, [LIFECYCLE, OPTIONS, ROLLOVER]),
    ],
    ids=str,
)
def test_what_is_there_is_compared_and_mended(state: dict[str, Any], mended: list[str], tmp_path: Path) -> None:
    done, served = _elasticsearch(tmp_path, **state)
    assert done.returncode == 0, done.stderr
    assert served.changes() == [LOADED, *mended]
    bodies = {f"{method} {path}": body for method, path, body, _ in served.asked}
    for sent, file in ((LIFECYCLE, "lifecycle.json"), (OPTIONS, "options.json")):
        assert sent not in mended or bodies[sent] == (tmp_path / "logs/elasticsearch" / file).read_bytes()


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"wins": "theirs"}, "another index template wins over ours. More than our priority of 500 have:\n900 other"),
        ({"enabled": False, "deaf": True}, 'the lifecycle stays another one: {"data_streams":[{"lifecycle"'),
        ({"failures": False, "deaf": True}, "the failure store stays another one"),
        ({"written": "older", "deaf": True}, ".ds-x-000002 stays, and is not made from our template"),
        ({"source": "max_global_retention"}, "the cluster keeps no data for 30d, whatever a stream says"),
    ],
    ids=str,
)
def test_what_cannot_be_mended_is_told(state: dict[str, Any], told: str, tmp_path: Path) -> None:
    done, _ = _elasticsearch(tmp_path, **state)
    assert done.returncode == 1
    assert told in done.stderr


@pytest.mark.parametrize(
    "refused", [LOADED, "_simulate_index", f"GET /_data_stream/{STREAM}", "_mapping", LIFECYCLE, OPTIONS, ROLLOVER]
)
def test_each_refusal_is_the_end_and_has_the_reason(refused: str, tmp_path: Path) -> None:
    done, served = _elasticsearch(tmp_path, refuses=refused, retention="7d", failures=False, written="older")
    assert done.returncode == 1
    assert '403: {"error":"not allowed"}' in done.stderr
    assert refused in " ".join(served.asked[-1][:2])


def test_what_is_no_elasticsearch_is_told(tmp_path: Path) -> None:
    done, _ = _run(tmp_path, "elasticsearch", lambda *_: (200, "<html>log in</html>"))
    assert done.returncode == 1
    assert "PUT http://127.0.0.1" in done.stderr
    assert "was not acknowledged: <html>log in</html>" in done.stderr


def test_kibana_gets_the_objects_and_may_replace_them(tmp_path: Path) -> None:
    done, served = _run(tmp_path, "kibana", lambda *_: (200, '{"successCount":15,"success":true}'))
    assert done.returncode == 0, done.stderr
    assert served.changes() == [IMPORT]
    assert (tmp_path / "logs/kibana/celery.ndjson").read_bytes() in served.asked[0][2]


@pytest.mark.parametrize(
    "answer",
    [
        (401, '{"statusCode":401,"message":"missing authentication credentials"}'),
        (503, "Kibana server is not ready yet."),
        (200, '{"successCount":14,"success":false,"errors":[{"id":"celery-shop-production"}]}'),
    ],
    ids=str,
)
def test_why_kibana_refuses_is_told(answer: Answer, tmp_path: Path) -> None:
    done, _ = _run(tmp_path, "kibana", lambda *_: answer)
    assert done.returncode == 1
    assert answer[1] in done.stderr


@pytest.mark.parametrize("program", ["elasticsearch", "kibana"])
def test_an_address_may_end_in_a_slash(program: str, tmp_path: Path) -> None:
    answer = (200, '{"acknowledged":true,"success":true}')
    _, served = _run(tmp_path, program, lambda *_: answer, ending="/")
    assert served.asked[0][1] in (LOADED.removeprefix("PUT "), IMPORT.removeprefix("POST "))


@pytest.mark.parametrize("program", ["elasticsearch", "kibana"])
def test_without_arguments_it_says_how(program: str, tmp_path: Path) -> None:
    _files(tmp_path)
    command = ["sh", str(tmp_path / f"logs/{program}/setup.sh")]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: sh setup.sh https://")


@pytest.mark.parametrize("program", ["elasticsearch", "kibana"])
def test_a_server_that_never_answers_is_told(program: str, tmp_path: Path) -> None:
    """Options of the user come after ours, so that the limit can be another one."""
    _files(tmp_path)
    assert "--connect-timeout 10 --max-time 60 -K -" in (tmp_path / f"logs/{program}/setup.sh").read_text()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        command = ["sh", str(tmp_path / f"logs/{program}/setup.sh"), f"http://127.0.0.1:{silent.getsockname()[1]}"]
        done = subprocess.run(command, input="max-time = 1\n", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "no answer to " in done.stderr


def _documented(folder: Path) -> str:
    """The command in the head of setup.sh that makes the option with the password."""
    (line,) = re.findall(
        r"^#   (printf .*) \| sh setup\.sh \.\.\.$", (folder / "logs/elasticsearch/setup.sh").read_text(), re.MULTILINE
    )
    return str(line)


@pytest.mark.parametrize("program", ["elasticsearch", "kibana"])
def test_a_password_may_have_any_sign(program: str, tmp_path: Path) -> None:
    _files(tmp_path)
    (tmp_path / "password").write_text(PASSWORD + "\n", encoding="utf-8")
    command = f"cd {shlex.quote(str(tmp_path))}; {_documented(tmp_path)}"
    options = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=True).stdout
    _, served = _run(tmp_path, program, lambda *_: (200, "{}"), options)
    assert served.asked[0][3] == "Basic " + base64.b64encode(f"elastic:{PASSWORD}".encode()).decode()


def test_compose_hands_a_password_over_the_same_way(tmp_path: Path) -> None:
    """In the options of curl, and in the JSON in which Elasticsearch is told that of Kibana."""
    (tmp_path / "password").write_text(PASSWORD + "\n", encoding="utf-8")
    file = str(tmp_path / "password")
    escaped = subprocess.run(
        ["sh", "-c", f"printf '%s' \"{elk.escaped(file)}\""], capture_output=True, text=True, check=True
    )
    assert json.loads(f'"{escaped.stdout}"') == PASSWORD
