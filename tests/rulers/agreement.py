"""`python -m tests.rulers.agreement`: where VictoriaMetrics says what promtool says, how late, and why it does not.

Asked are the generated tests of a stack with every signal, and what tests/sources, tests/counting and births.yaml say.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from stackgen import pipeline
from stackgen.catalog.series import TASK_DURATION_BUCKET, TASKS, TASKS_NEW
from stackgen.emitters import vmalert
from stackgen.render.environment import render
from tests.counting import feed
from tests.mutation.judge import rendered
from tests.rulers.victoria import LATEST, RULES, Asked, files, lateness
from tests.sources.stacks import EVERY_SIGNAL, HERE, SOURCES, VALUES, stack

TOOL = Path(__file__).resolve().parents[2] / ".tools/victoria-metrics/usr/bin/vmalert-tool"
BIRTHS = Path(__file__).with_name("births.yaml")
EXPLAINED = {
    r"CeleryWorkerRestarted": "`changes` counts there that a series begins: a new worker has one restart more",
    r"new with its exporter": "what begins below 10 and stands still is counted from 0 there, also where all is new",
    r"celery:task_last_success:timestamp": "dated by the evaluation that sees it, which is a later one",
}
"""Why an expectation never holds, by what its test and its question have in them."""


def main() -> int:
    """The exit code: 0 when every difference is explained, and every explanation needed."""
    needed, unexplained = set(), []
    total: Counter[int | None] = Counter()
    columns = [*range(LATEST + 1), None]
    print("file".ljust(28), *(f"{late} late".rjust(8) for late in columns[:-1]), "differs".rjust(8))
    with tempfile.TemporaryDirectory() as folder:
        for path in _all(Path(folder)):
            found = lateness(path, TOOL)
            counts = Counter(found.values())
            total += counts
            print(path.stem.ljust(28), *(str(counts[late] or "").rjust(8) for late in columns), flush=True)
            for one in (one for one, late in found.items() if late is None):
                why = _why(one)
                needed |= {why} - {None}
                unexplained += [] if why else [one]
    print("all".ljust(28), *(str(total[late]).rjust(8) for late in columns))
    for why in EXPLAINED.values():
        print(f"differs: {why}{'' if why in needed else ' (NOTHING needs this any more)'}")
    print(*(f"NOT EXPLAINED: {one}" for one in unexplained), sep="\n")
    return 1 if unexplained or needed != set(EXPLAINED.values()) else 0


def _why(one: Asked) -> str | None:
    return next((why for mark, why in EXPLAINED.items() if re.search(mark, f"{one.test} {one.what}")), None)


def _all(folder: Path) -> Iterator[Path]:
    """Every promtool file, beside the rules it names."""
    everything = rendered(EVERY_SIGNAL)
    tests = {path: text for path, text in everything.items() if path.startswith("prometheus/tests/")}
    yield from files(_rules(EVERY_SIGNAL), tests, folder / "generated")
    for name in (*SOURCES, VALUES):
        text = (HERE / f"{name}.yaml").read_text(encoding="utf-8")
        yield from files(_rules(stack(name, folder)), {f"{name}.yaml": text}, folder / "by-hand")
    yield from files(
        _rules(stack("celery-exporter", folder)), {BIRTHS.name: BIRTHS.read_text("utf-8")}, folder / "births"
    )
    (folder / "stack.yaml").write_text(feed.STACK.format(evaluation=30, slow=60), encoding="utf-8")
    for series in (TASKS, TASKS_NEW, TASK_DURATION_BUCKET):
        text = feed.promtool_file(series, 60 if series.slow else 30)
        rules = {RULES: feed.rules(folder / "stack.yaml", series)}
        name = series.name.replace(":", "-")
        yield from files(rules, {f"{name}.yaml": text}, folder / "counting")


def _rules(stack: Path) -> dict[str, str]:
    """The file that vmalert would load."""
    (one,) = vmalert.artefacts(pipeline.prepare(stack).plan)
    return {RULES: render(one).text}


if __name__ == "__main__":
    sys.exit(main())
