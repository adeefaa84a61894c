"""The shape of a signal: one measured thing, when it is bad, and what a person should read and do then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Literal, NamedTuple

from stackgen.catalog.input_shapes import Always, InputShape, Lines
from stackgen.catalog.logs.log_filter import LogFilter
from stackgen.catalog.logs.log_queries import LogQuery
from stackgen.catalog.runbook import Command
from stackgen.catalog.series import Family, Series, Slow, Unit
from stackgen.catalog.site import Site
from stackgen.catalog.source import RecordingRule

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
Dimension = Literal["queue", "task"]
Setting = Literal["min_tasks", "min_failures"]


OURS = "ours"
"""The source of a number that is the catalogue's own choice."""


def guide(*sections: str) -> str:
    """The source of a number that the guide has, in these of its sections."""
    return " and ".join(f'guide, "{section}"' for section in sections)


class Level(NamedTuple):
    """When a severity begins: the number compared with, and how many seconds it must last."""

    threshold: Fraction
    hold: int = 0
    keep: int = 0
    """Seconds the alert goes on firing after its condition ended (`keep_firing_for`)."""
    source: str = OURS
    """Where the threshold was taken from."""
    hold_source: str = OURS
    """Where the hold was taken from."""


class Guard(NamedTuple):
    """Least traffic below which the signal says nothing: `expr` must be at least the setting."""

    setting: Setting
    expr: str
    default: int
    noun: str = "tasks"
    """What `expr` counts, in the plural."""
    window: int = 0
    """Seconds in which they are counted; 0: those of this moment."""


class LogCount(NamedTuple):
    """What is counted in the logs: the lines of a filter, within a window, by the fields that the filter counts by."""

    filter: LogFilter
    window: int | None
    """Seconds; None: the value is the time without any line."""


def _any(site: Site) -> tuple[str, ...]:
    del site
    return ()


def _in_logs(site: Site) -> str:
    """Stands for the expression of a signal that is not judged in the metrics."""
    del site
    message = "a signal of the logs has no expression in PromQL"
    raise TypeError(message)


def _no_hints(site: Site) -> Mapping[str, str]:
    del site
    return {}


def _nothing(site: Site) -> str:
    del site
    return ""


class Signal(NamedTuple):
    """One measured thing, all that is known of it: everything that is made for it is made from these fields.

    A signal of the metrics has `needs`, `expr` and `shape`; one of the logs has `log_count` instead.
    """

    id: str
    alert: str
    title: str
    family: Family
    unit: Unit
    by: tuple[str, ...]
    levels: Mapping[Severity, Level]
    summary: str
    """One line. `{value}`, `{limit}` and `{<label>}` are filled in; `{value:task}` with its noun: 1 task, 2 tasks."""
    action: str
    """What to do first; the alert's description is the summary's details plus this."""
    meaning: str
    """What it means for the user of the application; first paragraph of the runbook."""
    causes: tuple[str, ...]
    dashboard: str
    """uid of the dashboard that shows it."""

    needs: tuple[Series, ...] = ()
    expr: Callable[[Site], str] = _in_logs
    """The value, over canonical series."""
    shape: InputShape = Lines()
    log_count: LogCount | None = None
    bad_when: Literal["above", "below"] = "above"
    record: str = ""
    """Name under which the value is recorded; "" when `expr` is a plain selector."""
    before: Callable[[Site], tuple[tuple[str, RecordingRule], ...]] | None = None
    """Series recorded before the value, as (name, rule)."""
    overrides: Dimension | None = None
    seen: Callable[[Site, tuple[str, ...], Fraction], str] | None = None
    """What has a series for each name behind a pattern, given the matchers and the threshold; None: the value."""
    limits_from: Literal["min_workers", "period", ""] = ""
    """Key of a queue or task that holds its threshold: there is no default, and only those that have it are judged."""
    guards: tuple[Guard, ...] = ()
    unless: str = ""
    """While this has a result the alert stays silent."""
    silent_under: InputShape | None = None
    """A shape whose value is bad for this signal and yet must stay silent, because of `unless`."""
    sees_bursts: bool = True
    """False: what lasts no longer than the window shall stay silent, so the hold may be longer."""
    only_names: Callable[[Site], tuple[str, ...]] = _any
    """The values the signal's label can take, where not every value is possible; none where any is."""
    one_source: str = ""
    """Why the signal has nothing to say when one source gives all it needs; "" when it has."""
    applies: Callable[[Site], str] = _nothing
    """Why the signal has nothing to say about this stack; "" when it has."""
    only_dead_letters: bool = False
    """Whether only dead letter queues are judged."""
    skips_dead_letters: bool = False
    """Whether dead letter queues are left alone."""
    hints: Callable[[Site], Mapping[str, str]] = _no_hints
    """What to look at, by the value of the last label: the alert's text ends with the one that fits."""
    commands: tuple[Command, ...] = ()
    """What to run for this signal, before the commands of its family; they only look."""
    asks_broker: bool = False
    """Whether to ask the broker how long queues are, as for all signals of the queues."""
    log_queries: tuple[LogQuery, ...] = ()
    """What to ask the logs; () for what is asked for every signal of its family."""

    @property
    def always(self) -> bool:
        """Whether the alert fires all the time, to prove that alerts arrive."""
        return isinstance(self.shape, Always)

    @property
    def slow(self) -> Slow | None:
        """The group, if any, that is evaluated less often, because what it needs is."""
        return next((series.slow for series in self.needs if series.slow), None)

    @property
    def group(self) -> str:
        """The group of rules that judges it."""
        return next((series.group for series in self.needs if series.part), self.family)

    @property
    def min_tasks(self) -> int | None:
        """Default of the traffic guard; None when the signal has none."""
        return self._default("min_tasks")

    @property
    def min_failures(self) -> int | None:
        """Default of the guard on bad events; None when the signal has none."""
        return self._default("min_failures")

    def _default(self, setting: Setting) -> int | None:
        return next((g.default for g in self.guards if g.setting == setting), None)
