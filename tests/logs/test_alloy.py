"""config.alloy: what it reads, what it keeps, where it sends to. `alloy validate` is asked where it is installed."""

from __future__ import annotations

import json
import re
from pathlib import Path

from stackgen.catalog.logs import logql
from stackgen.catalog.logs.line import FIELDS, TIME
from tests.logs.stacks import ALLOY, THEIRS, TOKEN, made

_PAIR = re.compile(r'"?(\w+)"?\s*= ("(?:[^"\\\n]|\\.)*")')


def _pairs(folder: Path, key: str) -> dict[str, str]:
    """The texts of the first mapping that is set to `key`."""
    block = made(folder)[ALLOY].partition(f"{key} = {{")[2].partition("}")[0]
    return {name: json.loads(text) for name, text in _PAIR.findall(block)}


def _endpoint(folder: Path, logs: str) -> str:
    return made(folder, logs)[ALLOY].partition("  endpoint {\n")[2]


def test_renamed_files_are_not_read_again(tmp_path: Path) -> None:
    text = made(tmp_path, THEIRS)[ALLOY]
    assert '__path__         = "/srv/logs/*.log",' in text
    assert '__path_exclude__ = "/srv/logs/*.{gz,' in text


def test_every_extracted_field_is_one_of_a_line(tmp_path: Path) -> None:
    found = _pairs(tmp_path, "expressions")
    paths = {re.sub(r'"([^"]*)"', r"\1", where) for where in found.values()}
    assert paths <= {field.path for field in FIELDS}
    assert found["time"] == json.dumps(TIME.path)
    assert set(found) == {"time", *logql.METADATA}


def test_what_is_beside_a_line_was_found_in_it(tmp_path: Path) -> None:
    assert _pairs(tmp_path, "values") == {name: name for name in logql.METADATA}


def test_a_login_is_a_reference_to_files(tmp_path: Path) -> None:
    endpoint = _endpoint(tmp_path, THEIRS)
    assert 'url = "https://loki.example.com/gate/loki/api/v1/push"' in endpoint
    assert 'tenant_id = "shop.eu"' in endpoint
    assert 'basic_auth {\n      username      = "me"\n      password_file = "/run/secrets/loki_password"\n' in endpoint
    assert 'tls_config {\n      ca_file = "/run/secrets/loki_ca"\n' in endpoint


def test_a_token_is_a_reference_to_a_file(tmp_path: Path) -> None:
    assert 'bearer_token_file = "/run/secrets/loki_token"' in _endpoint(tmp_path, TOKEN)


def test_without_logs_there_is_no_alloy(tmp_path: Path) -> None:
    files = made(tmp_path, "null")
    assert not any("alloy" in path or "loki" in path for path in files)
    assert "alloy" not in files["docker-compose.yml"]
