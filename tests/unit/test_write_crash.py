"""What a death, a second run, a full disk or a missing permission leaves behind: files old or new, never half."""

from __future__ import annotations

import fcntl
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from stackgen.problem import SpecError
from stackgen.write import swap, write
from stackgen.write.secret_files import Wanted, write_missing

SHA = "0" * 64
PATHS = [f"{folder}/{n}.yml" for folder in ("a", "b", "b/c") for n in range(3)]


def _files(letter: str) -> dict[str, str]:
    """A generation of files; some of a generation are not in the next, and all are large enough to be cut in two."""
    return {path: letter * 20_000 for n, path in enumerate(PATHS) if n % 4 != ord(letter) % 4} | {
        f"only/{letter}": letter
    }


def _write(letter: str, output: Path) -> None:
    write(_files(letter), output, spec_sha256=SHA)


def _start(action: Callable[[], object]) -> tuple[int, int]:
    """A process of its own for the action, which may die there or lose its rights; what _end needs."""
    read, said = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            action()
        except SpecError as error:
            os.write(said, str(error).encode())
        except BaseException as error:
            os.write(said, f"not a SpecError: {error!r}".encode())
        finally:
            os._exit(0)
    os.close(said)
    return child, read


def _end(child: int, read: int) -> tuple[bool, str]:
    """Whether it was killed, and its error if it raised one."""
    with os.fdopen(read) as stream:
        text = stream.read()
    return os.WIFSIGNALED(os.waitpid(child, 0)[1]), text


def _in_child(action: Callable[[], object]) -> tuple[bool, str]:
    return _end(*_start(action))


def _assert_whole(output: Path, letters: str) -> None:
    """Every file is one generation's, from the first byte to the last."""
    for name in PATHS:
        if (output / name).exists():
            assert (output / name).read_text() in {_files(letter).get(name) for letter in letters}
    for path in (p for p in output.rglob("*") if p.is_file() and not p.name.startswith((".", "MANIFEST"))):
        assert ".stackgen-stage" in path.parts or path.relative_to(output).as_posix() in set().union(
            *map(_files, letters)
        )


def _assert_holds(output: Path, letter: str) -> None:
    names = {path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file()}
    assert names == {*_files(letter), "MANIFEST.json"}
    assert {path: (output / path).read_text() for path in _files(letter)} == _files(letter)
    assert all(any(path.iterdir()) for path in output.rglob("*") if path.is_dir())


def _die_at(step: int) -> None:
    """Kills this process before its step-th change of the file system, as Python's audit events name them."""
    changes = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "open"}
    left = iter(range(step))

    def hook(event: str, _: object) -> None:
        if event in changes and next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _write_and_die(letter: str, output: Path, step: int) -> None:
    _die_at(step)
    _write(letter, output)


def test_a_death_at_any_step_leaves_old_or_new_and_the_next_run_mends(tmp_path: Path) -> None:
    output = tmp_path / "output"
    step, died = 0, True
    while died:
        shutil.rmtree(output, ignore_errors=True)
        _write("A", output)
        died, said = _in_child(partial(_write_and_die, "B", output, step))
        assert said == ""
        _assert_whole(output, "AB")
        _write("C", output)
        _assert_holds(output, "C")
        step += 1
    assert step > 2 * len(PATHS)


def test_after_many_deaths_in_a_row_every_text_is_still_known_as_ours(tmp_path: Path) -> None:
    output = tmp_path / "output"
    chance = random.Random(1)
    for letter in "ABCD" * 12:
        _, said = _in_child(partial(_write_and_die, letter, output, chance.randrange(90)))
        assert said == ""
        _assert_whole(output, "ABCD")
    _write("D", output)
    _assert_holds(output, "D")


WANTED = (Wanted("kept", "random"), Wanted("empty", "random"), Wanted("new", "users"), Wanted("theirs", "given"))
WHOLE = re.compile(r"[\w-]{48}|admin:[\w-]{32}\n|placeholder\n")


def _fill_and_die(folder: Path, step: int) -> None:
    _die_at(step)
    write_missing(WANTED, folder, placeholders=True)


def test_a_death_at_any_step_of_secrets_leaves_each_old_or_whole_and_none_for_git(tmp_path: Path) -> None:
    folder = tmp_path / "output/.secrets"
    step, died = 0, True
    while died:
        shutil.rmtree(tmp_path / "output", ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "kept").write_text("mine")
        (folder / "empty").touch()
        died, said = _in_child(partial(_fill_and_die, folder, step))
        assert said == ""
        made = [name for name in ("empty", "new", "theirs") if (folder / name).exists() and (folder / name).read_text()]
        assert all(WHOLE.fullmatch((folder / name).read_text()) for name in made)
        assert (folder / ".gitignore").exists() or not made
        assert not (folder / ".gitignore").exists() or (folder / ".gitignore").read_text() == "*\n"
        assert set(made) <= set(write_missing(WANTED, folder, placeholders=True).kept)
        assert (folder / "kept").read_text() == "mine"
        assert {path.name for path in folder.iterdir()} == {".gitignore", *(one.name for one in WANTED)}
        step += 1
    assert step > 2 * len(WANTED)


def _write_for_ever(output: Path) -> None:
    while True:
        _write("A", output)
        _write("B", output)


def test_kill_9_at_random_moments(tmp_path: Path) -> None:
    output = tmp_path / "output"
    chance = random.Random(2)
    until = time.monotonic() + 2
    while time.monotonic() < until:
        child, read = _start(partial(_write_for_ever, output))
        time.sleep(chance.uniform(0.001, 0.05))
        os.kill(child, signal.SIGKILL)
        assert _end(child, read) == (True, "")
        _assert_whole(output, "AB")
    _write("C", output)
    _assert_holds(output, "C")


def _write_often(letter: str, output: Path) -> None:
    for _ in range(15):
        _write(letter, output)
        for name in PATHS:
            with suppress(FileNotFoundError):  # another generation may be without this one
                assert (output / name).read_text() in {_files(other).get(name) for other in "ABCD"}


def test_runs_at_once_take_turns(tmp_path: Path) -> None:
    output = tmp_path / "output"
    children = [_start(partial(_write_often, letter, output)) for letter in "ABCD"]
    assert [_end(*child) for child in children] == [(False, "")] * 4
    (last,) = (output / "only").iterdir()
    _assert_holds(output, last.name)


def test_a_run_that_waits_too_long_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write("A", tmp_path)
    monkeypatch.setattr(swap, "LOCK_SECONDS", 0.1)
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(SpecError, match=r"output-locked.*another run of stackgen.*\n  hint: wait"):
        _write("B", tmp_path)
    os.close(other)
    _assert_holds(tmp_path, "A")


def _write_with_small_files(letter: str, output: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    _write(letter, output)


def test_files_beyond_the_limit_change_nothing(tmp_path: Path) -> None:
    _write("A", tmp_path)
    _, said = _in_child(partial(_write_with_small_files, "B", tmp_path))
    expected = r"a/\d.yml: error\[output-refused\]: the system says: File too large\n  hint: raise the limit"
    assert re.search(expected, said)
    _assert_holds(tmp_path, "A")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[Path, Callable[[str, Path], None]]]:
    """A disk with room for one generation, and how to write there; who may not mount gets a limit instead."""
    mount = shutil.which("mount") or "false"
    size = ["-t", "tmpfs", "-o", "size=240k", "none"]
    mounted = subprocess.run([mount, *size, tmp_path], check=False, capture_output=True).returncode == 0
    yield tmp_path, _write if mounted else _write_with_small_files
    if mounted:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_full_disk_changes_nothing(small_disk: tuple[Path, Callable[[str, Path], None]]) -> None:
    output, write_there = small_disk
    _write("A", output)
    _, said = _in_child(partial(write_there, "B", output))
    assert re.search(r"error\[output-refused\]: the system says: (No space left|File too large)", said)
    _assert_holds(output, "A")


@pytest.fixture
def world() -> Iterator[Path]:
    """An output folder that holds A, where a user without rights can reach it."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        _write("A", Path(name) / "output")
        yield Path(name) / "output"


def _as_nobody(action: Callable[[], object]) -> None:
    """Root may write anywhere, so the action is run as a user who may not."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    action()


def _give_to_nobody(output: Path) -> None:
    if os.geteuid() == 0:
        for path in (output, *output.rglob("*")):
            os.chown(path, 65534, 65534)


def test_a_folder_without_permission_is_named_and_left_as_it_is(world: Path) -> None:
    world.chmod(0o555)
    _, said = _in_child(lambda: _as_nobody(lambda: _write("B", world)))
    world.chmod(0o755)
    assert said.startswith(
        f"{world}: error[output-refused]: the system says: Permission denied\n  hint: make it writable"
    )
    _assert_holds(world, "A")


def test_nothing_to_do_needs_no_permission(world: Path) -> None:
    world.chmod(0o555)
    assert _in_child(lambda: _as_nobody(lambda: _write("A", world))) == (False, "")
    world.chmod(0o755)


def test_one_folder_without_permission_leaves_every_file_old_or_new(world: Path) -> None:
    _give_to_nobody(world)
    (world / "b/c").chmod(0o555)
    _, said = _in_child(lambda: _as_nobody(lambda: _write("B", world)))
    (world / "b/c").chmod(0o755)
    assert re.match(rf"{world}/b/c/\d.yml: error\[output-refused\]: the system says: Permission denied", said)
    assert not (world / ".stackgen-stage").exists()
    _assert_whole(world, "AB")
    _write("C", world)
    _assert_holds(world, "C")
