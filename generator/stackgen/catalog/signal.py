"""The shape of a signal: one measured thing, when it is bad, and what a person should read and do then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Literal, NamedTuple

from stackgen.catalog.input_shapes import InputShape
from stackgen.catalog.series import Family, Series, Unit
from stackgen.catalog.site import Site
from stackgen.catalog.source import Recorded

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
Dimension = Literal["queue", "task"]
Setting = Literal["min_tasks", "min_failures"]


class Level(NamedTuple):
    """When a severity begins: the number compared with, and how many seconds it must last."""

    threshold: Fraction
    hold: int = 0
    keep: int = 0
    """Seconds the alert goes on firing after its condition ended (`keep_firing_for`)."""


class Guard(NamedTuple):
    """Least traffic below which the signal says nothing: `expr` must be at least the setting."""

    setting: Setting
    expr: str
    default: int


def _any(site: Site) -> tuple[str, ...]:
    del site
    return ()


def _nothing(site: Site) -> str:
    del site
    return ""


class Signal(NamedTuple):
    """One measured thing. `expr` is the value, over canonical series; everything else is derived from it."""

    id: str
    alert: str
    title: str
    family: Family
    unit: Unit
    by: tuple[str, ...]
    needs: tuple[Series, ...]
    expr: Callable[[Site], str]
    shape: InputShape
    levels: Mapping[Severity, Level]
    summary: str
    """One line. `{value}`, `{limit}` and `{<label>}` are filled in."""
    action: str
    """What to do first; the alert's description is the summary's details plus this."""
    meaning: str
    """What it means for the user of the application; first paragraph of the runbook."""
    causes: tuple[str, ...]
    dashboard: str
    """uid of the dashboard that shows it."""

    bad_when: Literal["above", "below"] = "above"
    record: str = ""
    """Name under which the value is recorded; "" when `expr` is a plain selector."""
    before: Callable[[Site], tuple[tuple[str, Recorded], ...]] | None = None
    """Series recorded before the value, as (name, rule)."""
    overrides: Dimension | None = None
    only_overrides: bool = False
    """True when there is no default: only queues or tasks that stack.yaml names are judged."""
    guards: tuple[Guard, ...] = ()
    unless: str = ""
    """While this has a result the alert stays silent."""
    silent_under: InputShape | None = None
    """A shape whose value is bad for this signal and yet must stay silent, because of `unless`."""
    only_names: Callable[[Site], tuple[str, ...]] = _any
    """The values the signal's label can take, where not every value is possible; none where any is."""
    one_source: str = ""
    """Why the signal has nothing to say when one source gives all it needs; "" when it has."""
    applies: Callable[[Site], str] = _nothing
    """Why the signal has nothing to say about this stack; "" when it has."""

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
