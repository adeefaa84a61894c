"""What the doctor says: one thing that is wrong, the alerts that suffer, and the fix."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

_MOST = 6
"""More alerts than this are counted, not listed."""


@dataclass(frozen=True)
class Finding:
    """One fault of the running stack. `rule` is a stable id that tests and people may refer to."""

    rule: str
    what: str
    fix: str
    alerts: tuple[str, ...] = ()
    """Alerts that cannot work because of it; () when it is not about certain alerts."""


def text(findings: Sequence[Finding]) -> str:
    """Findings as a person reads them; nothing in them can move a terminal's cursor."""
    lines: list[str] = []
    for one in findings:
        lines.append(f"{one.rule}: {one.what}")
        if one.alerts:
            more = len(one.alerts) - _MOST
            lines.append(f"  alerts: {', '.join(one.alerts[:_MOST])}{f' and {more} more' if more > 0 else ''}")
        lines.append(f"  fix: {one.fix}")
    return "".join(f"{_safe(line)}\n" for line in lines)


def as_json(findings: Sequence[Finding]) -> str:
    """The same for programs."""
    return json.dumps([asdict(one) for one in findings], indent=2, ensure_ascii=False) + "\n"


def _safe(line: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
