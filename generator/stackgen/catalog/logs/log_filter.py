"""Which lines are meant: conditions on fields, in no backend's language; logql, kql and insights say it in theirs."""

from __future__ import annotations

from typing import NamedTuple

from stackgen.catalog.logs.line import ACTION, Field


class LogFilter(NamedTuple):
    """The lines in which every field has its value, counted by some fields."""

    fields: tuple[tuple[Field, str], ...]
    by: tuple[Field, ...] = ()


def happened(action: str, *by: Field) -> LogFilter:
    """What happened to tasks, such as `failed`."""
    return LogFilter(((ACTION, f"task-{action}"),), by)
