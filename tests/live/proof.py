"""One run of the live proof on one broker: starts the system, breaks it, asks it, prints the table."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from tests.live import acts, answered, planted, seen
from tests.live.chapters import Chapter
from tests.live.cluster import Cluster
from tests.live.inbox import Inbox, listening
from tests.live.prepare import prepared
from tests.live.run import WATCHDOG, Row, say, side_by_side, table
from tests.live.scenarios import Scenario

_SCRAPED_AGAIN = 15
"""Seconds in which each target is scraped once more; the short form has no scenario that needs counters."""
_PATIENCE_SECONDS = 180.0
Found = TypeVar("Found")


@dataclass(frozen=True)
class Asked:
    """What of all there is."""

    short: bool
    only: Sequence[str]
    hour: float
    pictures: Path | None = None
    """The folder for pictures of what happens."""

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return not self.short and not self.only

    def batches(self, chapter: Chapter) -> list[list[Scenario]]:
        """The scenarios that are wanted; without empty batches."""
        return [wanted for batch in chapter.batches if (wanted := self._of(batch))]

    def _of(self, batch: Sequence[Scenario]) -> list[Scenario]:
        wanted = (s for s in batch if (s.short or not self.short) and self._named(s.name))
        return [replace(s, stays=self.hour) if s.hour else s for s in wanted]

    def _named(self, name: str) -> bool:
        return not self.only or any(part in name for part in self.only)


def run(folder: Path, chapter: Chapter, asked: Asked) -> int:
    """The exit code."""
    cluster = prepared(folder, chapter, short=asked.short)
    began = time.monotonic()
    try:
        with listening(cluster.ports["hook"]) as inbox:
            cluster.start()
            say(f"{chapter.name} on {chapter.kind}: all runs after {time.monotonic() - began:.0f} s, logs in {folder}")
            return _prove(cluster, inbox, chapter, asked)
    finally:
        cluster.programs.kill_all()


def _prove(cluster: Cluster, inbox: Inbox, chapter: Chapter, asked: Asked) -> int:
    began = time.time()
    acts.warm_up(cluster)
    wrong = _at_last(lambda: seen.that_facts_hold(cluster, chapter.facts))
    time.sleep(0 if asked.short else _SCRAPED_AGAIN)
    rows: list[Row] = []
    full = chapter.asks and asked.everything
    batches = asked.batches(chapter)
    unsettled = list if asked.short else partial(answered.unsettled, cluster)
    for batch in batches:
        rows += side_by_side(batch, cluster, inbox, unsettled, asked.pictures)
    wrong += answered.problems(cluster, began, lenient=not full or chapter.kind != "redis")
    wrong += answered.failures(cluster)
    wrong += [f"doctor, of a healthy stack: {one.rule}: {one.what}" for one in _at_last(cluster.examined)]
    if not any(news.labels["alertname"] == WATCHDOG for news in inbox.news):
        rows.append(Row("always", WATCHDOG, wrong="never told"))
    print(table(rows))
    if full:
        found = planted.examined(cluster)
        print(planted.table(found))
        wrong += [f"the doctor does not find what was planted: {name}" for name, words in found.items() if not words]
    print(*wrong, sep="\n")
    bad = [row for row in rows if row.wrong]
    told = f"{len(rows) - len(bad)} of {len(rows)} as expected; {len(wrong)} findings besides"
    print(f"{chapter.name} on {chapter.kind}: {told}")
    return 1 if bad or wrong else 0


def _at_last(look: Callable[[], list[Found]]) -> list[Found]:
    """What is still found when there was time enough for nothing to be found."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while (found := look()) and time.monotonic() < end:
        time.sleep(1)
    return found
