"""One command of this checkout against the same of an earlier commit, run in turn: the ratio is what counts.

Two programs that run one after the other meet the same busy machine, so the ratio of each pair says more than the
difference of two medians.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.measure import Usage, once

Command = Callable[[Path], Sequence[str | Path]]
"""Gets a folder of its own that does not exist yet, for every run."""


@contextmanager
def checkout(commit: str, repository: Path, folder: Path) -> Iterator[Path]:
    """A work tree of the commit below `folder`, which git forgets again."""
    tree = folder / "before"
    git: list[str | Path] = ["git", "-C", repository, "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", tree, commit], check=True)
    try:
        yield tree
    finally:
        subprocess.run([*git, "remove", "--force", tree], check=True)


def package(tree: Path) -> tuple[str, Path]:
    """The package's name in this tree, and the folder it is imported from; it was called `generator` once."""
    sources = tree / "generator"
    return ("stackgen", sources) if (sources / "stackgen").is_dir() else ("generator", tree)


def pairs(
    before: Command, now: Command, scratch: Path, environments: Sequence[Mapping[str, str]], count: int
) -> list[tuple[Usage, Usage]]:
    """So many pairs, each in the other order than the one before; the first fills caches and is not counted."""
    found = []
    for number in range(count + 1):
        order = (0, 1) if number % 2 else (1, 0)
        used = {i: once((before, now)[i](scratch / f"{number}-{i}"), scratch, environments[i]) for i in order}
        found.append((used[0], used[1]))
    return found[1:]


def table(found: Sequence[tuple[Usage, Usage]], commit: str) -> str:
    """Medians and ranges in seconds, and of the ratios of the pairs."""
    rows = [f"{'':6}{commit[:12]:>24}{'now':>24}{'ratio':>20}"]
    for name in ("wall", "cpu"):
        numbers = [(getattr(one, name), getattr(two, name)) for one, two in found]
        columns = [[a for a, _ in numbers], [b for _, b in numbers], [b / a for a, b in numbers]]
        shown = [f"{median(c):.3f} ({min(c):.3f}-{max(c):.3f})" for c in columns]
        rows.append(f"{name:6}{shown[0]:>24}{shown[1]:>24}{shown[2]:>24}")
    return "\n".join(rows)
