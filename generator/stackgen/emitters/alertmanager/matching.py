"""Matchers as Alertmanager reads them."""

from __future__ import annotations

from stackgen.catalog import promql


def text(value: str) -> str:
    """A value in a matcher, in the quotes and with the only escapes that Alertmanager 0.25 and newer read alike."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def matcher(label: str, *values: str) -> str:
    """`label="value"`, or `label=~"a|b"` for several."""
    if len(values) == 1:
        return f"{label}={text(values[0])}"
    return f"{label}=~{text('|'.join(map(promql.escape_regex, values)))}"
