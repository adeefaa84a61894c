"""Lines of others cost ours nothing, and are kept: only what celery_monitoring.py wrote is taken apart."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackgen.app.parts.lines import JsonLines, as_line
from stackgen.app.parts.settings import LogSettings, Settings
from stackgen.catalog.logs.line import START
from tests.logs import foreign, taken
from tests.logs.shipped import READ, documents
from tests.logs.stacks import made

OURS = taken.FILE.read_text(encoding="utf-8").splitlines()


def _sent(folder: Path, *lines: str) -> list[dict[str, Any]]:
    config = yaml.safe_load(made(folder, "{shippers: [filebeat]}")["logs/filebeat/filebeat.yml"])
    return list(documents(config, lines))


def _leaves(fields: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in fields.items():
        yield from _leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]


@pytest.mark.parametrize("text", OURS)
def test_a_line_of_ours_is_taken_apart(text: str, tmp_path: Path) -> None:
    (sent,) = _sent(tmp_path, text)
    service = {("service.name", "shop"), ("service.environment", "pre-prod")}
    wanted = {one for one in _leaves(json.loads(text)) if not one[0].startswith("service.")}
    assert wanted | service <= set(_leaves(sent))


@pytest.mark.parametrize("message", ['say "hi"\\', "\ud800", "line\nbreak", ""], ids=ascii)
def test_a_line_of_ours_is_known_whatever_it_says(message: str, tmp_path: Path) -> None:
    handler = JsonLines(Settings(logs=LogSettings(path=str(tmp_path / "a.log"))), str(tmp_path / "a.log"), dict)
    record = logging.LogRecord(message, logging.INFO, "", 1, message, (), None)
    for line in (as_line(handler._fields(record)), handler._said(message)):
        assert re.search(START, line.decode())


@pytest.mark.parametrize("text", foreign.WHOLE, ids=lambda text: text[:60])
def test_a_line_of_others_stays_text(text: str, tmp_path: Path) -> None:
    (sent,) = _sent(tmp_path, text)
    (beside,) = _sent(tmp_path, "")
    assert sent == {**beside, "message": text}
    assert sent["@timestamp"] == READ


def test_a_line_of_ours_that_was_cut_stays_text_and_says_why(tmp_path: Path) -> None:
    (sent,) = _sent(tmp_path, OURS[0][:-1])
    assert sent["message"] == OURS[0][:-1]
    assert sent["error"]["type"] == "json"
