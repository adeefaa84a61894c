"""Measures the generator against the budgets of the design, everything in one run: `make bench`.

`python -m bench.run --against COMMIT` measures `generate` only, in turn with that of an earlier commit.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from bench import against
from bench.measure import Case, Failed, Result, interleaved, once
from bench.stacks import many_queues, many_stacks
from stackgen.problem import ToolMissing
from stackgen.verify.tools import find

REPOSITORY = Path(__file__).resolve().parents[1]
BARE = "bare import"
BARE_CODE = "import click, jinja2, yaml; from pydantic import BaseModel"
MIB = 1024 * 1024

QUEUES: dict[int, tuple[float | None, int | None]] = {
    1: (None, None),
    100: (None, None),
    1_000: (1.5, 300 * MIB),
    10_000: (12.0, 300 * MIB),
}
"""Numbers of queues, with the budget in seconds and in bytes of memory."""
STACKS: dict[int, float] = {15: 2.5, 50: 8.0}
"""Numbers of stacks in one command, with the budget in seconds on two quiet cores."""


def main() -> int:
    """Measures, prints the table, gives the exit code: 1 for a budget exceeded under --strict, 3 for no promtool."""
    options = _options()
    try:
        with tempfile.TemporaryDirectory(prefix="stackgen-bench-") as folder:
            if options.against:
                print(_against(options.against, Path(folder), options.rounds))
                return 0
            results = _measure(Path(folder), options.rounds, options.queues)
    except Failed as e:
        print(e, file=sys.stderr)
        return 1
    except ToolMissing as e:
        print(e, file=sys.stderr)
        return 3
    print(_table(results))
    if options.json:
        options.json.write_text(json.dumps(_record(results), indent=2) + "\n")
    return int(options.strict and any(any(result.excesses()) for result in results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help="runs counted of each short case (default 11)")
    parser.add_argument("--queues", type=int, default=max(QUEUES), help="largest number of queues (default 10000)")
    parser.add_argument("--against", metavar="COMMIT", help="only `generate`, and its ratio to that of this commit")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers to FILE")
    parser.add_argument("--strict", action="store_true", help="exit code 1 when a budget is exceeded")
    return parser.parse_args()


def _measure(scratch: Path, rounds: int, largest: int) -> list[Result]:
    environment = _environment(REPOSITORY)
    current = scratch / "current"
    once(_generate(REPOSITORY / "stack.yaml", current), scratch, environment)
    return interleaved(
        [*_short(current, rounds), *_promtool(current), *_stacks(scratch), *_queues(scratch, largest)],
        scratch,
        environment,
    )


def _environment(path: Path) -> dict[str, str]:
    """A user's: compiled modules and templates are kept."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(path), "LC_ALL": "C.UTF-8"}


def _against(commit: str, scratch: Path, count: int) -> str:
    with against.checkout(commit, REPOSITORY, scratch) as tree:
        packages = [against.package(tree), against.package(REPOSITORY)]
        stack = tree / "stack.yaml"  # both must read it
        before, now = (partial(_as_module, name, stack) for name, _ in packages)
        environments = [_environment(path) for _, path in packages]
        return against.table(against.pairs(before, now, scratch, environments, count), commit)


def _as_module(name: str, stack: Path, output: Path) -> list[str | Path]:
    return [sys.executable, "-m", name, "generate", "--stack", stack, "--output", output]


def _program() -> list[str | Path]:
    """The console script as a user starts it; without one, the module."""
    script = Path(sys.executable).parent / "stackgen"
    return [script] if script.is_file() else [sys.executable, "-m", "stackgen"]


def _generate(stack: Path, output: Path) -> list[str | Path]:
    return [*_program(), "generate", "--stack", stack, "--output", output]


def _short(current: Path, rounds: int) -> list[Case]:
    stack = REPOSITORY / "stack.yaml"
    check: list[str | Path] = [*_program(), "check", "--fast", "--stack", stack, "--output", current]
    return [
        Case(BARE, lambda _: [sys.executable, "-c", BARE_CODE], rounds),
        Case("stackgen generate, this repository", lambda output: _generate(stack, output), rounds, wall=0.5),
        Case("stackgen check --fast, unchanged", lambda _: check, rounds, wall=0.1),
        Case("stackgen --help", lambda _: [*_program(), "--help"], rounds, wall=0.1),
    ]


def _promtool(current: Path) -> list[Case]:
    files = sorted((current / "prometheus" / "tests").glob("*.yml"))
    if not files:
        message = f"{current}/prometheus/tests holds no test: nothing to measure promtool with"
        raise Failed(message)
    command: list[str | Path] = [find("promtool"), "test", "rules", *files]
    return [Case("promtool test rules, this repository", lambda _: command, 3, wall=5.0)]


def _stacks(scratch: Path) -> list[Case]:
    cases = []
    for count, wall in STACKS.items():
        folder = scratch / f"stacks-{count}"
        folder.mkdir()
        for name, text in many_stacks(count).items():
            (folder / name).write_text(text)
        command = partial(_of_folder, folder)
        cases.append(Case(f"stackgen generate, {count} stacks", command, 3, wall=wall, peak=100 * MIB))
    return cases


def _of_folder(stacks: Path, output: Path) -> list[str | Path]:
    return [*_program(), "generate", stacks, "--output", output]


def _queues(scratch: Path, largest: int) -> list[Case]:
    cases = []
    for count, (wall, peak) in QUEUES.items():
        if count > largest:
            continue
        stack = scratch / f"stack-{count}.yaml"
        stack.write_text(many_queues(count))
        cases.append(_queue_case(count, stack, wall, peak))
    return cases


def _queue_case(count: int, stack: Path, wall: float | None, peak: int | None) -> Case:
    name = f"stackgen generate, {count:,} queue{'s' if count > 1 else ''}"
    return Case(name, lambda output: _generate(stack, output), 3, wall=wall, peak=peak)


def _bare(results: Sequence[Result]) -> float:
    return next(result.usage.wall for result in results if result.case.name == BARE)


def _table(results: Sequence[Result]) -> str:
    bare = _bare(results)
    rows: list[tuple[str, ...]] = [("what", "median", "range", "CPU", "x bare", "peak", "written", "budget", "")]
    rows += [_row(result, bare) for result in results]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(_cells(row, widths)).rstrip() for row in rows)


def _cells(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Words to the left, numbers to the right."""
    last = len(row) - 2
    return [
        text.ljust(width) if index in (0, last, last + 1) else text.rjust(width)
        for index, (text, width) in enumerate(zip(row, widths, strict=True))
    ]


def _row(result: Result, bare: float) -> tuple[str, ...]:
    usage, case = result.usage, result.case
    budget = [f"{case.wall:g} s" if case.wall else "", f"{case.peak // MIB} MiB" if case.peak else ""]
    over = ", ".join(result.excesses())
    return (
        case.name,
        f"{usage.wall:.3f} s",
        f"{result.fastest:.3f}-{result.slowest:.3f}",
        f"{usage.cpu:.3f} s",
        f"{usage.wall / bare:.2f}",
        f"{usage.peak / MIB:.0f} MiB",
        f"{result.written / 1024:,.0f} KiB" if result.written else "",
        ", ".join(filter(None, budget)),
        f"OVER ({over})" if over else "ok" if any(budget) else "",
    )


def _record(results: Sequence[Result]) -> dict[str, object]:
    bare = _bare(results)
    return {
        "machine": {"python": platform.python_version(), "system": platform.platform(), "cpus": os.cpu_count()},
        "results": [
            {
                "name": result.case.name,
                "rounds": result.case.rounds,
                "median": asdict(result.usage),
                "fastest": result.fastest,
                "slowest": result.slowest,
                "written": result.written,
                "ratio": result.usage.wall / bare,
                "over": list(result.excesses()),
            }
            for result in results
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
