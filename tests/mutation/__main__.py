"""`python -m tests.mutation`: how many mistakes in the generated rules the tests notice.

Mistakes in alerts and limits must be noticed by the generated tests in output/ alone, those in what is recorded also by
the tests that are written by hand (tests/sources). Mistakes in alertmanager.yml and in dashboards must be noticed by
what holds them against the plan (tests/alertmanager, tests/grafana), 95 of 100 at least.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from zlib import crc32

from rich.console import Console
from rich.progress import track

from stackgen.catalog import registry
from stackgen.verify import tools
from tests.mutation import written
from tests.mutation.equivalent import reason
from tests.mutation.judge import REPOSITORY, STARTS, Suite, Verdict, judged, suites
from tests.mutation.mutants import Mutant, mutants
from tests.sources.stacks import EVERY_SIGNAL

SPECS = (EVERY_SIGNAL, STARTS, REPOSITORY / "stack.yaml")


def chosen(specs: Iterable[Path], every: int = 1, signal: str = "") -> Iterator[tuple[Suite, list[Mutant]]]:
    """The mutants of each suite; what an earlier one has is not mutated again.

    Readings are mutated in the stack of their source, values in the first stack that has them, alerts and limits
    wherever they differ.
    """
    read = frozenset(registry.series())
    seen: set[tuple[object, ...]] = set()
    for suite in suites(specs):
        fresh: dict[tuple[object, ...], Mutant] = {}
        for mutant in mutants(suite.files):
            record = mutant.changed.get("record")
            here = record not in read if suite.records is None else record in suite.records
            if suite.signals and mutant.judges:
                here = mutant.signals[0] in suite.signals
            numbers = [str(mutant.changed.get(k)) for k in ("expr", "for", "keep_firing_for")] if mutant.judges else []
            key = (mutant.rule, mutant.what if mutant.judges else "", *numbers)
            if here and (suite.records or key not in seen) and (not signal or signal in mutant.signals):
                fresh[(*key, mutant.what)] = mutant
        seen |= {key[:-1] for key in fresh} if suite.records is None else set()
        yield suite, [mutant for mutant in fresh.values() if _number(mutant) % every == 0]


def _number(mutant: Mutant) -> int:
    """Stays the same whatever other mutants there are, so a new rule does not draw another sample of the old ones."""
    return crc32(f"{mutant.rule}: {mutant.what}".encode())


def main(arguments: Sequence[str]) -> int:
    """Prints a table per signal and the survivors; 1 when there is one that no proof excuses."""
    asked = _asked(arguments)
    if asked.kind == "written":
        return _written(asked)
    console = Console(stderr=True)
    verdicts: list[Verdict] = []
    every = 1
    if asked.sample:
        every = max(1, sum(len(m) for _, m in chosen(asked.spec, 1, asked.signal)) // asked.sample)
    for suite, some in chosen(asked.spec, every, asked.signal):
        run = judged(some, suite, asked.promtool)
        shown = track(run, "mutating", len(some), console=console, disable=not console.is_terminal, transient=True)
        for verdict in shown:
            verdicts.append(verdict)
            if _survives(verdict):
                console.print(f"survives: {verdict.mutant.rule}: {verdict.mutant.what}", markup=False, highlight=False)
            if not console.is_terminal and len(verdicts) % 100 == 0:
                print(f"{len(verdicts)} mutants, {sum(map(_survives, verdicts))} survive so far", file=sys.stderr)
    print(report(verdicts))
    failed = any(map(_survives, verdicts)) or not verdicts
    return 1 if (asked.kind == "all" and _written(asked)) or failed else 0


def _written(asked: argparse.Namespace) -> int:
    """Prints the scores of alertmanager.yml and of the dashboards; 1 when one is too low."""
    found = []
    for score in written.scores(asked.promtool, max(1, 3500 // asked.sample) if asked.sample else 1):
        print(score, flush=True)
        found.append(score.percent)
    return 1 if min(found) < written.LEAST else 0


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--kind", choices=("all", "rules", "written"), default="all", help="default: all")
    parser.add_argument("--sample", type=int, metavar="N", help="about N mutants, evenly spread")
    parser.add_argument("--signal", default="", metavar="ID", help="only mutants of this signal")
    parser.add_argument("--spec", type=Path, nargs="+", default=SPECS)
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
    alerts = [v for v in verdicts if v.mutant.judges]
    lines.append(f"alerts and their limits, by the tests in output/ alone: {_score(alerts)}")
    lines.append(f"mutation score: {_score(verdicts)}")
    return "\n".join(lines)


def _score(verdicts: Sequence[Verdict]) -> str:
    killed = sum(v.killed for v in verdicts)
    counted = killed + sum(map(_survives, verdicts))
    return f"{100 * killed / counted if counted else 0.0:.1f} % ({killed} of {counted})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
