"""The times and guards of single queues or tasks, which are those of all others where stack.yaml says nothing."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from stackgen.catalog.signal import Setting
from stackgen.resolve.plan import Alert


def waits(alerts: Iterable[Alert]) -> tuple[tuple[int, int], ...]:
    """Every hold and how long its alert goes on, of severities and of single queues or tasks, in seconds."""
    found: list[tuple[int, int]] = []
    for alert in alerts:
        found.append(wait(alert, None))
        found += (wait(alert, entry) for entry in alert.waits)
    return tuple(found)


def wait(alert: Alert, entry: str | None) -> tuple[int, int]:
    """How long the condition must hold for an entry of stack.yaml, and how long the alert goes on, in seconds."""
    mine = alert.waits.get(entry or "")
    if mine is None:
        return ceil(alert.hold), ceil(alert.keep_firing_for)
    return ceil(mine.hold), ceil(mine.keep_firing_for)


def least(alert: Alert, setting: Setting, entry: str | None) -> int:
    """The traffic below which an entry of stack.yaml is not judged."""
    own = next((guard.own for guard in alert.guards if guard.setting == setting), {})
    return own.get(entry or "", alert.settings.get(setting, 0))
