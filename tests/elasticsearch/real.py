"""A real Elasticsearch takes what Filebeat sends and finds what Kibana asks: `make elasticsearch`, not in `make test`.

Not proved here, for the distribution has neither: data stream lifecycles, the failure store (tests/logs/test_setup.py
asks a stand-in), and the types match_only_text, wildcard and constant_keyword (node.STAND_INS).
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackgen import pipeline
from stackgen.catalog.logs import log_queries
from stackgen.catalog.logs.line import FIELDS
from tests.elasticsearch.node import STAND_INS, Node, running
from tests.logs import asked, foreign, shipped, taken
from tests.logs.test_questions import FOUND

OURS = taken.FILE.read_text(encoding="utf-8").splitlines()
SEARCHES = [one.id for one in log_queries.SAVED]


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running() as served:
        yield served


@dataclass(frozen=True)
class Stack:
    """One environment of a stack, whose template is loaded by our setup.sh, and its data stream."""

    node: Node
    stream: str
    files: Mapping[str, str]
    told: str
    """What setup.sh said."""

    def send(self, lines: Sequence[str]) -> list[tuple[str, Any]]:
        """Sends the lines in one request as Filebeat would; gives those that were refused, with the reason."""
        config = yaml.safe_load(self.files["logs/filebeat/filebeat.yml"])
        assert config["output"]["elasticsearch"]["index"] == self.stream
        documents = shipped.documents(config, lines)
        body = "".join(f'{{"create":{{}}}}\n{json.dumps(one)}\n' for one in documents)
        items = self.node.ask("POST", f"/{self.stream}/_bulk?refresh=true", body)["items"]
        answers = [item["create"] for item in items]
        assert len(answers) == len(lines)
        return [(text, one["error"]) for text, one in zip(lines, answers, strict=True) if one["status"] != 201]

    def find(self, query: Mapping[str, Any], sort: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The documents that a query finds."""
        body = json.dumps({"query": query, "size": 1000, "sort": [{field: order} for field, order in sort]})
        return [hit["_source"] for hit in self.node.ask("POST", f"/{self.stream}/_search", body)["hits"]["hits"]]

    def saved(self) -> dict[str, Any]:
        """Kibana's saved searches by id, but for that of the failure store."""
        found = {}
        for text in self.files["logs/kibana/celery.ndjson"].splitlines():
            one = json.loads(text)["attributes"]
            if "columns" in one and not one["title"].endswith(": refused"):
                found[one["title"].rpartition(": ")[2]] = one
        return found


def as_kibana(query: str) -> dict[str, Any]:
    """KQL as Kibana asks Elasticsearch: a text in quotes is a phrase.

    Source: elastic/kibana, kbn-es-query, src/kuery: functions/is.ts, and.ts, or.ts.
    """
    return {
        "bool": {
            "filter": [
                {"bool": {"should": [{"match_phrase": {path: value}} for value in values], "minimum_should_match": 1}}
                for path, values in asked.conditions(query)
            ]
        }
    }


def _loaded(node: Node, folder: Path, environment: str) -> Stack:
    stack = folder / "stack.yaml"
    stack.write_text(
        f"version: 1\nstack: {{name: shop, environment: {environment}}}\n"
        "celery: {app: proj, broker: {kind: redis}}\nqueues: {celery: {}}\n"
        "outputs: [logs]\nlogs: {shippers: [filebeat]}\n",
        encoding="utf-8",
    )
    files = pipeline.stage(stack).files
    for path, text in files.items():
        if path.startswith("logs/elasticsearch/"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            known = re.sub(r'"type": "(\w+)"', lambda found: f'"type": "{STAND_INS.get(found[1], found[1])}"', text)
            (folder / path).write_text(known if path.endswith(".json") else text, encoding="utf-8")
    command = ["sh", str(folder / "logs/elasticsearch/setup.sh"), node.url + "/"]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=120, check=False)
    return Stack(node, f"logs-celery.shop-{environment}", files, done.stdout + done.stderr)


def test_setup_loads_the_template_and_sees_that_it_wins(node: Node, tmp_path: Path) -> None:
    stack = _loaded(node, tmp_path, "setup")
    # Here the distribution ends: what follows is about a data stream that may be there.
    assert "no handler found for uri [/_data_stream/logs-celery.shop-setup" in stack.told
    shown = node.ask("GET", f"/_index_template/{stack.stream}")["index_templates"][0]["index_template"]["template"]
    wanted = json.loads(stack.files["logs/elasticsearch/index-template.json"])["template"]
    assert shown["lifecycle"] == wanted["lifecycle"]
    assert shown["data_stream_options"] == wanted["data_stream_options"]
    assert shown["mappings"]["_meta"] == wanted["mappings"]["_meta"]


def test_setup_tells_which_template_wins_over_ours(node: Node, tmp_path: Path) -> None:
    other = {"index_patterns": ["logs-*-other"], "priority": 900, "data_stream": {}}
    node.ask("PUT", "/_index_template/theirs", json.dumps(other))
    told = _loaded(node, tmp_path, "other").told
    assert "another index template wins over ours. More than our priority of 500 have:\n900 theirs" in told


def test_setup_says_why_a_template_is_refused(node: Node, tmp_path: Path) -> None:
    other = {"index_patterns": ["logs-*-same"], "priority": 500, "data_stream": {}}
    node.ask("PUT", "/_index_template/same", json.dumps(other))
    assert "that have the same priority [500]" in _loaded(node, tmp_path, "same").told


@pytest.fixture(scope="module")
def filled(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """Lines of others come first, in a new index; then those that begin like ours; then ours."""
    stack = _loaded(node, tmp_path_factory.mktemp("filled"), "filled")
    assert stack.send(foreign.WHOLE) == []
    assert stack.send(foreign.ALIKE) == []
    assert stack.send(OURS) == []
    return stack


def test_every_line_of_others_is_kept_and_found_by_its_words(filled: Stack) -> None:
    kept = [one["message"] for one in filled.find({"match_all": {}}, [("log.offset", "asc")])]
    assert set(foreign.WHOLE) <= set(kept)
    for words, text in (("boom", foreign.WHOLE[0]), ("user.created", foreign.WHOLE[5])):
        assert [one["message"] for one in filled.find({"match_phrase": {"message": words}})] == [text]


@pytest.mark.parametrize("search", SEARCHES)
def test_a_saved_search_finds_its_lines_and_no_other(search: str, filled: Stack) -> None:
    saved = filled.saved()[search]
    query = json.loads(saved["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"]
    found = filled.find(as_kibana(query), saved["sort"])
    ours = [one for one in found if one["host"]["name"] == taken.HOST and one["process"]["pid"] != 1]
    assert {taken.known(one) for one in ours} == FOUND[search]
    assert len(found) == len(ours) or search == "all"
    # The small reading of KQL, by which `make test` asks, means the same.
    every = filled.find({"match_all": {}})
    assert sorted(map(repr, found)) == sorted(repr(one) for one in every if asked.kql(query)(one))
    assert found == sorted(found, key=lambda one: (one["@timestamp"], one["log"]["offset"]), reverse=True)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.path)
def test_a_field_that_is_written_can_be_searched(field: Any, filled: Stack) -> None:
    named = [one for one in filled.find({"match_all": {}}) if asked.value(one, field.path)]
    short = [one for one in named if len(str(asked.value(one, field.path))) <= 1024]
    if field.kind not in ("long", "double"):  # what is no number is kept, and not found
        assert len(filled.find({"exists": {"field": field.path}})) in (len(short), len(named))


def test_a_long_name_costs_nothing_but_its_search(filled: Stack) -> None:
    (kept,) = filled.find({"match_phrase": {"message": "long"}})
    assert len(kept["celery"]["task"]["name"]) == 40_000


def test_labels_are_keywords_whatever_their_number(node: Node, tmp_path: Path) -> None:
    stack = _loaded(node, tmp_path, "labels")
    line = json.loads(OURS[0])
    lines = [json.dumps({**line, "labels": {f"order_{n}": "A-1", "user": "7"}}, separators=(",", ":")) for n in (1, 2)]
    assert stack.send(lines) == []
    assert len(stack.find({"term": {"labels.order_2": "A-1"}})) == 1
    assert len(stack.find({"term": {"labels.user": "7"}})) == 2


def test_what_cannot_be_indexed_costs_no_other_line(node: Node, tmp_path: Path) -> None:
    """In one request with ours, one after the other; with a failure store they would be kept there."""
    stack = _loaded(node, tmp_path, "mixed")
    lines = [one for pair in zip(foreign.REFUSED, OURS, strict=False) for one in pair] + OURS[len(foreign.REFUSED) :]
    refused = stack.send(lines)
    assert {text for text, _ in refused} == set(foreign.REFUSED)
    assert {error["type"] for _, error in refused} == {"document_parsing_exception"}
    assert len(stack.find({"match_all": {}})) == len(OURS)


def test_no_line_adds_a_field(filled: Stack) -> None:
    before = json.loads(filled.files["logs/elasticsearch/index-template.json"])["template"]["mappings"]["properties"]
    (index,) = filled.node.ask("GET", f"/{filled.stream}/_mapping").values()
    assert set(index["mappings"]["properties"]) == set(before)
