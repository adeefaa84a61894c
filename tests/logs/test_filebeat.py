"""filebeat.yml: what it reads, until when, and where it sends to."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackgen import pipeline

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


def _input(folder: Path, logs: str = "{shippers: [filebeat]}") -> Any:
    (one,) = _config(folder, logs)["filebeat"]["inputs"]
    return one


def test_the_data_stream_has_three_parts_and_no_date(tmp_path: Path) -> None:
    assert _config(tmp_path)["output"]["elasticsearch"]["index"] == "logs-celery.shop-pre_prod"


def test_a_file_is_known_by_its_first_line_whatever_its_inode(tmp_path: Path) -> None:
    one = _input(tmp_path)
    assert one["file_identity"] == {"fingerprint": None}
    assert one["prospector"]["scanner"]["fingerprint"] == {"enabled": True, "offset": 0, "length": 256}


@pytest.mark.parametrize(
    ("file", "read"),
    [("w.log", True), ("w.log.1", True), ("w.log-20261122", True), ("w.log.2.gz", False), ("w.pid", False)],
)
def test_a_rotated_file_is_read_to_its_end_unless_it_is_compressed(file: str, read: bool, tmp_path: Path) -> None:
    one = _input(tmp_path)
    named = any(fnmatch(f"/var/log/celery/{file}", pattern) for pattern in one["paths"])
    left_out = any(re.search(pattern, file) for pattern in one["prospector"]["scanner"]["exclude_files"])
    assert (named and not left_out) is read


def test_a_renamed_or_deleted_file_is_not_let_go_before_its_end(tmp_path: Path) -> None:
    one = _input(tmp_path)
    assert one["close"]["on_state_change"] == {"inactive": "5m", "renamed": False, "removed": False}
    assert one["clean_removed"] is False


def test_the_dataset_of_a_line_is_its_own(tmp_path: Path) -> None:
    *_, last = _config(tmp_path)["processors"]
    assert "dataset" not in last["add_fields"]["fields"]["event"]


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
