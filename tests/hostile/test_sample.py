"""A batch of `make fuzz` in every run, and that it would notice what it is there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackgen import pipeline
from tests.hostile import twin
from tests.hostile.batch import Made, batch, findings
from tests.hostile.drawn import Drawn, harmless, names_for

NAMED = {"name000": "a|b", "name001": "{{ x }}"}
_TEXTS = {text: name for name, text in NAMED.items()}


@pytest.mark.promtool
@pytest.mark.slow
def test_hostile_stacks_are_what_their_harmless_twins_are() -> None:
    some, _ = batch(start=1, count=30)
    assert len(some) >= 25
    assert findings(some) == []


@pytest.mark.parametrize(
    ("path", "hostile", "harmless_text"),
    [
        ("a.yml", "- {name: 'a|b'}\n- more", "- {name: name000}"),
        ("a.yml", "name: a", "name: name000"),
        ("a.yml", "number: 1", "number: 2"),
        ("a.json", '{"a|b": 1}', '{"name000": 2}'),
        ("a.json", '{"b": 1}', '{"c": 1}'),
        ("a.md", "| a | b |\n| - | - |\n| `a|b` | 1 |", "| a | b |\n| - | - |\n| `name000` | 1 |"),
        ("a.py", "NAME = 'a'", "NAME = 'name000'"),
        ("a.sh", "echo\necho", "echo"),
    ],
)
def test_a_difference_is_told(path: str, hostile: str, harmless_text: str) -> None:
    assert len([*twin.differences({path: hostile}, {path: harmless_text}, _TEXTS)]) == 1


def test_a_name_in_its_place_is_no_difference() -> None:
    files = {"a.yml": 'labels: {"a|b": \'{{ "{{ x }}" }}\', stackgen.files: 0}'}
    assert [*twin.differences(files, {"a.yml": "labels: {name000: name001, stackgen.files: 1}"}, _TEXTS)] == []


def test_a_row_with_a_cell_too_many_is_told() -> None:
    assert [*twin.columns({"a.md": "| a |\n| - |\n| b \\| c |\n| b | c |"})] == [
        "a.md:4: 2 cells in a table of 1: | b | c |"
    ]


def test_a_twin_has_the_same_order_and_form() -> None:
    spec = {Drawn.like("*{}*", "*z*"): Drawn.like("/srv/{}", "/srv/'"), "plain": [Drawn.like("*{}*", "*z*")]}
    assert harmless(spec, names_for(spec)) == {"*name000*": "/srv/name001", "plain": ["*name000*"]}


@pytest.mark.promtool
def test_what_a_program_refuses_is_told(repository: Path) -> None:
    files = pipeline.stage(repository / "stack.yaml").files
    broken = {
        "prometheus/rules/celery-stack.yml": "groups: [{name: a, rules: [{record: b, expr: '('}]}]\n",
        "alertmanager/alertmanager.yml": "route: {receiver: x}\nreceivers: []\n",
        "docker-compose.yml": files["docker-compose.yml"].replace("restart:", "restrat:"),
    }
    found = findings([Made("1", {"queues": {}}, broken, ())])
    assert [text.partition(": ")[0] for text in found] == [f"1/{path}" for path in broken]
