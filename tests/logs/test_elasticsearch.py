"""What is loaded into Elasticsearch and Kibana: its form, and the scripts that load it."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackgen import pipeline
from stackgen.catalog.logs.line import FIELDS
from tests.logs.cluster import Answer, Cluster, cluster

STACK = """\
version: 1
stack: {name: web-shop, environment: pre-prod}
celery: {app: proj, broker: {kind: redis}}
queues: {celery: {}}
outputs: [logs]
"""
TEMPLATE, LIFECYCLE = "logs/elasticsearch/index-template.json", "logs/elasticsearch/lifecycle.json"
SAVED = "logs/kibana/celery.ndjson"
STREAM = "logs-celery.web_shop-pre_prod"
SHOWN = f"/_data_stream/{STREAM}/_lifecycle"
ROLLOVER = f"POST /{STREAM}/_rollover?lazy=true"


def _made(folder: Path, settings: str = "") -> dict[str, str]:
    stack = folder / "stack.yaml"
    stack.write_text(f"{STACK}logs: {{shippers: [filebeat], elasticsearch: {{{settings}}}}}\n", encoding="utf-8")
    return pipeline.stage(stack).files


@pytest.mark.parametrize(
    ("written", "kept"), [("30d", "30d"), ("1d12h", "36h"), ("1d30m", "1470m"), ("1d1s", "86401s")]
)
def test_retention_is_one_number_with_one_unit(written: str, kept: str, tmp_path: Path) -> None:
    files = _made(tmp_path, f"retention: {written}")
    assert json.loads(files[LIFECYCLE]) == {"data_retention": kept}
    assert json.loads(files[TEMPLATE])["template"]["lifecycle"] == {"data_retention": kept}


def test_template_and_data_view_are_of_the_stream_that_filebeat_writes(tmp_path: Path) -> None:
    files = _made(tmp_path)
    index = yaml.safe_load(files["logs/filebeat/filebeat.yml"])["output"]["elasticsearch"]["index"]
    view = json.loads(files[SAVED].splitlines()[0])["attributes"]["title"]
    assert (index, json.loads(files[TEMPLATE])["index_patterns"], view) == (STREAM, [STREAM], STREAM)


def test_its_own_lifecycle_is_preferred_to_the_policy_of_all_logs(tmp_path: Path) -> None:
    template = json.loads(_made(tmp_path)[TEMPLATE])
    assert template["template"]["settings"]["index"]["lifecycle"] == {"prefer_ilm": False}
    assert "logs@settings" in template["composed_of"]


def test_every_field_of_ours_is_mapped_and_no_other(tmp_path: Path) -> None:
    properties = json.loads(_made(tmp_path)[TEMPLATE])["template"]["mappings"]["properties"]
    assert dict(_mapped(properties)) == {field.path: field.kind for field in FIELDS if field.is_ours}


def _mapped(properties: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, one in properties.items():
        found += (
            _mapped(one["properties"], f"{prefix}{name}.") if "properties" in one else [(prefix + name, one["type"])]
        )
    return found


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


def test_saved_objects_name_fields_and_data_views_that_are_there(tmp_path: Path) -> None:
    objects = [json.loads(line) for line in _made(tmp_path)[SAVED].splitlines()]
    views = {one["id"] for one in objects if one["type"] == "index-pattern"}
    searches = [one for one in objects if one["type"] == "search"]
    named = {name for one in searches for name in one["attributes"]["columns"]}
    named |= {name for one in searches for name, _ in one["attributes"]["sort"]}
    assert named <= {field.path for field in FIELDS} | {"log.offset"}  # Filebeat adds it: the place in the file
    assert {reference["id"] for one in searches for reference in one["references"]} <= views


def _run(folder: Path, program: str, answers: dict[str, Answer]) -> tuple[subprocess.CompletedProcess[str], Cluster]:
    for path, text in _made(folder).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    with cluster(answers) as made:
        command = ["sh", str(folder / f"logs/{program}/setup.sh"), made.url]
        login = 'user = "elastic:p w"\n'
        done = subprocess.run(command, input=login, capture_output=True, text=True, timeout=60, check=False)
    return done, made


def test_a_new_cluster_gets_the_template(tmp_path: Path) -> None:
    done, made = _run(tmp_path, "elasticsearch", {f"GET {SHOWN}": (404, '{"error":{}}')})
    assert done.returncode == 0, done.stderr
    assert made.paths() == [f"PUT /_index_template/{STREAM}", f"GET {SHOWN}"]
    _, _, body, login = made.asked[0]
    assert body == (tmp_path / TEMPLATE).read_bytes()
    assert login == "Basic " + base64.b64encode(b"elastic:p w").decode()


def test_a_stream_with_this_retention_is_left_alone(tmp_path: Path) -> None:
    there = f'{{"data_streams":[{{"name":"{STREAM}","lifecycle":{{"enabled":true,"data_retention":"30d"}}}}]}}'
    done, made = _run(tmp_path, "elasticsearch", {f"GET {SHOWN}": (200, there)})
    assert done.returncode == 0, done.stderr
    assert made.paths()[1:] == [f"GET {SHOWN}"]


@pytest.mark.parametrize("lifecycle", ["", ',"lifecycle":{"enabled":true,"data_retention":"7d"}'])
def test_a_stream_with_another_retention_gets_ours_and_a_new_index(lifecycle: str, tmp_path: Path) -> None:
    there = f'{{"data_streams":[{{"name":"{STREAM}"{lifecycle}}}]}}'
    done, made = _run(tmp_path, "elasticsearch", {f"GET {SHOWN}": (200, there)})
    assert done.returncode == 0, done.stderr
    assert made.paths()[2:] == [f"PUT {SHOWN}", ROLLOVER]
    assert made.asked[2][2] == (tmp_path / LIFECYCLE).read_bytes()


@pytest.mark.parametrize("refused", [f"PUT /_index_template/{STREAM}", f"GET {SHOWN}"])
def test_a_refusal_is_told(refused: str, tmp_path: Path) -> None:
    done, _ = _run(tmp_path, "elasticsearch", {refused: (403, '{"error":"not allowed"}')})
    assert done.returncode != 0
    assert "not allowed" in done.stdout + done.stderr


def test_kibana_gets_the_objects_and_may_replace_them(tmp_path: Path) -> None:
    path = "POST /api/saved_objects/_import?overwrite=true"
    done, made = _run(tmp_path, "kibana", {path: (200, '{"successCount":13,"success":true}')})
    assert done.returncode == 0, done.stderr
    assert made.paths() == [path]
    assert (tmp_path / SAVED).read_bytes() in made.asked[0][2]


def test_an_object_that_kibana_refuses_is_told(tmp_path: Path) -> None:
    path = "POST /api/saved_objects/_import?overwrite=true"
    done, _ = _run(tmp_path, "kibana", {path: (200, '{"successCount":12,"success":false,"errors":[]}')})
    assert done.returncode != 0
