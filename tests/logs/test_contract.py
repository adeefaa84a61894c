"""The module and the backends mean the same fields: what is written is mapped, what is asked for is written.

A field that only one side knows fails here, in both directions.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from stackgen.app.parts.lines import JsonLines
from stackgen.app.parts.settings import LogSettings, Settings
from stackgen.app.parts.tasklogs import TaskRecords
from stackgen.catalog.logs import logql
from stackgen.catalog.logs.line import BESIDE, FIELDS
from tests.logs import asked, taken
from tests.logs.stacks import ALLOY, made

ALL = "{shippers: [filebeat, alloy, cloudwatch]}"
TEMPLATE = "logs/elasticsearch/index-template.json"
OPEN = {"labels", "celery.task.arguments"}
"""Objects whose keys stack.yaml names."""
DECLARED = {field.path for field in FIELDS}
KINDS = {field.path: field.kind for field in (*FIELDS, *BESIDE)}


def _leaves(fields: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in fields.items():
        path = f"{prefix}{key}"
        yield from _leaves(value, f"{path}.") if isinstance(value, dict) and path not in OPEN else [path]


def _written(folder: Path) -> set[str]:
    """The fields of the lines that were taken, and of some that no worker there wrote: allowed fields, traces, eta."""
    settings = LogSettings(path=str(folder / "a.log"), allow_fields=("order",), allow_arguments={"p.t": ("a",)})
    traced = {"trace": {"id": "1"}, "span": {"id": "2"}}  # what parts/apm.py gives, as tests/app holds
    handler = JsonLines(Settings(logs=settings), settings.path, lambda: traced)
    record = logging.makeLogRecord({"name": "x", "msg": "x", "order": "7"})
    handler.emit(record)
    eta = datetime(2026, 11, 28, tzinfo=UTC)
    request = SimpleNamespace(id="1", name="p.t", request_dict={}, eta=eta, root_id="2", parent_id="3")
    records = TaskRecords(handler, settings)
    records.received(request)
    task = SimpleNamespace(name="p.t", run=lambda a: a, request=SimpleNamespace(id="1", args=("x",), kwargs={}))
    records.prerun(task)
    records.success(task)
    texts = [*taken.FILE.read_text("utf-8").splitlines(), *(folder / "a.log").read_text("utf-8").splitlines()]
    return {path for text in texts for path in _leaves(json.loads(text))}


def test_the_module_writes_every_declared_field_and_no_other(tmp_path: Path) -> None:
    assert _written(tmp_path) == DECLARED


def _mapped(properties: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, one in properties.items():
        path = f"{prefix}{name}"
        yield from _mapped(one["properties"], f"{path}.") if "properties" in one else [(path, one["type"])]


def test_the_index_template_maps_every_field_and_no_other(tmp_path: Path) -> None:
    mappings = json.loads(made(tmp_path, ALL)[TEMPLATE])["template"]["mappings"]
    assert dict(_mapped(mappings["properties"])) == KINDS
    assert mappings["dynamic"] is False


def test_no_text_is_too_long_for_a_term(tmp_path: Path) -> None:
    """Lucene refuses a term of more than 32,766 bytes, and with it the line; a character has four at most."""
    text = made(tmp_path, ALL)[TEMPLATE]
    found = re.findall(r'"type": "(?:keyword|flattened)"(?:,\s*"ignore_above": (\d+))?', text)
    assert found
    assert all(limit and int(limit) * 4 <= 32_766 for limit in found)


def _fenced(files: Mapping[str, str], language: str) -> set[str]:
    blocks = [
        re.findall(rf"```{language}\n(.*?)\n```", text, re.DOTALL) for p, text in files.items() if p.endswith("md")
    ]
    return {block for found in blocks for block in found}


def _kql(files: Mapping[str, str]) -> Iterator[str]:
    yield from _fenced(files, "kql")
    for text in files["logs/kibana/celery.ndjson"].splitlines():
        one = json.loads(text)
        if one["type"] == "search" and not one["id"].endswith("-refused"):
            yield json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"]


def test_kibana_asks_for_written_words_only(tmp_path: Path) -> None:
    """A field that is asked for its exact value is a keyword: a text is found by each of its words."""
    queries = set(_kql(made(tmp_path, ALL)))
    found = {path for query in queries for path, _ in asked.conditions(query)}
    assert {"service.name", "event.action", "log.level"} <= found <= DECLARED
    assert {KINDS[path] for path in found} == {"keyword"}


def test_kibana_shows_and_sorts_by_what_is_mapped(tmp_path: Path) -> None:
    objects = [json.loads(text) for text in made(tmp_path, ALL)["logs/kibana/celery.ndjson"].splitlines()]
    views = {one["id"]: one["attributes"] for one in objects if one["type"] == "index-pattern"}
    searches = [one for one in objects if one["type"] == "search"]
    assert {one["references"][0]["id"] for one in searches} == set(views)
    for one in searches:
        named = {*one["attributes"]["columns"], *(name for name, _ in one["attributes"]["sort"])}
        refused = views[one["references"][0]["id"]]["title"].endswith("::failures")
        # Elasticsearch's own mapping of a failure store: DataStreamFailureStoreDefinition.
        assert named <= ({"@timestamp", "error.type", "error.message"} if refused else set(KINDS))


def test_loki_has_beside_a_line_what_is_written(tmp_path: Path) -> None:
    named = {field.path for field in (*logql.STREAM.values(), *logql.METADATA.values())}
    assert named <= DECLARED
    found = re.findall(
        r'"\w+"?\s*= "(\S+)"', made(tmp_path, ALL)[ALLOY].partition("expressions = {")[2].partition("}")[0]
    )
    assert len(found) >= len(logql.METADATA)


def test_cloudwatch_asks_for_what_is_written(tmp_path: Path) -> None:
    files = made(tmp_path, ALL)
    patterns = re.findall(r"\$\.([\w.@]+)", files["logs/cloudwatch/cloudformation.yaml"])
    queries = {block for block in _fenced(files, "text") if " | limit " in block}
    texts = " ".join(re.sub(r'"(?:[^"\\]|\\.)*"', '""', query) for query in queries)
    fields = set(re.findall(r"(?<![\w@])(@?[a-z]\w*(?:\.\w+)+|@timestamp)", texts))
    assert {"celery.task.name", "event.action"} <= set(patterns) | fields <= DECLARED
