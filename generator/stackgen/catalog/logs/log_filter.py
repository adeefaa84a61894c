"""Which lines are meant: conditions on fields, in no backend's language; logql, kql and insights say it in theirs."""

from __future__ import annotations

from typing import NamedTuple

from stackgen.catalog.logs.line import ACTION, ERROR_TYPE, Field


class LogFilter(NamedTuple):
    """The lines in which every field has one of its values, counted by some fields."""

    fields: tuple[tuple[Field, tuple[str, ...]], ...]
    by: tuple[Field, ...] = ()


def happened(*actions: str, by: tuple[Field, ...] = (), error: str = "") -> LogFilter:
    """What happened to tasks, such as `failed`, and because of which class of exception: one line for each time."""
    what = (ACTION, tuple(f"task-{action}" for action in actions))
    return LogFilter((what, (ERROR_TYPE, (error,))) if error else (what,), by)
