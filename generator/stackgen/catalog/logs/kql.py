"""Questions in Kibana's query language.

Source: https://www.elastic.co/docs/reference/query-languages/kql
"""

from __future__ import annotations

import json

from stackgen.catalog.logs import line
from stackgen.catalog.logs.line import Field
from stackgen.catalog.logs.log_filter import LogFilter


def lines(wanted: LogFilter, name: str, environment: str) -> str:
    """The lines of a stack that are meant."""
    conditions: tuple[tuple[Field, str], ...] = (
        (line.SERVICE, name),
        (line.ENVIRONMENT, environment),
        *wanted.fields,
    )
    return " and ".join(f"{field.path} : {json.dumps(value, ensure_ascii=False)}" for field, value in conditions)
