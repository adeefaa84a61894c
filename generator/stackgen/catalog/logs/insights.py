"""Questions in the three languages of CloudWatch: filter patterns, Logs Insights, and Metrics Insights.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-querylanguage.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from stackgen.catalog.logs import line
from stackgen.catalog.logs.log_filter import LogFilter


def selector(field: line.Field) -> str:
    """A property of a line in a filter pattern, with dots between objects."""
    return f"$.{field.path}"


def pattern(wanted: LogFilter) -> str:
    """The filter pattern that matches the lines. A `*` in a value stands for any text: it cannot be escaped."""
    conditions = [
        " || ".join(f"{selector(field)} = {_text(value)}" for value in values) for field, values in wanted.fields
    ]
    if not conditions:
        return f"{{ {selector(line.SERVICE)} = * }}"
    inside = " && ".join(f"({one})" for one in conditions) if len(conditions) > 1 else conditions[0]
    return f"{{ {inside} }}"


def query(wanted: LogFilter, most: int = 100) -> str:
    """A query of Logs Insights for the newest of the lines.

    Names of letters, digits, `_` and dots need no backticks; `@timestamp` is the event's time, read from the line.
    """
    shown = ("@timestamp", line.TASK.path, line.TASK_ID.path, line.ERROR_TYPE.path, "@message")
    conditions = " and ".join(f"{field.path} {_one_of(values)}" for field, values in wanted.fields)
    where = f" | filter {conditions}" if conditions else ""
    return f"fields {', '.join(shown)}{where} | sort @timestamp desc | limit {most}"


def total(metric: str, namespace: str, by: Iterable[str]) -> str:
    """A query of Metrics Insights for a metric's sum; an alarm on it judges each value of the dimensions for itself."""
    names = ", ".join(by)
    return f'SELECT SUM({metric}) FROM SCHEMA("{namespace}", {names}) GROUP BY {names} ORDER BY SUM() DESC'


def _one_of(values: tuple[str, ...]) -> str:
    texts = [_text(value) for value in values]
    return f"in [{', '.join(texts)}]" if len(texts) > 1 else f"= {texts[0]}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
