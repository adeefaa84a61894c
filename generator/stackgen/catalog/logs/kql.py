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
    conditions: tuple[tuple[Field, tuple[str, ...]], ...] = (
        (line.SERVICE, (name,)),
        (line.ENVIRONMENT, (environment,)),
        *wanted.fields,
    )
    return " and ".join(f"{field.path} : {_one_of(values)}" for field, values in conditions)


def _one_of(values: tuple[str, ...]) -> str:
    texts = [json.dumps(value, ensure_ascii=False) for value in values]
    return f"({' or '.join(texts)})" if len(texts) > 1 else texts[0]
