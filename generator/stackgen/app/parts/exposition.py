"""Numbers as Prometheus reads them: text format 0.0.4, and OpenMetrics 1.0 when asked for.

Written here and not by prometheus_client, which a worker need not have and which takes several times as long for a
page; its own strict parser reads our pages in the tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PLAIN_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"

Labels = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Family:
    """One metric with all its samples, a line each, the last with its line end too."""

    name: str
    kind: str
    help: str
    lines: str


def family(name: str, kind: str, help_text: str, samples: Iterable[tuple[Labels, float]]) -> Family:
    """A family of a counter or gauge from labels and values."""
    lines = (f"{name}{exposed_labels(labels)} {float(value)!r}\n" for labels, value in samples)
    return Family(name, kind, help_text, "".join(lines))


def exposed(families: Iterable[Family], *, openmetrics: bool = False) -> bytes:
    """The body of an answer to a scrape."""
    parts: list[str] = []
    for one in families:
        # OpenMetrics names a counter's family without the _total that its samples carry.
        total = openmetrics and one.kind == "counter" and one.name.endswith("_total")
        name = one.name[: -len("_total")] if total else one.name
        parts.append(f"# HELP {name} {one.help}\n# TYPE {name} {one.kind}\n{one.lines}")
    if openmetrics:
        parts.append("# EOF\n")
    return "".join(parts).encode(errors="replace")


def exposed_labels(labels: Labels) -> str:
    """Labels in braces; nothing when there are none."""
    inner = ",".join(f'{key}="{_exposed_text(text)}"' for key, text in labels)
    return f"{{{inner}}}" if inner else ""


def bound_text(bound: float) -> str:
    """A bucket's bound as its label `le` says it, the same in both formats."""
    return "+Inf" if bound == float("inf") else repr(float(bound))


def _exposed_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
