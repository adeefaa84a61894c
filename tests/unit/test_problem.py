"""How a problem is printed."""

from __future__ import annotations

import json

import pytest

from stackgen.problem import Mark, Problem, SpecError, render

HERE = Problem(Mark("stack.yaml", 9, 14), "number", "thresholds.x", "expected a number, got 1e3", "write 1000")
FILE = Problem(Mark("stack.yaml"), "no-file", "", "there is no such file")


def test_text_has_a_hint_line_only_when_there_is_a_hint() -> None:
    expected = (
        "stack.yaml:9:14: error[number]: thresholds.x: expected a number, got 1e3\n  hint: write 1000\n"
        "stack.yaml: error[no-file]: there is no such file\n"
    )
    assert expected == render([HERE, FILE], "text")


def test_json_keeps_every_part() -> None:
    (got,) = json.loads(render([HERE], "json"))
    assert {"file": "stack.yaml", "line": 9, "column": 14, "level": "error", "rule": "number"}.items() <= got.items()
    assert (got["where"], got["hint"]) == ("thresholds.x", "write 1000")


def test_no_problem_is_no_text_and_an_empty_array() -> None:
    assert (render([], "text"), render([], "json"), render([], "github")) == ("", "[]\n", "")


def test_github_commands_are_one_line_each() -> None:
    odd = Problem(Mark("a,b:c.yaml", 1, 2), "x", "", "two\nlines 100%", level="warning")
    assert render([odd], "github") == "::warning file=a%2Cb%3Ac.yaml,line=1,col=2,title=x::two%0Alines 100%25\n"


def test_a_spec_error_sorts_by_position() -> None:
    marks = [Mark("s", 10, 1), Mark("s", 2, 9), Mark("s", 2, 3)]
    error = SpecError(Problem(mark, "r", "", "m") for mark in marks)
    assert [(p.mark.line, p.mark.column) for p in error.problems] == [(2, 3), (2, 9), (10, 1)]


@pytest.mark.parametrize(("mark", "text"), [(Mark("f", 1, 2), "f:1:2"), (Mark("f"), "f")])
def test_a_mark_is_what_editors_open(mark: Mark, text: str) -> None:
    assert text == str(mark)
