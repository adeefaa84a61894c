"""Rendered files are read back strictly, and what a template printed must be found again."""

from __future__ import annotations

import re

import pytest

from stackgen.artefact import Artefact, Rendered, Syntax
from stackgen.verify.files.reparse import of_file as problems
from tests.conftest import calls


def _rendered(syntax: Syntax, text: str, *ink: object) -> Rendered:
    return Rendered(Artefact(path="out", template="t.j2", syntax=syntax, context={}), text, ink)


def _said(syntax: Syntax, text: str, *ink: object) -> list[str]:
    return [f"{p.mark}: {p.rule}" for p in problems(_rendered(syntax, text, *ink))]


@pytest.mark.parametrize(
    ("syntax", "text", "ink"),
    [
        (
            "yaml",
            "a: 'b'\nc: [1, 1.5, null, true, {d: e}]\n---\nf: |-\n  g\n  h\n",
            ("a", "b", 1, 1.5, None, True, "g\nh"),
        ),
        ("yaml", "a: [1, {b: 'c'}]\n", ([1, {"b": "c"}], [], {})),
        ("yaml", "a: {a: 1}\nb:\n- a: 1\n- a: 1\n", ()),
        ("yaml", "'1': a\n1: b\n", ("1", 1)),
        ("json", '{"a": [1, -1.0, null, {"b": "é"}]}\n', ("a", 1, -1.0, None, "é", {"b": "é"})),
        ("python", "a = ['b', -1, 0.5, None, True, {'c': ('d',)}]\n", ("b", -1, 0.5, None, True, {"c": ("d",)})),
        (
            "markdown",
            "# a\\*b 5\n\n| `x\\|y` | c\\<d |\n\n```sh\na | b\\n\n```\n",
            ("a*b", 5, "x|y", "c<d", "a | b\\n\n"),
        ),
        ("text", "# don't\nA=b c\nD='e f'\nG=\"h\\n\\$\"\nI=\n", ("b c", "e f", "h\n$", "")),
        ("text", 'x "l" {\n  // "\n  k = ["a\\n", 1, true]\n}\n', ("l", ["a\n", 1, True])),
    ],
)
def test_good_files_pass(syntax: Syntax, text: str, ink: tuple[object, ...]) -> None:
    assert problems(_rendered(syntax, text, *ink)) == []


@pytest.mark.parametrize(
    ("syntax", "text", "expected"),
    [
        ("yaml", "a: 1\nb: 2\na: 3\n", "out:3:1: output-duplicate-key"),
        ("yaml", "- a: {b: 1, 'b': 2}\n", "out:1:13: output-duplicate-key"),
        ("yaml", "a: [1\n", "out:2:1: output-syntax"),
        ("yaml", "a: b: c\n", "out:1:5: output-syntax"),
        ("yaml", "[a]: 1\n", "out:1:1: output-syntax"),
        ("yaml", "a: !x 1\n", "out:1:4: output-syntax"),
        ("yaml", "a: *x\n", "out:1:4: output-syntax"),
        ("yaml", "a: 2024-99-99\n", "out: output-syntax"),
        ("yaml", "a: 1", "out: output-syntax"),
        ("yaml", "a: 1\r\n", "out: output-syntax"),
        ("yaml", "a: \x00\n", "out: output-syntax"),
        ("json", '{"a": 1, "a": 2}\n', "out: output-duplicate-key"),
        ("json", '{"a": 1 "b": 2}\n', "out:1:9: output-syntax"),
        ("json", "[NaN]\n", "out: output-syntax"),
        ("python", "a = (\n", "out:1:5: output-syntax"),
        ("python", "a = {'b': 1,\n     'b': 2}\n", "out:2:6: output-duplicate-key"),
        ("markdown", "```sh\na\n", "out: output-syntax"),
        ("text", 'A="\\q"\n', "out: output-syntax"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(syntax: Syntax, text: str, expected: str) -> None:
    assert _said(syntax, text) == [expected]


def test_an_escape_that_python_warns_of_is_named_with_its_line() -> None:
    (said,) = _said("python", "a = '\\d'\n")
    assert re.fullmatch(r"out:1:\d+: output-syntax", said)  # the column is another one from Python 3.13 on


@pytest.mark.parametrize(
    ("syntax", "text", "ink"),
    [
        ("yaml", "a: celery-x\n", "x"),
        ("yaml", "a: 9090:9090\n", 9090),
        ("yaml", "a: &x 1\n", "&x 1"),
        ("yaml", "a: !!str 1\n", "!!str 1"),
        ("yaml", "<<: {a: 1}\n", "<<"),
        ("yaml", "a: 1\n", True),
        ("yaml", "a: 1\n", 1.0),
        ("yaml", "a: 1\n", "1"),
        ("yaml", "a: 'no'\n", False),
        ("yaml", "# x\n", "x"),
        ("yaml", "a: [b]\n", ["b", "c"]),
        ("json", '["ab"]\n', "a"),
        ("json", "[true]\n", 1),
        ("python", "a = 'xy'\n", "x"),
        ("markdown", "a \\* b\n", "a ** b"),
        ("text", "A=bc\n", "b"),
    ],
)
def test_a_value_that_got_lost_is_named(syntax: Syntax, text: str, ink: object) -> None:
    (found,) = problems(_rendered(syntax, text, ink))
    assert found.rule == "output-lost-value"
    assert repr(ink[-1] if isinstance(ink, list) else ink) in found.message  # of a list, what of it is lost


def test_four_times_the_yaml_cost_four_times_the_work() -> None:
    def reparse(alerts: int) -> int:
        names = [f"Alert{n}" for n in range(alerts)]
        rules = "".join(f"- alert: {name}\n  expr: 'x{{a=\"{name}\"}} > 0.5'\n  for: 10m\n" for name in names)
        text = rules + "".join(f"- description: {'x' * 60} {name}\n" for name in names)
        rendered = _rendered("yaml", text, *names)
        return calls(lambda: check(rendered))

    def check(rendered: Rendered) -> None:
        assert problems(rendered) == []

    assert reparse(4_000) <= 4.1 * reparse(1_000)
