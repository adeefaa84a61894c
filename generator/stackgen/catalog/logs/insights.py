"""Questions in the three languages of CloudWatch: filter patterns, Logs Insights, and Metrics Insights.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-querylanguage.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from stackgen.catalog.logs import line
from stackgen.catalog.logs.question import Question


def selector(field: line.Field) -> str:
    """A property of a line in a filter pattern, with dots between objects."""
    return f"$.{field.path}"


def pattern(question: Question) -> str:
    """The filter pattern that matches the lines. A `*` in a value stands for any text: it cannot be escaped."""
    asked = [f"({selector(field)} = {_text(value)})" for field, value in question.fields]
    inside = (
        " && ".join(asked) if len(asked) > 1 else asked[0].strip("()") if asked else f"{selector(line.SERVICE)} = *"
    )
    return f"{{ {inside} }}"


def query(question: Question, most: int = 100) -> str:
    """A query of Logs Insights for the newest of the lines.

    Names of letters, digits, `_` and dots need no backticks; `@timestamp` is the event's time, read from the line.
    """
    shown = ("@timestamp", line.TASK.path, line.TASK_ID.path, line.ERROR_TYPE.path, "@message")
    asked = " and ".join(f"{field.path} = {_text(value)}" for field, value in question.fields)
    where = f" | filter {asked}" if asked else ""
    return f"fields {', '.join(shown)}{where} | sort @timestamp desc | limit {most}"


def total(metric: str, namespace: str, by: Iterable[str]) -> str:
    """A query of Metrics Insights for a metric's sum; an alarm on it judges each value of the dimensions for itself."""
    names = ", ".join(by)
    return f'SELECT SUM({metric}) FROM SCHEMA("{namespace}", {names}) GROUP BY {names} ORDER BY SUM() DESC'


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
