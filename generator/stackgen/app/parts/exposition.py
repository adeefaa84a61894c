"""Numbers as Prometheus reads them: text format 0.0.4, and OpenMetrics 1.0 when asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

PLAIN_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass(frozen=True)
class Family:
    """One metric with all its samples: suffix of the name, labels, value."""

    name: str
    kind: str
    help: str
    samples: tuple[tuple[str, tuple[tuple[str, str], ...], float], ...]


def exposed(families: Iterable[Family], *, openmetrics: bool = False) -> bytes:
    """The body of an answer to a scrape."""
    lines: list[str] = []
    for family in families:
        # OpenMetrics names a counter's family without the _total that its samples carry.
        name = family.name.removesuffix("_total") if openmetrics and family.kind == "counter" else family.name
        lines += (f"# HELP {name} {_exposed_label(family.help)}", f"# TYPE {name} {family.kind}")
        for suffix, labels, value in family.samples:
            inner = ",".join(f'{key}="{_exposed_label(text)}"' for key, text in labels)
            lines.append(f"{family.name}{suffix}{'{' + inner + '}' if inner else ''} {_exposed_number(value)}")
    if openmetrics:
        lines.append("# EOF")
    return ("\n".join(lines) + "\n").encode(errors="replace")


def bound_text(bound: float) -> str:
    """A bucket's bound as its label `le` says it, the same in both formats."""
    return "+Inf" if bound == float("inf") else repr(float(bound))


def _exposed_number(value: float) -> str:
    return repr(float(value))


def _exposed_label(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
