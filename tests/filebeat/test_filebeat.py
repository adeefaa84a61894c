"""filebeat.yml against the options of Filebeat 9.5."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import pipeline
from generator.verify import filebeat

PATH = "logs/filebeat/filebeat.yml"
STACK = """\
version: 1
stack: {name: shop, environment: pre-prod}
celery: {app: proj, broker: {kind: redis}}
queues: {celery: {}}
"""


def _made(folder: Path, logs: str = "{shippers: [filebeat]}") -> str:
    stack = folder / "stack.yaml"
    stack.write_text(f"{STACK}logs: {logs}\noutputs: [logs]\n", encoding="utf-8")
    return pipeline.stage(stack).files[PATH]


def _config(folder: Path, logs: str = "{shippers: [filebeat]}") -> Any:
    return yaml.safe_load(_made(folder, logs))


def test_the_data_stream_has_three_parts_and_no_date(tmp_path: Path) -> None:
    assert _config(tmp_path)["output"]["elasticsearch"]["index"] == "logs-celery-pre_prod"


def test_small_files_are_read(tmp_path: Path) -> None:
    (one,) = _config(tmp_path)["filebeat"]["inputs"]
    assert (one["file_identity"], one["prospector"]["scanner"]["fingerprint"]) == ({"native": None}, {"enabled": False})


def test_the_key_is_a_reference(tmp_path: Path) -> None:
    logs = "{shippers: [filebeat], elasticsearch: {api_key_env: MY_KEY}}"
    assert _config(tmp_path, logs)["output"]["elasticsearch"]["api_key"] == "${MY_KEY:?set MY_KEY}"


def test_a_public_authority_needs_no_file(tmp_path: Path) -> None:
    logs = '{shippers: [filebeat], elasticsearch: {hosts: ["https://es.example.com"]}}'
    assert _config(tmp_path, logs)["output"]["elasticsearch"]["ssl"] == {"verification_mode": "full"}


def test_without_logs_there_is_no_filebeat(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(STACK, encoding="utf-8")
    made = pipeline.stage(tmp_path / "stack.yaml")
    assert PATH not in made.files
    assert "filebeat" not in made.files["docker-compose.yml"]


BREAKS = {
    "the old input": ("type: filestream", "type: log"),
    "a misspelled option": ("close:", "closes:"),
    "an option of the old input": ("      clean_removed: true", "      json.keys_under_root: true"),
    "no id": ("      id: celery-shop-pre-prod\n", ""),
    "a short fingerprint": ("fingerprint: {enabled: false}", "fingerprint: {enabled: true, length: 32}"),
    "a dated index": ("logs-celery-pre_prod", "'logs-celery-%{+yyyy.MM.dd}'"),
    "a template": ("template: {enabled: false}", "template: {enabled: true}"),
    "a password in a host": ("https://elasticsearch:9200", "https://elastic:pw@elasticsearch:9200"),
    "a literal key": ("'${ELASTICSEARCH_API_KEY:?set ELASTICSEARCH_API_KEY}'", "abc:def"),
    "no verification": ("verification_mode: full", "verification_mode: none"),
    "a service that is text": (
        "        service:\n          name: shop\n",
        "        service: shop\n        x:\n          a: b\n",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_filebeat_would_refuse_or_ignore_is_found(name: str, tmp_path: Path) -> None:
    text, (old, new) = _made(tmp_path), BREAKS[name]
    assert filebeat.problems({PATH: text}, [PATH]) == []
    assert old in text
    assert filebeat.problems({PATH: text.replace(old, new, 1)}, [PATH])


def test_an_id_may_not_stand_twice(tmp_path: Path) -> None:
    text = _made(tmp_path)
    start, end = text.index("    - type: filestream"), text.index("processors:")
    twice = text[:end] + text[start:end] + text[end:]
    assert [p.rule for p in filebeat.problems({PATH: twice}, [PATH])] == ["filebeat-id"]


def test_a_filebeat_on_the_machine_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "filebeat"
    program.write_text('#!/bin/sh\necho "Exiting: $1 $2 said no" >&2\nexit 1\n', encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("STACKGEN_FILEBEAT", str(program))
    (found,) = filebeat.tested(tmp_path, [PATH])
    assert found.message == "Exiting: test config said no"


def test_without_filebeat_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STACKGEN_FILEBEAT", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert filebeat.tested(tmp_path, [PATH]) == []
