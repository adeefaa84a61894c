"""The whole truth table of each fact, for stacks that have its witnesses and stacks that lack some of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from stackgen.catalog import facts, registry
from stackgen.verify import tools
from tests.mutation.judge import rendered

SOURCES = (
    ("redis", "celery-exporter, redis"),
    ("redis", "celery-exporter, worker, redis"),
    ("redis", "worker, probe"),
    ("redis", "celery-exporter, probe"),
    ("rabbitmq", "rabbitmq, celery-exporter"),
    ("rabbitmq", "rabbitmq, worker, probe"),
    ("rabbitmq, vhost: /", "rabbitmq, celery-exporter, probe"),
    ("redis, database: 0, priorities: true", "celery-exporter, redis, probe"),
    ("redis, database: 0", "celery-exporter, flower, redis"),
    ("redis", "flower, worker, redis"),
)
STACK = """\
version: 1
stack: {{name: shop}}
celery: {{app: shop, sent_events: {sent}, broker: {{kind: {broker}}}}}
queues: {{celery: }}
sources: [{sources}]
outputs: [prometheus]
"""


def _written(folder: Path, broker: str, sources: str) -> list[Path]:
    """The tests of the facts' witnesses, written beside the rules that they test."""
    stack = folder / "stack.yaml"
    sent = str("flower" not in sources).lower()  # without, starts are a fact of all queues together
    stack.write_text(STACK.format(broker=broker, sources=sources, sent=sent), encoding="utf-8")
    for path, text in rendered(stack).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return sorted(folder.glob("prometheus/tests/*_evidence.yml"))


def _fails(promtool: Path, test: Path) -> bool:
    return tools.run(promtool, "test", "rules", test.name, cwd=test.parent).code != 0


@pytest.mark.promtool
@pytest.mark.parametrize(("broker", "sources"), SOURCES, ids=lambda text: text)
def test_every_row_holds(promtool: Path, tmp_path: Path, broker: str, sources: str) -> None:
    tests = _written(tmp_path, broker, sources)
    rows = [int(n) for test in tests for n in re.findall(r"the truth table, (\d+) rows", test.read_text())]
    assert len(rows) == len(tests) > 0
    assert [test.name for test in tests if _fails(promtool, test)] == []


@pytest.mark.promtool
@pytest.mark.parametrize("promtool", ["v3"], indirect=True)  # what both read alike is dropped for one
@pytest.mark.parametrize(("broker", "sources"), SOURCES[1:5:3], ids=lambda text: text)
def test_a_witness_that_is_dropped_is_missed(promtool: Path, tmp_path: Path, broker: str, sources: str) -> None:
    tests = _written(tmp_path, broker, sources)
    for file in sorted(tmp_path.glob("prometheus/rules/*.yml")):
        text = file.read_text()
        rules = yaml.safe_load(text)
        for number, rule in enumerate(rules["groups"][0]["rules"]):
            if "witness" not in rule.get("labels", {}):
                continue
            rules["groups"][0]["rules"][number] = {**rule, "record": "celery:dropped"}
            file.write_text(yaml.safe_dump(rules))
            assert any(_fails(promtool, test) for test in tests), rule
            rules["groups"][0]["rules"][number] = rule
        file.write_text(text)


def test_every_witness_stands_in_some_table() -> None:
    listed = {name for _, sources in SOURCES for name in sources.split(", ")}
    assert {witness.source for witness in registry.witnesses().values()} <= listed


def test_verdicts() -> None:
    assert facts.decided({"a": 0, "b": 1, "c": None}) == 1
    assert facts.decided({"a": 0, "b": None}) == 0
    assert facts.decided({"a": None}) is None
    assert facts.alone(facts.BROKER, {"a": 0, "b": 1, "c": None}) == ("a",)
    assert facts.alone(facts.BROKER, {"a": 0, "b": 0}) == ()
