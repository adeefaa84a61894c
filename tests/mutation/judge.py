"""Runs the tests that should notice a mutant with the real promtool: those of its signals, those of its source."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from stackgen.catalog import registry
from stackgen.catalog.signals.queues_stuck import QUEUES_STUCK
from stackgen.emitters import prometheus
from stackgen.load import load
from stackgen.render.environment import render
from stackgen.resolve.resolver import resolve
from stackgen.spec import parse
from stackgen.verify import tools
from tests.mutation.mutants import Mutant
from tests.sources.stacks import EVERY_SIGNAL, HERE, SOURCES, VALUES, stack

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Verdict:
    """Whether any test noticed a mutant."""

    mutant: Mutant
    killed: bool


def rendered(stack: Path) -> dict[str, str]:
    """The rules and their generated tests of a stack.yaml, by path below output/."""
    document = load(stack)
    plan = resolve(parse(document), document)
    return {a.path: render(a).text for a in prometheus.artefacts(plan) if a.path != "prometheus/prometheus.yml"}


@dataclass(frozen=True)
class Suite:
    """The rules of one stack, their generated tests, and tests that were written by hand for them."""

    files: Mapping[str, str]
    """Rules and generated tests, by path below output/."""
    by_hand: Path | None = None
    records: frozenset[str] | None = None
    """The recorded series that are broken here; None: all rules that no source's reading makes."""
    signals: tuple[str, ...] = ()
    """The only signals whose alerts and limits are broken here; () for all."""


def suites(specs: Iterable[Path]) -> Iterator[Suite]:
    """A stack for the readings of each source, then the given ones for what all users' rules have in common."""
    with tempfile.TemporaryDirectory(prefix="stackgen-stacks-") as folder:
        for name in SOURCES:
            records = frozenset(reading.series.name for reading in registry.sources()[name].readings)
            yield Suite(rendered(stack(name, Path(folder))), HERE / f"{name}.yaml", records)
        for spec in specs:
            yield Suite(rendered(spec), *_ALONE.get(spec, (None,)))


STARTS = REPOSITORY / "tests" / "scenarios" / "sent-events-off.stack.yaml"
"""Where nobody says of which queue a task was that began: only there some signals have anything to say."""
_ALONE: Mapping[Path, tuple[Path | None, frozenset[str] | None, tuple[str, ...]]] = {
    EVERY_SIGNAL: (HERE / f"{VALUES}.yaml", None, ()),
    STARTS: (
        STARTS.with_name("sent-events-off.yaml"),
        frozenset({QUEUES_STUCK.record}),
        (QUEUES_STUCK.id,),
    ),
}


def judged(mutants: Iterable[Mutant], suite: Suite, promtool: Path) -> Iterator[Verdict]:
    """A verdict for each mutant, in order; one promtool per core."""
    os.environ.setdefault("GOGC", "800")  # promtool lives for half a second: a fifth less time without much collecting
    with tempfile.TemporaryDirectory(prefix="stackgen-mutation-") as folder:
        root, broken = Path(folder), list(mutants)
        _parsed(broken, root / "all.yml", promtool)
        (root / "prometheus" / "tests").mkdir(parents=True)
        for path, text in suite.files.items():
            if path.startswith("prometheus/tests/"):
                (root / path).write_text(text, encoding="utf-8")

        can_choose = "--run" in tools.run(promtool, "help", "test", "rules", cwd=root).out

        def judge(numbered: tuple[int, Mutant]) -> Verdict:
            number, mutant = numbered
            return Verdict(mutant, _killed(root / str(number), mutant, suite, promtool, can_choose=can_choose))

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            yield from pool.map(judge, enumerate(broken))


def _parsed(mutants: Iterable[Mutant], scratch: Path, promtool: Path) -> None:
    """ValueError when one of them is no rule at all: every test would notice it, and prove nothing by that."""
    groups = [{"name": f"{n}: {m.rule}: {m.what}", "rules": [dict(m.changed)]} for n, m in enumerate(mutants)]
    scratch.write_text(yaml.dump({"groups": groups}, Dumper=yaml.CSafeDumper), encoding="utf-8")
    done = tools.run(promtool, "check", "rules", "--lint=none", scratch.name, cwd=scratch.parent)
    if done.code:
        raise ValueError(done.err + done.out)


def _killed(folder: Path, mutant: Mutant, suite: Suite, promtool: Path, *, can_choose: bool) -> bool:
    rules = folder / "prometheus" / "rules"
    rules.mkdir(parents=True)
    for path, text in suite.files.items():
        if path.startswith("prometheus/rules/"):
            (rules / Path(path).name).write_text(
                mutant.applied(text) if path == mutant.file else text, encoding="utf-8"
            )
    if suite.by_hand:
        (folder / "prometheus" / suite.by_hand.name).symlink_to(suite.by_hand)
    # promtool opens rule files relative to the test file's own folder as it is written, so a link is enough.
    (folder / "prometheus" / "tests").symlink_to(Path("../../prometheus/tests"))
    try:
        return any(
            tools.run(promtool, "test", "rules", *of, cwd=folder).code for of in _tests(mutant, suite, can_choose)
        )
    finally:
        shutil.rmtree(rules)


def _tests(mutant: Mutant, suite: Suite, can_choose: bool) -> Iterator[tuple[str, ...]]:
    """promtool's arguments, those first that notice soonest; for alerts and limits the tests in output/ alone."""
    if suite.by_hand and not mutant.judges:
        yield (f"prometheus/{suite.by_hand.name}",)
    if can_choose:
        yield "--run", "after|own", f"prometheus/tests/{mutant.signals[0]}.yml"
    yield from ((f"prometheus/tests/{signal}.yml",) for signal in mutant.signals)
