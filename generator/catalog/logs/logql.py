"""Questions in Loki's LogQL. What Alloy puts into structured metadata is asked without parsing lines.

Source: https://grafana.com/docs/loki/latest/query/
"""

from __future__ import annotations

from collections.abc import Mapping

from generator.catalog import promql
from generator.catalog.logs import line
from generator.catalog.logs.question import Question

STREAM = {"service_name": line.SERVICE, "environment": line.ENVIRONMENT}
"""Labels of a stream: few values each, for every combination is a stream of its own."""
METADATA = {
    "action": line.ACTION,
    "task": line.TASK,
    "task_id": line.TASK_ID,
    "queue": line.QUEUE,
    "worker": line.WORKER,
    "trace_id": line.TRACE,
    "error_type": line.ERROR_TYPE,
    "level": line.LEVEL,
}
"""Structured metadata of a line: any number of values."""

_NAMES = {field: name for name, field in METADATA.items()}


def stream(name: str, environment: str) -> str:
    """The selector of a stack's lines."""
    return promql.select("", f"service_name={promql.text(name)}", f"environment={promql.text(environment)}")


def lines(question: Question, selector: str) -> str:
    """The lines themselves."""
    asked = [f"{_NAMES[field]}={promql.text(value)}" for field, value in question.fields]
    return " | ".join([selector, *asked])


def count(question: Question, selector: str, window: int) -> str:
    """How many lines there were in the last `window` seconds, by what the question counts by."""
    by = f" by ({', '.join(_NAMES[field] for field in question.by)})" if question.by else ""
    return f"sum{by} (count_over_time({lines(question, selector)} [{promql.seconds(window)}]))"


def absent(question: Question, selector: str, window: int) -> str:
    """1 when there was no line in the last `window` seconds, else nothing."""
    return f"absent_over_time({lines(question, selector)} [{promql.seconds(window)}])"


def filters(values: Mapping[str, str]) -> str:
    """Filters on structured metadata, as a dashboard's link adds them: name -> value."""
    return "".join(f" | {name}={promql.text(value)}" for name, value in values.items())
