"""No line is too long for what carries it, and no answer too large: all limits follow from the longest line."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackgen.app.parts import lines as module
from stackgen.app.parts.redact import LONGEST_MESSAGE, LONGEST_STACK
from stackgen.app.parts.settings import Settings
from stackgen.catalog.logs import line, logql
from stackgen.emitters.logs import loki
from tests.logs.stacks import ALLOY, LOKI, made

ALLOY_BATCH = 1 << 20
"""Bytes of loki.write's batch_size, which the file leaves at its default."""
CLOUDWATCH_EVENT = (1 << 18) - 26
"""Bytes of an event of CloudWatch Logs, before it was raised to 1 MiB in 2025."""
TRIED = {"message": 64 << 20, "line": "48KB"}
"""What was tried with Loki 3.7.6 and the coming 4.0: 1,000 lines of 8 kB and more in 0.13 s."""


def _config(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(made(folder)[LOKI])
    return found


def test_the_module_and_the_catalogue_mean_the_same_line() -> None:
    assert module.LONGEST_LINE == line.LONGEST
    assert len(("\U0001f41b" * module.LONGEST_NAME).encode()) == line.LONGEST_NAME


@pytest.mark.parametrize("sign", ["x", "é", "\U0001f41b", "\0", "\ud800"], ids=ascii)
def test_no_line_is_longer_than_the_longest(sign: str) -> None:
    stack = {"type": "E", "message": sign * 500, "stack_trace": sign * LONGEST_STACK}
    labels = {str(number): sign * 200 for number in range(60)}
    written = module.as_line({"message": sign * LONGEST_MESSAGE, "error": stack, "labels": labels})
    assert len(written) <= line.LONGEST
    assert set(json.loads(written)) == {"message", "error", "labels"}


def test_a_line_that_fits_is_written_whole(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    handler = module.JsonLines(Settings(name="shop"), str(log), dict)
    handler.emit(logging.LogRecord("x", logging.INFO, "", 1, "m" * LONGEST_MESSAGE, None, None))
    assert json.loads(log.read_text())["message"] == "m" * LONGEST_MESSAGE


def test_loki_answers_with_as_many_lines_as_grafana_asks_for(tmp_path: Path) -> None:
    files = made(tmp_path)
    server = yaml.safe_load(files[LOKI])["server"]
    sources = yaml.safe_load(files["grafana/provisioning/datasources/celery.yml"])["datasources"]
    (most,) = (one["jsonData"]["maxLines"] for one in sources if one["type"] == "loki")
    asked = [
        int(n) for path, text in files.items() if "/dashboards/" in path for n in re.findall(r'"maxLines": (\d+)', text)
    ]
    beside = (len(logql.LABELS) + len(logql.METADATA)) * line.LONGEST_NAME
    longest = max(most, *asked) * (line.LONGEST + beside)
    assert min(server["grpc_server_max_recv_msg_size"], server["grpc_server_max_send_msg_size"]) >= longest


def test_every_program_on_its_way_takes_the_longest_line(tmp_path: Path) -> None:
    files = made(tmp_path, "{shippers: [alloy, filebeat]}")
    filebeat = yaml.safe_load(files["logs/filebeat/filebeat.yml"])["filebeat"]["inputs"][0]
    kept = yaml.safe_load(files[LOKI])["limits_config"]["max_line_size"]
    assert kept == f"{line.LONGEST >> 10}KB"
    assert "batch_size" not in files[ALLOY]
    assert min(filebeat["message_max_bytes"], ALLOY_BATCH, CLOUDWATCH_EVENT) >= line.LONGEST


def test_the_limits_are_those_that_were_tried(tmp_path: Path) -> None:
    """A change of the longest line that moves them is to be tried with a real Loki first."""
    assert {"message": loki.MESSAGE, "line": _config(tmp_path)["limits_config"]["max_line_size"]} == TRIED


def test_loki_starts_whichever_store_is_its_default(tmp_path: Path) -> None:
    """Loki 4 has use_thanos_objstore on: then ruler.storage and common.storage are not read."""
    config = _config(tmp_path)
    store = config["storage_config"]
    assert store["use_thanos_objstore"] is True
    assert store["object_store"]["filesystem"]["dir"].startswith(config["common"]["path_prefix"])
    assert config["ruler_storage"]["backend"] == "local"
    assert "storage" not in config["ruler"]
    assert "storage" not in config["common"]


def test_a_line_sent_twice_is_kept_once(tmp_path: Path) -> None:
    """Loki drops what is the same in stream, time and text; sharding makes two streams of one."""
    assert _config(tmp_path)["limits_config"]["shard_streams"] == {"enabled": False}


def test_what_is_to_be_kept_is_not_refused_for_its_age(tmp_path: Path) -> None:
    limits = _config(tmp_path)["limits_config"]
    assert limits["reject_old_samples_max_age"] == limits["retention_period"]


def test_each_file_of_each_host_is_a_stream(tmp_path: Path) -> None:
    """An hour behind the newest line of its stream, a line is refused."""
    targets = made(tmp_path)[ALLOY].partition("targets = [{")[2].partition("}]")[0]
    labels = set(re.findall(r'^\s*"(\w+)" = ', targets, re.MULTILINE))
    assert labels | {logql.FILE} == set(logql.LABELS)
    assert f'"{logql.HOST}" = constants.hostname,' in targets
    assert "label_drop" not in made(tmp_path)[ALLOY]
    assert set(logql.LABELS).isdisjoint(logql.METADATA)


def test_links_of_alerts_are_absolute(tmp_path: Path) -> None:
    ruler = _config(tmp_path)["ruler"]
    assert ruler["external_url"].startswith("http://")
    sources = yaml.safe_load(made(tmp_path)["grafana/provisioning/datasources/celery.yml"])["datasources"]
    assert ruler["datasource_uid"] in {one["uid"] for one in sources}
