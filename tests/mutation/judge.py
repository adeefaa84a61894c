"""Runs the generated tests of a mutant's signals with the real promtool."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from stackgen.emitters import prometheus
from stackgen.load import load
from stackgen.render.environment import render
from stackgen.resolve.resolver import resolve
from stackgen.spec import parse
from stackgen.verify import tools
from tests.mutation.mutants import Mutant


@dataclass(frozen=True)
class Verdict:
    """Whether any test noticed a mutant."""

    mutant: Mutant
    killed: bool


def rendered(stack: Path) -> dict[str, str]:
    """The rules and their generated tests of a stack.yaml, by path below output/."""
    document = load(stack)
    plan = resolve(parse(document), document)
    artefacts = [*prometheus.artefacts(plan)]
    return {a.path: render(a).text for a in artefacts if a.path != "prometheus/prometheus.yml"}


def judged(mutants: Iterable[Mutant], files: Mapping[str, str], promtool: Path) -> Iterator[Verdict]:
    """A verdict for each mutant, in order; one promtool per core."""
    os.environ.setdefault("GOGC", "800")  # promtool lives for half a second: a fifth less time without much collecting
    with tempfile.TemporaryDirectory(prefix="stackgen-mutation-") as folder:
        root = Path(folder)
        (root / "prometheus" / "tests").mkdir(parents=True)
        for path, text in files.items():
            if path.startswith("prometheus/tests/"):
                (root / path).write_text(text, encoding="utf-8")

        can_choose = "--run" in tools.run(promtool, "help", "test", "rules", cwd=root).out

        def judge(numbered: tuple[int, Mutant]) -> Verdict:
            number, mutant = numbered
            return Verdict(mutant, _killed(root / str(number), mutant, files, promtool, can_choose=can_choose))

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            yield from pool.map(judge, enumerate(mutants))


def _likely(mutant: Mutant) -> str:
    """The cases most likely to notice, as a regular expression: running these alone first halves the time."""
    if "alert" in mutant.changed:
        return "all stories|ends when|own limit"
    return "new|outlives|celery:"


def _killed(folder: Path, mutant: Mutant, files: Mapping[str, str], promtool: Path, *, can_choose: bool) -> bool:
    rules = folder / "prometheus" / "rules" / Path(mutant.file).name
    rules.parent.mkdir(parents=True)
    rules.write_text(mutant.applied(files[mutant.file]), encoding="utf-8")
    (folder / "prometheus" / "tests").symlink_to(Path("../../prometheus/tests"))
    try:
        # promtool opens rule files relative to the test file's own folder as it is written, so a link is enough.
        first = f"prometheus/tests/{mutant.signals[0]}.yml"
        if can_choose and tools.run(promtool, "test", "rules", "--run", _likely(mutant), first, cwd=folder).code:
            return True
        return any(
            tools.run(promtool, "test", "rules", f"prometheus/tests/{signal}.yml", cwd=folder).code != 0
            for signal in mutant.signals
        )
    finally:
        rules.unlink()
