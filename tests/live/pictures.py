"""A picture of each scenario: the panel's query over the minutes in which it happened, as Prometheus answers it.

`python -m tests.live --pictures templates/docs/pictures` draws those of the page "What nobody sees" anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from stackgen.resolve.plan import Alert
from stackgen.rules.build import value
from tests.live.answered import ask
from tests.live.cluster import Cluster
from tests.live.scenarios import Expected, Scenario

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 640, 150, 56, 22, 20
_BEFORE_SECONDS = 60
_STEP_SECONDS = 10
_TEMPLATE = ("<!-- Drawn by the live proof of celery-stackgen. Do not edit: it is written anew. -->",)
_COLOURS = ("#3b82f6", "#10b981", "#a855f7", "#f59e0b")
_GREY, _RED = "#888888", "#dc2626"


@dataclass(frozen=True)
class Lasted:
    """When a scenario began, was told, was mended and had ended, as Unix times; None: it never was."""

    began: float
    told: float | None
    mended: float | None
    ended: float


@dataclass(frozen=True)
class Frame:
    """What the axes show."""

    begin: float
    end: float
    top: float

    def x(self, moment: float) -> float:
        """Pixels from the left."""
        return LEFT + (WIDTH - LEFT - 8) * (moment - self.begin) / (self.end - self.begin)

    def y(self, amount: float) -> float:
        """Pixels from above."""
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(max(amount / self.top, 0.0), 1.0)


def keep(cluster: Cluster, scenario: Scenario, lasted: Lasted, folder: Path) -> None:
    """Writes the picture of a scenario: of its first alert, or of the query that it shows where none is expected."""
    one = scenario.expected[0] if scenario.expected else None
    alert = _alert(cluster, one) if one else None
    query = value(alert.signal, cluster.stage.prepared.plan) if alert else scenario.shows
    if not query:
        return
    span = {"start": str(lasted.began - _BEFORE_SECONDS), "end": str(lasted.ended), "step": str(_STEP_SECONDS)}
    about = one.about if one else {}
    lines = [
        line
        for series in ask(cluster, "query_range", query=query, **span)["result"]
        if _is_about(series["metric"], about)
        for line in _unbroken([(float(at), float(amount)) for at, amount in series["values"]])
    ]
    limit = _limit(cluster, alert, about) if alert else None
    says = f"{one.alert}, {scenario.name}" if one else f"nothing is told, {scenario.name}"
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub("[^a-z0-9]+", "-", scenario.name.lower()).strip("-")
    text = "\n".join([*_TEMPLATE, *_svg(says, query, lines, limit, lasted)])
    (folder / f"{name}.svg.j2").write_text(f"{text}\n", encoding="utf-8")


def _alert(cluster: Cluster, one: Expected) -> Alert:
    alerts = cluster.stage.prepared.plan.alerts
    same = [a for a in alerts if (a.signal.alert, a.severity) == (one.alert, one.severity)]
    return next((a for a in same if one.about.get("signal") == a.signal.id), same[0])


def _is_about(labels: Mapping[str, str], about: Mapping[str, str]) -> bool:
    return all(labels.get(name, text) == text for name, text in about.items())


def _unbroken(points: Sequence[tuple[float, float]]) -> Iterator[list[tuple[float, float]]]:
    """The parts between which there was no value."""
    part: list[tuple[float, float]] = []
    for point in points:
        if part and point[0] - part[-1][0] > _STEP_SECONDS:
            yield part
            part = []
        part.append(point)
    yield part


def _limit(cluster: Cluster, alert: Alert, about: Mapping[str, str]) -> float | None:
    """The number that the alert compares with: of what it is about, or for all."""
    own = alert.overrides.get(about.get(str(alert.signal.overrides), ""), alert.threshold)
    return None if own is None else float(own)


def _svg(
    says: str, query: str, lines: Sequence[Sequence[tuple[float, float]]], limit: float | None, lasted: Lasted
) -> Iterator[str]:
    amounts = [amount for line in lines for _, amount in line]
    frame = Frame(lasted.began - _BEFORE_SECONDS, lasted.ended, max([*amounts, limit or 0.0, 1e-9]) * 1.1)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        f' font-family="monospace" font-size="11" fill="{_GREY}">'
    )
    yield f"<title>{escape(says)}</title>"
    yield _text(LEFT, 12, escape(re.sub(r"\{.*?\}", "", query)))
    yield _line((LEFT, frame.y(0)), (WIDTH - 8, frame.y(0)), _GREY)
    for moment, word in ((lasted.began, "broken"), (lasted.told, "told"), (lasted.mended, "mended")):
        if moment is not None and (word != "mended" or lasted.told is None):
            x = frame.x(moment)
            yield _line((x, TOP), (x, frame.y(0)), _RED if word == "told" else _GREY, "2 3")
            seconds = f" {moment - lasted.began:.0f} s" if word != "broken" else ""
            yield _text(x + 2, HEIGHT - 6, f"{word}{seconds}")
    if limit is not None:
        yield _line((LEFT, frame.y(limit)), (WIDTH - 8, frame.y(limit)), _RED, "6 4")
        yield _text(2, frame.y(limit) + 4, f"{limit:.4g}", _RED)
    top = max(amounts, default=0.0)
    if limit is None or abs(frame.y(top) - frame.y(limit)) > 12:
        yield _text(2, frame.y(top) + 4, f"{top:.4g}")
    for number, line in enumerate(lines):
        points = " ".join(f"{frame.x(at):.0f},{frame.y(amount):.1f}" for at, amount in line)
        colour = _COLOURS[number % len(_COLOURS)]
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    yield "</svg>"


def _line(at: tuple[float, float], to: tuple[float, float], colour: str, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="M{at[0]:.0f} {at[1]:.1f}L{to[0]:.0f} {to[1]:.1f}" stroke="{colour}"{dashed}/>'


def _text(x: float, y: float, words: str, colour: str = _GREY) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{colour}">{words}</text>'
