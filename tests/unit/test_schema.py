"""The editor's schema agrees with the reader about the files of tests/specs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from stackgen.catalog import registry
from stackgen.load import load
from stackgen.problem import SpecError
from stackgen.spec.schema import json_schema

SPECS = Path(__file__).parents[1] / "specs"
SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
# Rules that an editor can check without our program; the rest needs two fields, or more than an expression.
SEEN_BY_EDITORS = [
    *(
        "app",
        "boolean",
        "bytes",
        "choice",
        "duration",
        "env-name",
        "integer",
        "integer-range",
        "label-name",
        "label-value",
    ),
    *("list", "mapping", "missing-key", "number", "owner-name", "path", "slug", "text", "too-few", "unknown-key"),
    *("unknown-signal", "no-override", "url", "version", "version-tag", "host-port", "extends", "new"),
]


def test_it_is_a_schema_and_plain_json() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("path", sorted((SPECS / "valid").glob("*.yaml")), ids=lambda p: p.stem)
def test_a_valid_file_is_valid_in_the_editor(path: Path) -> None:
    assert [e.message for e in VALIDATOR.iter_errors(load(path).data)] == []


@pytest.mark.parametrize("rule", SEEN_BY_EDITORS)
def test_an_invalid_file_is_marked_in_the_editor(rule: str) -> None:
    assert not VALIDATOR.is_valid(load(SPECS / "invalid" / f"{rule}.yaml").data)


def test_every_signal_is_offered_with_its_meaning() -> None:
    offered = SCHEMA["properties"]["thresholds"]["properties"]
    assert set(registry.signals()) == set(offered)
    assert all(offered[name]["description"].startswith(signal.title) for name, signal in registry.signals().items())


def test_every_key_has_help() -> None:
    for name, part in SCHEMA["$defs"].items():
        missing = [key for key, value in part.get("properties", {}).items() if not value.get("description")]
        assert missing == [], name


def test_the_refused_files_load_as_yaml_or_not_at_all() -> None:
    for path in (SPECS / "invalid").glob("*.yaml"):
        try:
            load(path)
        except SpecError:
            assert path.stem.split(".")[0] not in SEEN_BY_EDITORS
