"""What the writer changes, what it leaves alone, and what makes it stop."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from stackgen.problem import SpecError
from stackgen.write import Changes, compare, read_manifest, write

SHA = "0" * 64
OLD = {"a.yml": "old\n", "d/b.yml": "b\n", "d/e/c.yml": "c\n"}
NEW = {"a.yml": "new\n", "d/b.yml": "b\n", "f/g.yml": "g\n"}


def _write(files: dict[str, str], output: Path, *, force: bool = False) -> Changes:
    return write(files, output, spec_sha256=SHA, force=force)


def _tree(output: Path) -> dict[str, str]:
    """Every file but the manifest, links and all."""
    paths = (path for path in output.rglob("*") if not path.is_dir() or path.is_symlink())
    return {p.relative_to(output).as_posix(): p.read_text() for p in paths if p.name != "MANIFEST.json"}


def _rules(error: pytest.ExceptionInfo[SpecError]) -> list[str]:
    return [problem.rule for problem in error.value.problems]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An output folder that holds OLD."""
    _write(OLD, tmp_path / "output")
    return tmp_path / "output"


def test_first_run_creates_all(tmp_path: Path) -> None:
    changes = _write(OLD, tmp_path / "x" / "output")
    assert changes == Changes(created=("a.yml", "d/b.yml", "d/e/c.yml"))
    assert _tree(tmp_path / "x" / "output") == OLD


def test_next_run_updates_creates_removes_and_prunes(output: Path) -> None:
    assert _write(NEW, output) == Changes(("f/g.yml",), ("a.yml",), ("d/e/c.yml",), ("d/b.yml",))
    assert _tree(output) == NEW
    assert not (output / "d/e").exists()


def test_unchanged_output_is_not_touched_at_all(output: Path) -> None:
    os.utime(output, ns=(0, 0))
    before = {path: path.stat() for path in (output, *output.rglob("*"))}
    assert _write(OLD, output) == Changes(unchanged=tuple(OLD))
    after = {path: path.stat() for path in before}
    assert {p: (s.st_mtime_ns, s.st_ino) for p, s in after.items()} == {
        p: (s.st_mtime_ns, s.st_ino) for p, s in before.items()
    }


def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        _write(OLD, tmp_path / "output")
    finally:
        os.umask(before)
    output = tmp_path / "output"
    modes = {path: path.stat().st_mode & 0o777 for path in (output, *output.rglob("*"))}
    assert modes == {path: 0o755 if path.is_dir() else 0o644 for path in modes}


def test_manifest_lists_spec_and_files(output: Path) -> None:
    files = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in OLD.items()}
    text = (output / "MANIFEST.json").read_text()
    assert text == json.dumps({"spec": SHA, "files": files | {"MANIFEST.json": "this file"}}, indent=2) + "\n"
    manifest = read_manifest(output)
    assert manifest is not None
    assert (manifest.spec, manifest.files) == (SHA, files)


def test_no_manifest_before_the_first_run(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    assert read_manifest(tmp_path / "none") is None


@pytest.mark.parametrize("edited", ["a.yml", "d/e/c.yml"])
def test_a_file_edited_by_hand_stops_the_run(output: Path, edited: str) -> None:
    (output / edited).write_text("mine")
    with pytest.raises(SpecError, match=r"edited by hand.*\n.*--force") as error:
        _write(NEW, output)
    assert [(p.mark.file, p.rule) for p in error.value.problems] == [(str(output / edited), "output-edited")]
    assert _tree(output) == OLD | {edited: "mine"}


def test_an_edit_that_equals_the_new_text_does_not_stop(output: Path) -> None:
    (output / "a.yml").write_text(NEW["a.yml"])
    assert "a.yml" in _write(NEW, output).unchanged


def test_force_overwrites_an_edit_but_removes_none(output: Path) -> None:
    (output / "a.yml").write_text("mine")
    (output / "d/e/c.yml").write_text("mine")
    assert _write(NEW, output, force=True).removed == ()
    assert _tree(output) == NEW | {"d/e/c.yml": "mine"}


def test_foreign_files_are_left_alone(output: Path) -> None:
    (output / "d/e/mine").write_text("mine")
    _write(NEW, output)
    assert _tree(output) == NEW | {"d/e/mine": "mine"}


def test_a_foreign_file_in_the_way_stops_unless_forced(output: Path) -> None:
    (output / "f").mkdir()
    (output / "f/g.yml").write_text("mine")
    with pytest.raises(SpecError) as error:
        _write(NEW, output)
    assert _rules(error) == ["output-foreign"]
    assert _tree(output) == OLD | {"f/g.yml": "mine"}
    _write(NEW, output, force=True)
    assert _tree(output) == NEW


@pytest.mark.parametrize("files", [{"d": "file"}, {"a.yml/x/y": "file"}, {"d/e": "1", "d/b.yml/x": "2"}])
def test_files_and_folders_change_places(output: Path, files: dict[str, str]) -> None:
    _write(files, output)
    assert _tree(output) == files


def test_a_folder_with_a_foreign_file_does_not_make_room(output: Path) -> None:
    (output / "d/mine").write_text("")
    with pytest.raises(SpecError) as error:
        _write({"d": "file"}, output, force=True)
    assert _rules(error) == ["output-blocked"]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("link", ["a.yml", "d", "f", "f/g.yml"])
def test_nothing_is_written_through_a_link(output: Path, tmp_path: Path, link: str, force: bool) -> None:
    outside = tmp_path / "outside"
    (outside / "e").mkdir(parents=True)
    for name in ("a.yml", "b.yml", "g.yml", "e/c.yml"):
        (outside / name).write_text("precious")
    place = output / link
    if place.exists():
        place.rename(tmp_path / "away")
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(outside / link if link.endswith("yml") else outside)
    with pytest.raises(SpecError) as error:
        _write(NEW, output, force=force)
    assert set(_rules(error)) == {"output-blocked"}
    assert {path.read_text() for path in outside.rglob("*.yml")} == {"precious"}


def test_nothing_is_removed_through_a_link(output: Path, tmp_path: Path) -> None:
    (output / "d").rename(tmp_path / "outside")
    (output / "d").symlink_to(tmp_path / "outside")
    _write({"a.yml": "new\n"}, output)
    assert (tmp_path / "outside/e/c.yml").read_text() == "c\n"


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: path.symlink_to("/etc")])
def test_what_stands_at_the_stage_is_removed_and_not_followed(output: Path, make: Callable[[Path], None]) -> None:
    make(output / ".stackgen-stage")
    _write(NEW, output)
    assert _tree(output) == NEW


def test_output_itself_may_be_a_link(output: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(output)
    _write(NEW, tmp_path / "link")
    assert _tree(output) == NEW


def test_output_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("mine")
    with pytest.raises(SpecError, match=r"output: error\[output-refused\]: .*exists\n  hint: remove the file"):
        _write(NEW, tmp_path / "output")


@pytest.mark.parametrize(
    "paths",
    [
        ["/etc/passwd"],
        ["../x"],
        ["a/../../x"],
        ["a//b"],
        ["a/"],
        [""],
        ["a\\b"],
        ["a\nb"],
        ["MANIFEST.json"],
        [".manifest.NEXT"],
        [".stackgen-stage/x"],
        ["a.yml", "A.yml"],
        ["d/x", "D/y"],
        ["\u00e9", "e\u0301"],
        ["a", "a/b"],
    ],
)
def test_paths_that_cannot_be_are_refused(tmp_path: Path, paths: list[str]) -> None:
    with pytest.raises(SpecError) as error:
        _write(dict.fromkeys(paths, ""), tmp_path / "output")
    assert _rules(error) == ["output-path"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "<<<<<<< HEAD",
        "[]",
        '{"spec": "", "files": []}',
        json.dumps({"spec": "", "files": {"../victim": hashlib.sha256(b"precious").hexdigest()}}),
    ],
)
def test_a_manifest_that_is_not_ours_stops_unless_forced(output: Path, text: str) -> None:
    (output.parent / "victim").write_text("precious")
    (output / "MANIFEST.json").write_text(text)
    for use in (lambda: _write(NEW, output), lambda: compare(NEW, output), lambda: read_manifest(output)):
        with pytest.raises(SpecError) as error:
            use()
        assert _rules(error) == ["output-manifest"]
    _write(NEW, output, force=True)
    assert (output.parent / "victim").read_text() == "precious"
    assert _tree(output) == NEW | {"d/e/c.yml": "c\n"}


def test_what_the_journal_lists_is_ours(output: Path) -> None:
    """A run that died after renaming a.yml, and one before it with other texts."""
    hashes = [hashlib.sha256(text).hexdigest() for text in (b"first", b"second")]
    (output / ".MANIFEST.next").write_text(json.dumps({"files": {"a.yml": hashes, "gone": hashes}}))
    (output / "a.yml").write_text("first")
    (output / "gone").write_text("second")
    assert [p.rule for p in compare(OLD, output)] == ["output-unfinished", "output-stale", "output-stale"]
    _write(NEW, output)
    assert _tree(output) == NEW
