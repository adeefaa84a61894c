"""`stackgen init` gives a stack.yaml that works and never touches one that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackgen.pipeline import prepare
from stackgen.problem import SpecError
from stackgen.write import write_first


def test_the_first_stack_is_accepted_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "stack.yaml"
    write_first(path)
    assert prepare(path).plan.spec.stack.name == "my-app"


def test_a_stack_that_is_there_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "stack.yaml"
    path.write_text("mine")
    with pytest.raises(SpecError, match="is there already"):
        write_first(path)
    assert path.read_text() == "mine"


def test_a_place_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be written"):
        write_first(tmp_path / "no" / "stack.yaml")
