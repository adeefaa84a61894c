"""Time that counts on some days of the week only, in PromQL and in exact numbers. Days are those of UTC."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = 86_400
_WEEK = 7 * _DAY
_SINCE = 3 * _DAY + 52 * _WEEK
"""Seconds from a Monday long ago to 1970, which began on a Thursday: no moment of a test is before that."""


def _runs(days: Collection[str]) -> list[tuple[int, int]]:
    """Where days that follow each other begin, in seconds of the week, and how long they are."""
    runs: list[tuple[int, int]] = []
    for number, day in enumerate(DAYS):
        if day not in days:
            continue
        if runs and sum(runs[-1]) == number * _DAY:
            runs[-1] = runs[-1][0], runs[-1][1] + _DAY
        else:
            runs.append((number * _DAY, _DAY))
    return runs


def counted(days: Collection[str], moment: str) -> str:
    """PromQL: seconds of these days until a moment, counted from one long ago; `moment` is a vector of Unix times."""
    runs, since = _runs(days), f"({moment} + {_SINCE})"
    parts = [f"clamp({since} % {_WEEK} - {start}, 0, {length})" for start, length in runs]
    return f"floor({since} / {_WEEK}) * {sum(length for _, length in runs)} + {' + '.join(parts)}"


def elapsed(days: Collection[str], selector: str) -> str:
    """PromQL: seconds of these days since each moment that the selector gives."""
    return f"{counted(days, f'(0 * {selector} + time())')} - ({counted(days, selector)})"


def between(days: Collection[str], start: Fraction, end: Fraction) -> Fraction:
    """Seconds of these days from one Unix time to another."""
    return _until(days, end) - _until(days, start)


def _until(days: Collection[str], moment: Fraction) -> Fraction:
    weeks, rest = divmod(moment + _SINCE, _WEEK)
    whole = sum(length for _, length in _runs(days))
    parts = (min(max(rest - start, Fraction(0)), Fraction(length)) for start, length in _runs(days))
    return weeks * whole + sum(parts, Fraction(0))
