"""The shape of a dashboard: rows of panels over signals and canonical series, before Grafana's JSON is made of it.

Text of stack.yaml that reaches a panel's PromQL is made inert first: Grafana replaces `$name` and `[[name]]` wherever
they stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from stackgen.catalog import promql
from stackgen.catalog.logs.log_filter import LogFilter
from stackgen.catalog.series import Series, Unit
from stackgen.catalog.signal import Signal
from stackgen.catalog.site import Site

Kind = Literal["timeseries", "stat", "gauge", "piechart", "table", "heatmap", "state-timeline"]
Variable = Literal["queue", "task", "worker"]
Calc = Literal["lastNotNull", "max", "min", "mean"]

MOST = 20
"""Lines a panel draws at most, the worst ones; ten thousand queues must not stop the browser."""

QUEUE = 'queue=~"$queue"'
TASK = 'task=~"$task"'
WORKER = 'worker=~"$worker"'
"""Matchers for what is chosen at the top of a dashboard."""
_CHOSEN = {"queue": QUEUE, "task": TASK, "worker": WORKER}

_STRING = r'"(?:[^"\\]|\\.)*"'
_SELECTOR = re.compile(rf'(celery:[a-z0-9_:]+)(?:\{{((?:{_STRING}|[^"}}])*)\}})?')


def inert(expr: str) -> str:
    """The same PromQL, in which Grafana finds no variable: `$` and `[[` stand only in strings, which have escapes."""
    return re.sub(r"\[(?=\[)", r"\\x5b", expr.replace("$", "\\x24"))


def narrowed(expr: str, *matchers: str) -> str:
    """The expression with these matchers on every recorded series in it."""

    def select(found: re.Match[str]) -> str:
        return promql.select(found[1], found[2] or "", *matchers)

    return _SELECTOR.sub(select, expr) if matchers else expr


MOST_OF_UID = 40
"""Characters of an id in Grafana: https://grafana.com/docs/grafana/latest/developers/http_api/dashboard/"""


def board_uid(dashboard: str, site: Site) -> str:
    """The id in Grafana of a dashboard of the catalogue."""
    return dashboard if site.shares_boards else site.named(dashboard.removeprefix("celery-"), MOST_OF_UID)


def board_path(dashboard: str, site: Site, *chosen: str) -> str:
    """Where Grafana shows it, below its address, with what is chosen at its top."""
    own = [f"var-{name}={text}" for name, text in site.identity.items()] if site.shares_boards else []
    asked = "&".join(filter(None, [*own, *chosen]))
    return f"/d/{board_uid(dashboard, site)}{'?' if asked else ''}{asked}"


class View(NamedTuple):
    """What a panel's expression may know of one stack."""

    site: Site
    recorded: frozenset[str]
    """Ids of the signals that are on, whose values are recorded."""
    jobs: tuple[str, ...]
    """Every scrape job."""

    def of(self, series: Series, *matchers: str) -> str:
        """A canonical series, narrowed."""
        return promql.select(series.name, *matchers)

    def value(self, signal: Signal, *matchers: str) -> str:
        """What the signal's alerts judge, narrowed; computed on the spot when its alerts are switched off."""
        if signal.record and signal.id in self.recorded:
            return promql.select(signal.record, *matchers)
        return self.computed(signal, *matchers)

    def computed(self, signal: Signal, *matchers: str) -> str:
        """The signal's value computed anew from series that are narrowed first."""
        expr = narrowed(inert(signal.expr(self.site)), *matchers)
        return expr if _SELECTOR.fullmatch(expr) else f"({expr})"

    def judged(self, signal: Signal) -> str:
        """The signal's value for those of the chosen that are nearest to its threshold or beyond; or its only value."""
        values = self.value(signal, *chosen(signal))
        return worst(signal, values) if signal.by else values

    def events(self, series: Series, *matchers: str) -> str:
        """Events of a flow within the time range of the dashboard, for each series.

        Each evaluation counts the events of its whole window, so each event is counted window / interval times. An
        average over the range would be too high wherever the series is younger than the range.
        """
        every = self.site.every(series)
        step = f":{promql.seconds(every)}" if self.site.shares_boards else ""  # theirs may differ
        counted = f"sum_over_time({self.of(series, *matchers)}[$__range{step}])"
        return f"{counted} * {promql.number(every)} / {series.window}"

    def per_second(self, series: Series, *matchers: str) -> str:
        """Events of a flow per second, for each series."""
        return f"{self.of(series, *matchers)} / {series.window}"


def of_copies(site: Site) -> tuple[str, ...]:
    """The matchers for the copies chosen at the top of the dashboard, and for what all copies have together."""
    return tuple(f'{label}=~"${label}|"' for label in site.copies.labels)


def chosen(signal: Signal) -> tuple[str, ...]:
    """The matcher that narrows a signal to what is chosen at the top of its dashboard: its first label that can be."""
    return tuple(_CHOSEN[label] for label in signal.by if label in _CHOSEN)[:1]


def worst(signal: Signal, expr: str) -> str:
    """Of an expression over the signal's values, the series nearest to its threshold or beyond."""
    return f"{'topk' if signal.bad_when == 'above' else 'bottomk'}({MOST}, {expr})"


class Query(NamedTuple):
    """One query of a panel."""

    expr: Callable[[View], str]
    needs: tuple[Series | Signal, ...] = ()
    """Without any of these the query is left out."""
    legend: str = ""
    """Text with `{{label}}`; of a table, the heading of the column."""
    unit: Unit | None = None
    """Only where it is not the panel's."""
    color: str = ""
    """Of its line always, of its number when that is not 0; "" for the panel's choice."""
    at_end: bool = False
    """One value at the end of the time range, instead of a value for each moment of it."""
    together: bool = False
    """One value for all chosen copies of the stack, instead of one for each."""


class Panel(NamedTuple):
    """One panel. `signals` give the threshold lines, the alerts' words and the runbook links."""

    title: str
    kind: Kind
    description: str
    unit: Unit | Literal["moment"]
    queries: tuple[Query, ...]
    signals: tuple[Signal, ...] = ()
    width: int = 12
    height: int = 8
    stacked: bool = False
    calc: Calc = "lastNotNull"
    """Which value of the range a stat or gauge shows."""
    states: tuple[tuple[int, str, str], ...] = ()
    """Value, word, colour: what a number means."""
    hidden: tuple[str, ...] = ()
    """Columns of a table that say nothing."""


class Row(NamedTuple):
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


class Lines(NamedTuple):
    """Lines of the log, newest first; narrowed to what is chosen at the top of the dashboard."""

    title: str
    description: str
    filter: LogFilter = LogFilter(())


class Dashboard(NamedTuple):
    """One dashboard; its id is its uid and the name of its file."""

    id: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    lines: Lines
    """Shown below all rows, where the stack has a Loki."""

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Every panel, in reading order."""
        return tuple(panel for row in self.rows for panel in row.panels)


def judged(signal: Signal, legend: str = "") -> Query:
    """The query for what a signal judges: its worst values, or its only one."""
    return Query(
        expr=lambda view: view.judged(signal), needs=(signal,), legend=legend or f"{{{{{''.join(signal.by)}}}}}"
    )


def completed(dashboard: Dashboard, signals: Iterable[Signal]) -> Dashboard:
    """The dashboard with a last row for the signals of the metrics that point to it and that no panel of it shows."""
    drawn = {id(shown) for panel in dashboard.panels for shown in (*panel.signals, *_read(panel))}
    left = [
        signal
        for signal in signals
        if signal.dashboard == dashboard.id and not signal.log_count and id(signal) not in drawn
    ]
    return dashboard._replace(rows=(*dashboard.rows, Row("More", tuple(map(_plain, left))))) if left else dashboard


def _read(panel: Panel) -> Iterable[Signal]:
    return (need for query in panel.queries for need in query.needs if isinstance(need, Signal))


def _plain(signal: Signal) -> Panel:
    """What a signal judges, over time."""
    legend = " ".join(f"{{{{{label}}}}}" for label in signal.by) or signal.title
    return Panel(
        title=signal.title,
        kind="timeseries",
        description=signal.meaning,
        unit=signal.unit,
        queries=(judged(signal, legend),),
        signals=(signal,),
    )
