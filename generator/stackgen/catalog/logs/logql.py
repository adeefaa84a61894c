"""Questions in Loki's LogQL. What Alloy puts into structured metadata is asked without parsing lines.

Source: https://grafana.com/docs/loki/latest/query/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from fractions import Fraction

from stackgen.catalog import promql
from stackgen.catalog.logs import line
from stackgen.catalog.logs.line import Field
from stackgen.catalog.logs.log_filter import LogFilter

"""The uid of the data source in Grafana."""
STREAM = {"service_name": line.SERVICE, "environment": line.ENVIRONMENT}
"""Labels by which every query selects the lines of a stack."""
HOST = "host"
FILE = "filename"
LABELS = (*STREAM, HOST, FILE)
"""Labels of a stream: few values each, for every combination is a stream of its own. Alloy adds the file's name."""
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

MOST_LINES = 1000
"""Lines that Grafana asks for at most."""
LONGEST_ANSWER = MOST_LINES * (line.LONGEST + (len(LABELS) + len(METADATA)) * line.LONGEST_NAME)
"""Bytes of as many of the longest lines, with labels and structured metadata."""

_NAMES = {field: name for name, field in METADATA.items()}
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def extraction(field: Field) -> str:
    """Where Alloy finds the field in a line, in JMESPath: what is no identifier stands in quotes."""
    return ".".join(part if _IDENTIFIER.fullmatch(part) else json.dumps(part) for part in field.path.split("."))


def stream(name: str, environment: str) -> str:
    """The selector of a stack's lines."""
    return promql.select("", f"service_name={promql.text(name)}", f"environment={promql.text(environment)}")


def lines(wanted: LogFilter, selector: str, *filters: str) -> str:
    """The lines themselves; empty filters are left out."""
    conditions = [promql.one_of(_NAMES[field], values) for field, values in wanted.fields]
    return " | ".join([selector, *conditions, *filter(None, filters)])


def count(wanted: LogFilter, selector: str, window: int, *filters: str) -> str:
    """How many lines there were in the last `window` seconds, by what the filter counts by."""
    by = f" by ({', '.join(_NAMES[field] for field in wanted.by)})" if wanted.by else ""
    return f"sum{by} (count_over_time({lines(wanted, selector, *filters)} [{promql.seconds(window)}]))"


def absent(wanted: LogFilter, selector: str, window: Fraction) -> str:
    """1, without the selector's labels, when there was no line in the last `window` seconds; else nothing."""
    return f"sum(absent_over_time({lines(wanted, selector)} [{promql.seconds(window)}]))"


def chosen(names: Iterable[str]) -> str:
    """Filters on structured metadata for what is chosen at the top of a dashboard; `All` also means lines without."""
    return "".join(f' | {name}=~"${name}"' for name in names)
