"""Runs scenarios side by side or one by one, and compares what was told with what was expected."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.live import pictures
from tests.live.cluster import Cluster
from tests.live.inbox import Inbox, News
from tests.live.scenarios import Expected, Scenario

WATCHDOG = "CeleryWatchdog"
_TICK = 1.0


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    scenario: str
    alert: str
    fired: float | None = None
    resolved: float | None = None
    wrong: str = ""


@dataclass
class _Running:
    """A scenario that runs: when it began, when it was mended, and when what was told."""

    scenario: Scenario
    began: float
    mended: float | None = None
    fired: dict[Expected, float] = field(default_factory=dict)
    resolved: dict[Expected, float] = field(default_factory=dict)
    late: bool = False
    kept: int = -1
    wrong: str = ""
    drawn: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more is waited for."""
        if not self.scenario.expected:
            return time.monotonic() - self.began > self.scenario.stays
        if not self.scenario.ends:
            return self.mended is not None
        return self.late or len(self.resolved) == len(self.scenario.expected)

    def step(self, cluster: Cluster, inbox: Inbox) -> None:
        """Looks at what was told, and does what comes next."""
        for news in inbox.since(self.began):
            for one in self.scenario.expected:
                if one.is_in(news):
                    (self.fired if news.firing else self.resolved).setdefault(one, news.at)
        now = time.monotonic()
        all_fired = bool(self.scenario.expected) and len(self.fired) == len(self.scenario.expected)
        if self.mended is None and not all_fired:
            while self.kept < int(now - self.began):  # each second once, also when this program was held up
                self.kept += 1
                self.scenario.keeps(cluster, self.kept)
        waited = now - (self.mended or self.began)
        self.late = bool(self.scenario.expected) and waited > self.scenario.patience
        if self.mended is None and (all_fired or self.late):
            say(f"  {self.scenario.name}: {'too late' if self.late else 'told'} after {waited:.0f} s; mending")
            self.wrong = "" if self.late else self.scenario.sees(cluster)
            self.mended = time.monotonic()
            self.scenario.mends(cluster, int(now - self.began))

    def end(self, cluster: Cluster) -> None:
        """After a scenario that expects nothing."""
        self.wrong = self.scenario.sees(cluster)
        self.scenario.mends(cluster, int(self.scenario.stays))

    def lasted(self) -> pictures.Lasted:
        """When what happened, as Unix times; until now."""
        now, ahead = time.time(), time.time() - time.monotonic()
        told = self.fired.get(self.scenario.expected[0]) if self.scenario.expected else None
        return pictures.Lasted(
            self.began + ahead,
            None if told is None else told + ahead,
            None if self.mended is None else self.mended + ahead,
            now,
        )

    def rows(self) -> Iterable[Row]:
        """The lines of this scenario."""
        if not self.scenario.expected:
            yield Row(self.scenario.name, f"nothing for {self.scenario.stays:.0f} s")
        if self.wrong:
            yield Row(self.scenario.name, "what is seen of it", wrong=self.wrong)
        for one in self.scenario.expected:
            fired, resolved = self.fired.get(one), self.resolved.get(one)
            ended = resolved or not self.scenario.ends
            wrong = "" if fired and ended else "never told" if not fired else "never ended"
            yield Row(
                self.scenario.name,
                str(one),
                fired - self.began if fired else None,
                resolved - self.mended if resolved and self.mended else None,
                wrong,
            )


def side_by_side(
    scenarios: Sequence[Scenario],
    cluster: Cluster,
    inbox: Inbox,
    unsettled: Callable[[], list[str]],
    folder: Path | None = None,
) -> list[Row]:
    """Breaks all at once; each is mended as soon as its alerts were told. Ends when all have ended, and all is settled:
    what was muted meanwhile is told then, if it goes on, and is judged too. Pictures are put into the folder."""
    say(f"breaking: {', '.join(scenario.name for scenario in scenarios)}")
    running = [_Running(scenario, time.monotonic()) for scenario in scenarios]
    for one in running:
        one.scenario.breaks(cluster, 0)
    while not all(one.over and (one.drawn or folder is None) for one in running):
        tick = time.monotonic()
        for one in running:
            if not one.over:
                one.step(cluster, inbox)
            if one.over and folder and not one.drawn:
                pictures.keep(cluster, one.scenario, one.lasted(), folder)
                one.drawn = True
        cluster.programs.check()
        time.sleep(max(0.0, tick + _TICK - time.monotonic()))
    for one in running:
        if not one.scenario.expected:
            one.end(cluster)
    still = settled(inbox, unsettled) if all(one.ends for one in scenarios) else []
    left = [Row(scenarios[-1].name, what, wrong="still fires") for what in still]
    return [*(row for one in running for row in one.rows()), *_unexpected(running, inbox), *left]


def _unexpected(running: Sequence[_Running], inbox: Inbox) -> Iterable[Row]:
    allowed = [one for r in running for one in (*r.scenario.expected, *r.scenario.also)]
    began = min(r.began for r in running)
    names = ", ".join(r.scenario.name for r in running) if len(running) < 3 else "all of the above"
    for news in inbox.since(began):
        if news.firing and news.labels["alertname"] != WATCHDOG and not any(one.is_in(news) for one in allowed):
            yield Row(names, str(news), news.at - began, _ended(news, inbox), "not expected")


def _ended(news: News, inbox: Inbox) -> float | None:
    ends = (other.at for other in inbox.since(news.at) if not other.firing and other.labels == news.labels)
    return next((end - news.at for end in ends), None)


def settled(inbox: Inbox, unsettled: Callable[[], list[str]], seconds: float = 600) -> list[str]:
    """Waits until only the watchdog fires and nothing is unsettled; gives what is left."""
    end = time.monotonic() + seconds
    while left := [
        *(f"{a['alertname']} {a['severity']}" for a in inbox.firing() if a["alertname"] != WATCHDOG),
        *unsettled(),
    ]:
        if time.monotonic() > end:
            return left
        time.sleep(1)
    return []


def table(rows: Sequence[Row]) -> str:
    """The rows as plain text."""
    head = ("SCENARIO", "ALERT", "FIRES AFTER", "ENDS AFTER", "")
    lines = [head, *((r.scenario, r.alert, _seconds(r.fired), _seconds(r.resolved), r.wrong or "ok") for r in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} s"


def say(text: str) -> None:
    """Progress is talk, the table is data."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
