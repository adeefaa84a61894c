"""Every file of tests/specs: the valid load, the invalid say exactly what their .txt says, and every rule has one."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackgen.overlay import read
from stackgen.problem import Mark, Problem, SpecError
from stackgen.spec import StackSpec, parse
from stackgen.spec.messages import TABLE

ROOT = Path(__file__).parents[2]
VALID = sorted((ROOT / "tests/specs/valid").glob("*.yaml"))
INVALID = sorted((ROOT / "tests/specs/invalid").glob("*.yaml"))
# Built by test_load.py in a temporary folder: they cannot be kept as readable files.
NOT_AS_FILES = {
    *("no-file", "unreadable", "too-large", "not-utf8", "control-character", "too-many-values", "too-deep"),
}


@pytest.mark.parametrize("path", VALID, ids=lambda p: p.stem)
def test_a_valid_file_loads(path: Path) -> None:
    parse(read(path))


@pytest.mark.parametrize("path", INVALID, ids=lambda p: p.stem)
def test_an_invalid_file_says_exactly_this(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with pytest.raises(SpecError) as caught:
        parse(read(Path(path.name)))
    assert path.with_suffix(".txt").read_text(encoding="utf-8") == f"{caught.value}\n"
    assert path.name.split(".")[0] in {problem.rule for problem in caught.value.problems}


def test_every_text_belongs_to_a_file() -> None:
    texts = {p.stem for p in (ROOT / "tests/specs/invalid").glob("*.txt")}
    assert {p.stem for p in INVALID} == texts


def _literals(*names: str) -> set[str]:
    """The rule ids that the code gives to these functions."""
    found = set()
    package = ROOT / "generator/stackgen"
    for path in [
        *package.glob("spec/**/*.py"),
        *(package / f"{name}.py" for name in ("load", "overlay", "stack_file")),
    ]:
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", getattr(call.func, "attr", "")) in names:
                first = [a.value for a in call.args[:2] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                found |= set(first[:1])
    return found


def test_every_rule_has_an_invalid_file() -> None:
    rules = _literals("Fault", "Problem", "_problem", "_stop") | {rule for rule, _ in TABLE.values()}
    assert {p.name.split(".")[0] for p in INVALID} | NOT_AS_FILES == rules


def test_every_error_of_a_scalar_is_translated() -> None:
    assert _literals("refuse", "Form", "like", "_name") <= set(TABLE)


def test_every_error_pydantic_can_raise_is_translated() -> None:
    raised = {
        "model": {"model_type"},
        "model-fields": {"missing", "extra_forbidden"},
        "dict": {"dict_type", "too_short"},
        "list": {"list_type", "too_short"},
        "literal": {"literal_error"},
        "bool": {"bool_type"},
        "int": {"int_type", "greater_than_equal", "less_than_equal"},
        "str": {"string_type"},
    }
    silent = {"nullable", "default", "function-before", "function-after", "function-plain", "model-field"}
    silent |= {"definitions", "definition-ref", "float", "union", "any"}  # only for the JSON Schema
    kinds = _kinds(StackSpec.__pydantic_core_schema__)
    assert kinds <= set(raised) | silent
    assert set().union(*(raised[kind] for kind in kinds & set(raised))) <= set(TABLE)


def _kinds(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(_kinds, schema))
    if not isinstance(schema, dict):
        return set()
    own = {schema["type"]} if isinstance(schema.get("type"), str) else set()
    return own.union(
        *(_kinds(v) for k, v in schema.items() if k not in ("metadata", "config", "serialization", "function"))
    )


_EVERYTHING = read(ROOT / "tests/specs/valid/everything.yaml")
_PATHS = [path for path, _ in _EVERYTHING.scalars()]
_PATHS += sorted({path[:n] for path in _PATHS for n in range(1, len(path))}, key=str)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["1e3", "5%", "10m", "never", "prometheus", "redis", "redis://:hunter2@h", "queue_length", "*", "0"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.just("warning"), inner, max_size=3)
    ),
    max_leaves=6,
)


def _with(data: Any, path: tuple[str | int, ...], value: object) -> Any:
    if not path:
        return value
    if isinstance(data, dict):
        return {k: _with(v, path[1:], value) if k == path[0] else v for k, v in data.items()}
    if isinstance(data, list):
        return [_with(v, path[1:], value) if i == path[0] else v for i, v in enumerate(data)]
    return data


@settings(max_examples=300, deadline=None)
@given(changes=st.lists(st.tuples(st.sampled_from(_PATHS), _VALUES), min_size=1, max_size=3))
def test_any_change_loads_or_is_explained(
    changes: list[tuple[tuple[str | int, ...], object]], tmp_path_factory: Any
) -> None:
    data: Any = _EVERYTHING.data
    for path, value in changes:
        data = _with(data, path, value)
    file = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    file.write_text(json.dumps(data), encoding="utf-8")
    assert all(_is_well_said(problem) for problem in _problems(file))


def _problems(file: Path) -> tuple[Problem, ...]:
    try:
        parse(read(file))
    except SpecError as e:
        return e.problems or (Problem(Mark(""), "untranslated", "", "an error without a problem"),)
    return ()


def _is_well_said(problem: Problem) -> bool:
    text = str(problem)
    no_secret = "hunter2" not in text and problem.rule != "untranslated"
    return no_secret and bool(problem.message) and all(line.isprintable() for line in text.split("\n", 1))


@pytest.mark.parametrize("path", _PATHS, ids=str)
def test_a_password_is_never_repeated(path: tuple[str | int, ...], tmp_path: Path) -> None:
    file = tmp_path / "stack.yaml"
    for value in ("redis://:hunter2@redis:6379/0", {"amqp://me:hunter2@rabbit": 1}, {"password": 111222333}):
        file.write_text(json.dumps(_with(_EVERYTHING.data, path, value)), encoding="utf-8")
        with pytest.raises(SpecError) as caught:
            parse(read(file))
        assert "hunter2" not in str(caught.value)
        assert "111222333" not in str(caught.value)
