"""What quote prints, the language's own reader reads back equal, whatever the text."""

from __future__ import annotations

import ast
import enum
import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stackgen.problem import Mark
from stackgen.render import quote

NASTY = "\x00\x07\t\n\r \x1f\x7f\x80\x85\x9f\xa0\xad\u2028\u2029\ufeff\ufffd\ufffe\uffff😀é"
NASTY += "#:,-?&*!|>%@`'\"\\[]{}~=<$0123456789eExXoO_.yYnN/+"
WORDS = [
    *(
        "null",
        "Null",
        "~",
        "true",
        "False",
        "yes",
        "NO",
        "on",
        "Off",
        "y",
        "N",
        "",
        " ",
        "-",
        "--- a",
        "...",
        "<<",
        "=",
    ),
    *("010", "0o7", "0x1f", "0b1", "1_000", "12:30", "1:2:3", "1e3", "1.5", ".5", "+1", "-0", ".inf", ".NaN", "NaN"),
    *(
        "2024-01-01",
        "2024-01-01 00:00:00",
        "10m",
        "1h30m",
        "5ms",
        "a: b",
        "a #b",
        "a:",
        "key:value",
        "- a",
        "? a",
        "a,b",
    ),
    *(
        "http://x:9090/metrics",
        "{{ $value | humanize }}",
        "${VAR}",
        "sum(rate(x[5m])) > 0",
        "x{a=\"b\"} == 'c'",
        "%a",
        "!t",
    ),
]
texts = st.one_of(
    st.sampled_from(WORDS),
    st.text(NASTY, max_size=12),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join),
    st.lists(st.text(NASTY, max_size=40), max_size=4).map("\n".join),
)
scalars = st.one_of(
    texts, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.just(1e20)
)
data = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=10
)
many = settings(max_examples=250)


def _both_readers(text: str) -> list[object]:
    """What PyYAML and libyaml (of which Go's yaml.v2 and v3 are translations) make of it."""
    return [yaml.load(text, Loader=loader) for loader in (yaml.SafeLoader, yaml.CSafeLoader)]


@many
@given(st.lists(texts, min_size=10, max_size=30))
@example(WORDS)
def test_yaml_texts_come_back_equal_in_every_position(values: list[str]) -> None:
    printed = [quote.as_yaml(value) for value in values]
    as_items = "".join(f"- {text}\n" for text in printed)
    as_values = "".join(f"  k{n}: {text}\n" for n, text in enumerate(printed))
    as_keys = "".join(f"  {text}: 0\n" for text in dict.fromkeys(printed))
    document = f"items:\n{as_items}values:\n{as_values}keys:\n{as_keys}flow: {quote.as_yaml(values)}\n"
    document += f"around: [{', '.join(printed)}]\n"
    expected = {
        "around": values,
        "items": values,
        "values": {f"k{n}": value for n, value in enumerate(values)},
        "keys": dict.fromkeys(values, 0),
        "flow": values,
    }
    assert _both_readers(document) == [expected, expected]


@many
@given(data)
def test_yaml_data_comes_back_equal_and_of_the_same_types(value: object) -> None:
    document = f"k: {quote.as_yaml(value)}\n"
    assert [repr(found) for found in _both_readers(document)] == [repr({"k": value})] * 2


@many
@given(st.lists(texts, min_size=10, max_size=30), st.integers(2, 12))
def test_yaml_blocks_come_back_equal(values: list[str], depth: int) -> None:
    key = " " * (depth - 1)
    document = "".join(f"{key}k{n}: {quote.yaml_block(value, depth)}\n" for n, value in enumerate(values))
    expected = {f"k{n}": value for n, value in enumerate(values)}
    assert _both_readers(document) == [expected, expected]


@many
@given(data)
def test_json_comes_back_equal(value: object) -> None:
    assert repr(json.loads(quote.as_json(value))) == repr(value)


@many
@given(data)
def test_python_comes_back_equal(value: object) -> None:
    assert repr(ast.literal_eval(quote.as_python(value))) == repr(value)


@many
@given(texts)
def test_comments_are_one_printable_line(value: str) -> None:
    line = quote.as_comment(value)
    assert (line.splitlines() or [""]) == [line]
    assert yaml.safe_load(f"a: 1 # {line}\nb: 2") == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("redis://h:6379/0", "redis://h:6379/0"),
        (9090, "9090"),
        ("a b $X #c", "'a b $X #c'"),
        ("it's $5", '"it\'s \\$5"'),
        ('a\n"b"\\', '"a\\n\\"b\\"\\\\"'),
        ("", ""),
    ],
)
def test_dotenv_quotes_what_compose_would_change(value: object, expected: str) -> None:
    assert quote.as_dotenv(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("CeleryQueueDepthHigh", "CeleryQueueDepthHigh"),
        ("10m", "10m"),
        ("http://prometheus:9090", "http://prometheus:9090"),
        ("Queue is long", "Queue is long"),
        ("yes", "'yes'"),
        ("9090:9090", "'9090:9090'"),
        ("{{ $value }}", "'{{ $value }}'"),
        ("a\tb\x85", '"a\\tb\\x85"'),
        (["a", "b:c", 1, None, True], "[a, 'b:c', 1, null, true]"),
        ({"a": {}}, "{a: {}}"),
        (1e20, "1.0e+20"),
    ],
)
def test_yaml_is_plain_where_that_is_safe(value: object, expected: str) -> None:
    assert quote.as_yaml(value) == expected


def test_alloy_writes_maps_with_equal_signs() -> None:
    assert quote.as_alloy({"a": ["x\n", 1, True, None]}) == '{"a" = ["x\\n", 1, true, null]}'


def test_long_promql_becomes_a_literal_block() -> None:
    expr = 'sum by (queue) (rate(celery_task_failed_total{job="a: b"}[5m])) > 0.1 # why'
    assert quote.yaml_block(expr, 4) == f"|-\n    {expr}"


def test_a_whole_file_becomes_a_block_that_keeps_its_last_newline() -> None:
    assert quote.yaml_block("a: 1\n\n  b\n", 2) == "|\n  a: 1\n\n    b"


def test_an_enum_prints_as_its_text() -> None:
    class Colour(enum.StrEnum):
        RED = "red"

    printed = [printer(Colour.RED) for printer in (quote.as_yaml, quote.as_json, quote.as_python)]
    assert printed == ["red", '"red"', '"red"']


@pytest.mark.parametrize("printer", [quote.as_yaml, quote.as_json, quote.as_python, quote.as_alloy, quote.as_markdown])
@pytest.mark.parametrize("value", ["\ud800", float("nan"), float("inf"), {1, 2}, object(), b"x", Mark("a")])
def test_what_no_file_can_hold_is_refused(printer: Callable[[object], str], value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        printer(value)


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', "[NaN]", "[1,]", "{} {}"])
def test_json_that_readers_disagree_on_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        quote.canonical_json(text)


def test_canonical_json_has_one_layout() -> None:
    assert quote.canonical_json('{"b":["é",1.0],\n\n"a":{}}') == '{\n  "b": [\n    "é",\n    1.0\n  ],\n  "a": {}\n}\n'


def _unmistakable(text: str) -> str:
    """Double-quoted YAML with every character as an escape."""
    return '"' + "".join(f"\\U{ord(char):08x}" for char in text) + '"'


@pytest.mark.promtool
def test_prometheus_reads_the_same_texts(promtool: Path, tmp_path: Path) -> None:
    """Go's yaml agrees with Python's: as scalar, block and flow. Only `{{` is left out, which Prometheus expands."""
    chance = random.Random(0)
    nasty = ["".join(chance.choices(NASTY, k=chance.randint(1, 30))) for _ in range(500)]
    values = [text.replace("{{", "((") for text in [*WORDS, *nasty] if text]
    lines = [f"      k{n}: {quote.as_yaml(value)}\n" for n, value in enumerate(values)]
    lines += [f"      b{n}: {quote.yaml_block(value, 8)}\n" for n, value in enumerate(values)]
    flow = quote.as_yaml({f"k{n}": value for n, value in enumerate(values)})
    (tmp_path / "rules.yml").write_text(
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: vector(1)\n    annotations:\n"
        + "".join(lines)
        + f"  - alert: B\n    expr: vector(1)\n    annotations: {flow}\n"
    )
    expected = ", ".join(f"k{n}: {_unmistakable(value)}" for n, value in enumerate(values))
    blocks = ", ".join(f"b{n}: {_unmistakable(value)}" for n, value in enumerate(values))
    (tmp_path / "tests.yml").write_text(
        "rule_files: [rules.yml]\ntests:\n- interval: 1m\n  alert_rule_test:\n"
        f"  - {{eval_time: 1m, alertname: A, exp_alerts: [{{exp_annotations: {{{expected}, {blocks}}}}}]}}\n"
        f"  - {{eval_time: 1m, alertname: B, exp_alerts: [{{exp_annotations: {{{expected}}}}}]}}\n"
    )
    ran = subprocess.run([promtool, "test", "rules", tmp_path / "tests.yml"], capture_output=True, check=False)
    assert (ran.returncode, ran.stderr.decode()[:3000]) == (0, "")
