"""What is loaded into Elasticsearch and Kibana: its form. test_setup.py has the scripts that load it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from stackgen import pipeline

STACK = """\
version: 1
stack: {name: web-shop, environment: pre-prod}
celery: {app: proj, broker: {kind: redis}}
queues: {celery: {}}
outputs: [logs]
"""
TEMPLATE, LIFECYCLE = "logs/elasticsearch/index-template.json", "logs/elasticsearch/lifecycle.json"
OPTIONS = "logs/elasticsearch/options.json"
SAVED = "logs/kibana/celery.ndjson"
STREAM = "logs-celery.web_shop-pre_prod"


def _made(folder: Path, settings: str = "") -> dict[str, str]:
    stack = folder / "stack.yaml"
    stack.write_text(f"{STACK}logs: {{shippers: [filebeat], elasticsearch: {{{settings}}}}}\n", encoding="utf-8")
    return pipeline.stage(stack).files


@pytest.mark.parametrize(
    ("written", "kept"), [("30d", "30d"), ("1d12h", "36h"), ("1d30m", "1470m"), ("1d1s", "86401s")]
)
def test_retention_is_one_number_with_one_unit(written: str, kept: str, tmp_path: Path) -> None:
    files = _made(tmp_path, f"retention: {written}")
    lifecycle = {"enabled": True, "data_retention": kept}
    template = json.loads(files[TEMPLATE])["template"]
    assert [json.loads(files[LIFECYCLE]), template["lifecycle"]] == [lifecycle, lifecycle]


def test_what_is_refused_is_kept_as_long_as_all_else(tmp_path: Path) -> None:
    """It quotes the same people."""
    files = _made(tmp_path, "retention: 7d")
    options = {"failure_store": {"enabled": True, "lifecycle": {"enabled": True, "data_retention": "7d"}}}
    assert json.loads(files[OPTIONS]) == json.loads(files[TEMPLATE])["template"]["data_stream_options"] == options


def test_template_and_data_view_are_of_the_stream_that_filebeat_writes(tmp_path: Path) -> None:
    files = _made(tmp_path)
    index = yaml.safe_load(files["logs/filebeat/filebeat.yml"])["output"]["elasticsearch"]["index"]
    view = json.loads(files[SAVED].splitlines()[0])["attributes"]["title"]
    assert (index, json.loads(files[TEMPLATE])["index_patterns"], view) == (STREAM, [STREAM], STREAM)


def test_its_own_lifecycle_is_preferred_to_any_policy(tmp_path: Path) -> None:
    settings = json.loads(_made(tmp_path)[TEMPLATE])["template"]["settings"]["index"]
    assert settings["lifecycle"] == {"prefer_ilm": False}


def test_an_index_is_as_small_as_the_licence_allows(tmp_path: Path) -> None:
    """DESIGN.md has the sizes; synthetic source is left to Elasticsearch, for it needs a licence."""
    settings = json.loads(_made(tmp_path)[TEMPLATE])["template"]["settings"]["index"]
    assert (settings["mode"], settings["codec"]) == ("logsdb", "best_compression")
    assert settings["mapping"] == {"ignore_malformed": True}


def test_the_digest_stands_in_the_mapping_and_tells_every_change(tmp_path: Path) -> None:
    digests = set()
    for retention in ("7d", "30d"):
        files = _made(tmp_path, f"retention: {retention}")
        digest = json.loads(files[TEMPLATE])["template"]["mappings"]["_meta"]["stackgen"]
        assert f"\ndigest={digest}\n" in files["logs/elasticsearch/setup.sh"]
        digests.add(digest)
    assert len(digests) == 2


def test_ids_stay_the_same_and_stand_once(tmp_path: Path) -> None:
    ids = [json.loads(line)["id"] for line in _made(tmp_path)[SAVED].splitlines()]
    assert ids[:2] == ["celery-web--shop-pre--prod", "celery-web--shop-pre--prod-all"]
    assert len(set(ids)) == len(ids)


def test_a_saved_search_asks_for_the_lines_of_this_stack_only(tmp_path: Path) -> None:
    (search,) = [line for line in _made(tmp_path)[SAVED].splitlines() if '"celery-web--shop-pre--prod-failed"' in line]
    source = json.loads(json.loads(search)["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    assert source["query"]["query"] == (
        'service.name : "web-shop" and service.environment : "pre-prod" and event.action : "task-failed"'
    )
