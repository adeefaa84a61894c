"""The declared fields of a line are those of the Elastic Common Schema, and the module writes no others."""

from __future__ import annotations

import csv
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from stackgen.app.parts.lines import ECS_VERSION, JsonLines, as_line
from stackgen.app.parts.settings import LogSettings, Settings
from stackgen.catalog.logs.line import FIELDS
from stackgen.emitters.logs.filebeat import FINGERPRINT

ECS = Path(__file__).with_name(f"ecs-{ECS_VERSION}.csv")
OUTCOMES = {"success", "failure", "unknown"}


def _schema() -> dict[str, dict[str, str]]:
    with ECS.open(encoding="utf-8", newline="") as file:
        return {row["field"]: row for row in csv.DictReader(file)}


def test_every_field_that_is_not_ours_is_in_the_schema_with_its_type() -> None:
    schema = _schema()
    others = [field for field in FIELDS if not field.is_ours]
    assert {f.path: f.kind for f in others} == {f.path: schema[f.path]["type"] for f in others if f.path in schema}


def test_the_schema_has_no_object_named_celery() -> None:
    assert not [name for name in _schema() if name.partition(".")[0] == "celery"]


def test_no_field_is_declared_twice() -> None:
    assert len({field.path for field in FIELDS}) == len(FIELDS)


def test_values_that_the_schema_lists_are_used() -> None:
    assert set(_schema()["event.outcome"]["allowed"].split()) >= OUTCOMES


def _line(tmp_path: Path, message: str, **names: str) -> bytes:
    settings = Settings(name="a", environment="b", logs=LogSettings(path=str(tmp_path / "a.log")))
    handler = JsonLines(settings, str(tmp_path / "a.log"), dict)
    record = logging.LogRecord("x", logging.INFO, "", 1, message, (), None)
    fields: dict[str, Any] = handler._fields(record)
    return as_line(fields | {"host": {"name": names.get("host", "h")}})


def test_the_shortest_line_is_long_enough_to_know_its_file_by(tmp_path: Path) -> None:
    assert len(_line(tmp_path, "")) > FINGERPRINT


@pytest.mark.parametrize("message", ["", "m" * 8000])
def test_what_tells_two_files_apart_stands_in_the_bytes_that_filebeat_looks_at(message: str, tmp_path: Path) -> None:
    line = _line(tmp_path, message, host="h" * 64)
    fields = json.loads(line)
    start = line[:FINGERPRINT].decode()
    assert all(text in start for text in (fields["@timestamp"], "h" * 64, f'"pid":{fields["process"]["pid"]}'))
