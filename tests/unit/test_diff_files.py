"""Files that `diff` knows only as YAML, JSON or text, files that are none of these, and folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackgen.diff.compare import compare
from stackgen.diff.tree import read
from stackgen.diff.words import render

GROUP = """\
groups:
  - name: celery-queues
    rules:
      - {alert: A, expr: 'x > 1', labels: {severity: critical, signal: queue_length}}
"""
PATHS = [
    "prometheus/rules/celery-queues.yml",
    "prometheus/prometheus.yml",
    "exporters/redis.yml",
    "docker-compose.yml",
    "alertmanager/alertmanager.yml",
    "grafana/dashboards/x.json",
    "x.json",
    "x.md",
]


@pytest.mark.parametrize(
    ("path", "old", "new", "line"),
    [
        (
            "docker-compose.yml",
            "services: {grafana: {ports: ['3000']}}\n",
            "services: {grafana: {ports: ['3001']}}\n",
            "service grafana ports 3000 → 3001",
        ),
        ("d/a.json", '{"panels": [{"title": "Depth", "w": 1}]}', '{"panels": [{"title": "Depth", "w": 2}]}',
         "d/a.json panels[Depth].w: 1 → 2"),
        ("k8s/a.yml", "kind: A\nv: 1\n---\nkind: B\nv: 2\n", "kind: A\nv: 1\n---\nkind: B\nv: 3\n",
         "k8s/a.yml B 1 v: 2 → 3"),
        ("a.yml", "a: {b: [1, 2]}", "a: {b: [1, 3]}", "a.yml a.b: +3 −2"),
        ("a.md", "one\ntwo\n", "one\nthree\n", "a.md: 1 line changed"),
        ("a.md", "one\ntwo\n", "two\none\n", "a.md: lines in another order"),
        ("a.yml", "password: old\n", "password: new\n", "a.yml password: (not shown) → (not shown)"),
        ("a.yml", "a: redis://u:p@h\n", "a: redis://u:q@h\n", "a.yml a: (not shown) → (not shown)"),
        ("a.yml", "a: {{b\n", "a: 1\n",
         "a.yml contents: not valid YAML: did not find expected ',' or '}' → another text"),
        ("a.json", "[1", "[1]",
         "a.json contents: not JSON: Expecting ',' delimiter: line 1 column 3 (char 2) → another text"),
        ("a.yml", 'a: "\\e[31m"\n', "a: 1\n", "a.yml a: \\x1b[31m → 1"),
    ],
)  # fmt: skip
def test_files_without_a_reader_of_their_own(path: str, old: str, new: str, line: str) -> None:
    assert render(compare({path: old}, {path: new}), "text") == f"{line}\n"


HOSTILE = [
    None,
    "",
    "5",
    "[]",
    "groups: 5",
    "groups: [5, {rules: [x, {alert: 3}]}]",
    "groups: [{rules: [{record: 1}, {alert: A, expr: '((', labels: 7}]}]",
    "global: [1]\nscrape_configs: {a: b}\n",
    "inhibit_rules: [1, {source_matchers: 2, target_matchers: [3], equal: 4}]",
    "command: 5",
    "services: {redis-exporter: 3, x: {command: {a: b}}, y: }",
    "a: &x [*x]",
    "a: !!b c",
    "[" * 5000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: str(text)[:40])
@pytest.mark.parametrize("path", PATHS)
def test_a_hostile_tree_breaks_nothing(path: str, text: str | None) -> None:
    found = compare({path: text}, {PATHS[0]: GROUP})
    assert render(found, "text")
    assert render(found, "markdown")
    assert isinstance(json.loads(render(found, "json")), list)


def test_a_folder_is_read_by_its_manifest_and_without_links(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("a\n")
    (tmp_path / "foreign.md").write_text("mine\n")
    (tmp_path / "b.md").symlink_to(tmp_path / "foreign.md")
    (tmp_path / "MANIFEST.json").write_text(json.dumps({"files": {"a.md": "x", "b.md": "x", "../c": "x"}}))
    assert read(tmp_path) == {"a.md": "a\n", "b.md": None}
