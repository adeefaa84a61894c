"""Questions in the two languages of CloudWatch: filter patterns, which metrics are made with, and Logs Insights.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

from __future__ import annotations

import json

from generator.catalog.logs import line
from generator.catalog.logs.question import Question


def pattern(question: Question) -> str:
    """The filter pattern that matches the lines; a property is selected with `$.` and dots between objects."""
    asked = [f"($.{field.path} = {json.dumps(value)})" for field, value in question.fields]
    inside = " && ".join(asked) if len(asked) > 1 else asked[0].strip("()") if asked else f"$.{line.SERVICE.path} = *"
    return f"{{ {inside} }}"


def query(question: Question, most: int = 100) -> str:
    """A query of Logs Insights for the newest of the lines."""
    shown = ("@timestamp", line.TASK.path, line.TASK_ID.path, line.ERROR_TYPE.path, "@message")
    asked = " and ".join(f"{field.path} = {json.dumps(value)}" for field, value in question.fields)
    where = f" | filter {asked}" if asked else ""
    return f"fields {', '.join(shown)}{where} | sort @timestamp desc | limit {most}"
