"""config.alloy: what it reads, what it keeps, where it sends to, and what the check finds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from stackgen.catalog.logs import logql
from stackgen.catalog.logs.line import FIELDS, TIME
from stackgen.verify import alloy
from stackgen.verify.alloy_syntax import Block, Reference, Unreadable, parse
from tests.logs.stacks import ALLOY, OURS, THEIRS, TOKEN, made


def _blocks(folder: Path, logs: str = OURS) -> dict[str, Block]:
    return {block.name: block for block in parse(made(folder, logs)[ALLOY]).blocks}


def _inner(block: Block, name: str) -> Block:
    return next(inner for inner in block.blocks if inner.name == name)


def test_renamed_files_are_not_read_again(tmp_path: Path) -> None:
    (target,) = _list(_blocks(tmp_path, THEIRS)["loki.source.file"].attributes["targets"])
    assert isinstance(target, dict)
    assert target["__path__"] == "/srv/logs/*.log"
    assert target["__path_exclude__"].startswith("/srv/logs/*.{gz,")


def test_labels_are_those_of_the_stack_only(tmp_path: Path) -> None:
    blocks = _blocks(tmp_path)
    (target,) = _list(blocks["loki.source.file"].attributes["targets"])
    assert isinstance(target, dict)
    labels = {name: value for name, value in target.items() if not name.startswith("__")}
    assert labels == {"service_name": "shop", "environment": "pre-prod"}
    assert _inner(blocks["loki.process"], "stage.label_drop").attributes == {"values": ["filename"]}
    assert "stage.labels" not in {stage.name for stage in blocks["loki.process"].blocks}


def test_every_extracted_field_is_one_of_a_line(tmp_path: Path) -> None:
    found = _inner(_blocks(tmp_path)["loki.process"], "stage.json").attributes["expressions"]
    assert isinstance(found, dict)
    paths = {tuple(re.sub(r'"([^"]*)"', r"\1", part) for part in where.split(".")) for where in found.values()}
    assert paths <= {tuple(field.path.split(".")) for field in FIELDS}
    assert found["time"] == json.dumps(TIME.path)
    assert set(found) == {"time", *logql.METADATA}


def test_what_is_beside_a_line_was_found_in_it(tmp_path: Path) -> None:
    values = _inner(_blocks(tmp_path)["loki.process"], "stage.structured_metadata").attributes["values"]
    assert values == {name: name for name in logql.METADATA}


def test_nothing_is_given_up_while_loki_is_away(tmp_path: Path) -> None:
    endpoint = _inner(_blocks(tmp_path)["loki.write"], "endpoint")
    assert endpoint.attributes["max_backoff_retries"] == 0
    assert endpoint.attributes["url"] == "http://loki:3100/loki/api/v1/push"


def test_a_login_is_a_reference_to_files(tmp_path: Path) -> None:
    endpoint = _inner(_blocks(tmp_path, THEIRS)["loki.write"], "endpoint")
    assert endpoint.attributes["url"] == "https://loki.example.com/gate/loki/api/v1/push"
    assert endpoint.attributes["tenant_id"] == "shop.eu"
    assert {block.name: block.attributes for block in endpoint.blocks} == {
        "basic_auth": {"username": "me", "password_file": "/run/secrets/loki_password"},
        "tls_config": {"ca_file": "/run/secrets/loki_ca"},
    }


def test_a_token_is_a_reference_to_a_file(tmp_path: Path) -> None:
    endpoint = _inner(_blocks(tmp_path, TOKEN)["loki.write"], "endpoint")
    assert endpoint.attributes["bearer_token_file"] == "/run/secrets/loki_token"
    assert endpoint.blocks == []


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


BREAKS: Mapping[str, tuple[str, str, str]] = {
    "component": ("loki.process ", "loki.proces ", "no component named loki.proces"),
    "attribute": ("sync_period", "sync_perod", "no attribute sync_perod"),
    "needed attribute": ("    url = ", "    name = ", "endpoint needs url"),
    "type": ("enabled     = true", 'enabled     = "yes"', "enabled is no bool"),
    "duration": ('"10s"', '"10 seconds"', "sync_period is no time"),
    "block": ("stage.json {", "stage.jsn {", "no block stage.jsn"),
    "block twice": ("  file_match {", "  file_match {\n  }\n\n  file_match {", "has file_match 2 times"),
    "reference": ("[loki.write.loki.receiver]", "[loki.write.other.receiver]", "loki.write.other.receiver, which is"),
    "nothing comes": ("[loki.process.celery.receiver]", "[loki.write.loki.receiver]", 'to loki.process "celery"'),
    "not a reference": ("[loki.write.loki.receiver]", '["loki.write.loki.receiver"]', "forward_to is no receivers"),
    "label": ('loki.process "celery"', "loki.process", "has no label"),
    "label twice": ("logging {", 'loki.write "loki" {\n}\n\nlogging {', "stands 2 times"),
    "setting twice": ("  level  =", '  level = "info"\n  level  =', "level is set twice"),
    "not extracted": ('source = "time"', 'source = "tme"', "reads tme"),
    "not in the metadata": ('"queue" = "celery.queue",', "", "reads queue"),
    "text not closed": ('"filename"', '"filename', "cannot read"),
    "brace not closed": ('values = ["filename"]\n  }', 'values = ["filename"]\n', "expected"),
    "no comma": ('"celery.queue",', '"celery.queue"', "expected ','"),
    "two on one line": ('level  = "info"\n', 'level  = "info"', "expected '\\n'"),
    "key twice": ('"task_id" =', '"task" =', "expected a new key"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_alloy_would_refuse_is_found(name: str, tmp_path: Path) -> None:
    text, (old, new, said) = made(tmp_path)[ALLOY], BREAKS[name]
    assert alloy.problems({ALLOY: text}, [ALLOY]) == []
    assert old in text
    found = alloy.problems({ALLOY: text.replace(old, new, 1)}, [ALLOY])
    assert any(said in problem.message for problem in found), found


@pytest.mark.parametrize(
    "text", ["a = ", "a {", 'a "x" b {\n}\n', "a = [1", "a.b = 1", "= 1", "a = 1 b = 2\n", "a = b."]
)
def test_what_is_no_alloy_is_told_with_its_line(text: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(f"\n{text}")
    assert caught.value.line == 2


def test_values_are_read_as_they_are_meant() -> None:
    text = 'x = [{"a" = "b\\n\\u00e9", c = 1.5}, -2, true, null, d.e.f]\n// comment = {\n'
    assert parse(text).attributes == {"x": [{"a": "b\né", "c": 1.5}, -2, True, None, Reference("d.e.f")]}


def test_without_logs_there_is_no_alloy(tmp_path: Path) -> None:
    files = made(tmp_path, "null")
    assert not any("alloy" in path or "loki" in path for path in files)
    assert "alloy" not in files["docker-compose.yml"]
