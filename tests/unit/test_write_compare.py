"""What `check` and `check --fast` find in an output folder; on what both can see, they agree."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stackgen.problem import SpecError
from stackgen.write import compare, since_generated, write

FILES = {"a.yml": "a\n", "d/b.yml": "b\n", "d/é c.yml": "c\n"}
SPEC = b"version: 1\n"
SHA = hashlib.sha256(SPEC).hexdigest()


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An output folder that holds FILES, made from SPEC."""
    write(FILES, tmp_path / "output", spec_sha256=SHA)
    return tmp_path / "output"


def _edit(output: Path) -> None:
    (output / "d/b.yml").write_text("mine")


def _lose(output: Path) -> None:
    (output / "d/b.yml").unlink()


def _add(output: Path) -> None:
    (output / "d/mine").write_text("")


def _break_off(output: Path) -> None:
    (output / ".MANIFEST.next").write_text('{"files": {}}')


def _nothing(output: Path) -> None:
    (output / ".git").mkdir()
    (output / ".git/HEAD").write_text("")


DAMAGES: list[tuple[Callable[[Path], None], list[tuple[str, str]]]] = [
    (_nothing, []),
    (_edit, [("d/b.yml", "output-edited")]),
    (_lose, [("d/b.yml", "output-missing")]),
    (_add, [("d/mine", "output-foreign")]),
    (_break_off, [(".MANIFEST.next", "output-unfinished")]),
]


@pytest.mark.parametrize(("damage", "expected"), DAMAGES)
def test_full_and_fast_check_find_the_same(
    output: Path, damage: Callable[[Path], None], expected: list[tuple[str, str]]
) -> None:
    damage(output)
    full = compare(FILES, output, spec_sha256=SHA)
    quick = since_generated(output, spec_sha256=SHA)
    assert [(p.mark.file, p.rule) for p in full] == [(str(output / path), rule) for path, rule in expected]
    assert quick == full


def test_only_foreign_files_are_a_notice(output: Path) -> None:
    _edit(output)
    _add(output)
    assert [p.level for p in compare(FILES, output)] == ["error", "notice"]


def test_files_that_stack_yaml_would_change_are_stale(output: Path) -> None:
    files = {"a.yml": "other\n", "d/b.yml": "b\n", "new.yml": ""}
    found = [(p.mark.file.removeprefix(f"{output}/"), p.rule) for p in compare(files, output)]
    assert found == [("a.yml", "output-stale"), ("d/é c.yml", "output-stale"), ("new.yml", "output-missing")]


def test_another_stack_yaml_makes_the_manifest_stale(output: Path) -> None:
    manifest = str(output / "MANIFEST.json")
    assert [(p.mark.file, p.rule) for p in compare(FILES, output, spec_sha256="1" * 64)] == [(manifest, "output-stale")]
    assert [(p.mark.file, p.rule) for p in since_generated(output, spec_sha256="2" * 64)] == [
        (manifest, "output-stale")
    ]


def test_without_output_there_is_one_problem(tmp_path: Path) -> None:
    assert [p.rule for p in compare(FILES, tmp_path / "none")] == ["output-missing"]
    assert [p.rule for p in since_generated(tmp_path / "none", spec_sha256=SHA)] == ["output-missing"]


def test_compare_changes_nothing(output: Path) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in (output, *output.rglob("*")))
    compare({"x": ""}, output)
    assert sorted((path, path.stat().st_mtime_ns) for path in (output, *output.rglob("*"))) == before


@pytest.mark.parametrize("damage", ["", "{}", "<<<<<<<", '{"spec": "", "files": {"../a": ""}}'])
def test_a_manifest_that_is_not_ours_is_told(output: Path, damage: str) -> None:
    (output / "MANIFEST.json").write_text(damage)
    with pytest.raises(SpecError, match="output-manifest"):
        since_generated(output, spec_sha256=SHA)


def test_a_folder_that_became_a_link_is_blocked(output: Path, tmp_path: Path) -> None:
    (output / "d").rename(tmp_path / "elsewhere")
    (output / "d").symlink_to(tmp_path / "elsewhere")
    assert {p.rule for p in since_generated(output, spec_sha256=SHA)} == {"output-blocked", "output-foreign"}


def test_the_fast_check_reads_no_yaml_and_builds_no_model() -> None:
    code = "import sys; from stackgen import cli, stack_file, write; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()
    assert {"yaml", "pydantic", "jinja2", "stackgen.pipeline"}.isdisjoint(loaded)
