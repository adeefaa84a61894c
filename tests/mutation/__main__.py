"""`python -m tests.mutation`: how many mistakes in the generated rules the generated tests notice."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from stackgen.verify import tools
from tests.mutation.equivalent import reason
from tests.mutation.judge import Verdict, judged, rendered
from tests.mutation.mutants import Mutant, mutants

REPOSITORY = Path(__file__).resolve().parents[2]
OWN_SPEC = Path(__file__).with_name("everything.yaml")
"""A stack with every kind of override, owner, guard and source that the repository's own has not."""


def chosen(specs: Iterable[Path], every: int = 1, signal: str = "") -> Iterable[tuple[dict[str, str], list[Mutant]]]:
    """The mutants of each stack; what an earlier stack has word for word is not mutated again."""
    seen: set[tuple[object, ...]] = set()
    for spec in specs:
        files = rendered(spec)
        fresh = []
        for mutant in mutants(files):
            key = (mutant.rule, mutant.what, *(str(mutant.changed.get(k)) for k in ("expr", "for", "keep_firing_for")))
            if key not in seen and (not signal or signal in mutant.signals):
                seen.add(key)
                fresh.append(mutant)
        yield files, fresh[::every]


def main(arguments: Sequence[str]) -> int:
    """Prints a table per signal and the survivors; 1 when there is one that no proof excuses."""
    asked = _asked(arguments)
    console = Console(stderr=True)
    verdicts: list[Verdict] = []
    every = 1
    if asked.sample:
        every = max(1, sum(len(m) for _, m in chosen(asked.spec, 1, asked.signal)) // asked.sample)
    for files, some in chosen(asked.spec, every, asked.signal):
        run = judged(some, files, asked.promtool)
        shown = track(run, "mutating", len(some), console=console, disable=not console.is_terminal, transient=True)
        for verdict in shown:
            verdicts.append(verdict)
            if _survives(verdict):
                console.print(f"survives: {verdict.mutant.rule}: {verdict.mutant.what}", markup=False, highlight=False)
            if not console.is_terminal and len(verdicts) % 100 == 0:
                print(f"{len(verdicts)} mutants, {sum(map(_survives, verdicts))} survive so far", file=sys.stderr)
    print(report(verdicts))
    return 1 if any(map(_survives, verdicts)) or not verdicts else 0


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--sample", type=int, metavar="N", help="about N mutants, evenly spread")
    parser.add_argument("--signal", default="", metavar="ID", help="only mutants of this signal")
    parser.add_argument("--spec", type=Path, nargs="+", default=[REPOSITORY / "stack.yaml", OWN_SPEC])
    parser.add_argument("--promtool", type=Path, default=None, help="default: the newest that is found")
    asked = parser.parse_args(arguments)
    asked.promtool = (asked.promtool or tools.find("promtool")).absolute()
    return asked


def _survives(verdict: Verdict) -> bool:
    return not verdict.killed and not reason(verdict.mutant)


def report(verdicts: Sequence[Verdict]) -> str:
    """The table per signal, each survivor by name, each excuse with its reason, and the score."""
    lines = [f"{'signal':32} {'mutants':>8} {'killed':>8} {'survive':>8}"]
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        signals = verdict.mutant.signals
        groups.setdefault(signals[0] if len(signals) == 1 else "(shared series)", []).append(verdict)
    for signal, some in sorted(groups.items()):
        lines.append(f"{signal:32} {len(some):8} {sum(v.killed for v in some):8} {sum(map(_survives, some)):8}")
    excused: dict[str, int] = {}
    for verdict in verdicts:
        if not verdict.killed and (why := reason(verdict.mutant)):
            excused[why] = excused.get(why, 0) + 1
    lines += [f"survives: {v.mutant.rule}: {v.mutant.what}" for v in verdicts if _survives(v)]
    lines += [f"equivalent ({count}): {why}" for why, count in excused.items()]
    counted = len(verdicts) - sum(excused.values())
    killed = sum(v.killed for v in verdicts)
    score = 100 * killed / counted if counted else 0.0
    lines.append(f"mutation score: {score:.1f} % ({killed} of {counted})")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
