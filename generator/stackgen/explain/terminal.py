"""Tables as text: in columns and never cut for a pipe; for a person, one entry after the other, as wide as wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from stackgen.explain.listing import Table
from stackgen.explain.words import safe


def plain(tables: Sequence[Table]) -> str:
    """Columns aligned with spaces."""
    lines = []
    for table in tables:
        rows = [tuple(name.upper() for name in table.head), *(tuple(map(safe, row)) for row in table.rows)]
        widths = [max(len(row[n]) for row in rows) for n in range(len(table.head))]
        lines += ["", table.title]
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
    return "\n".join(lines[1:]) + "\n"


def stacked(tables: Sequence[Table], width: int) -> str:
    """Of each row the short cells on one line, and the long last one below it."""
    return "\n".join(line for table in tables for line in (table.title, *_entries(table, width), ""))


def _entries(table: Table, width: int) -> Iterator[str]:
    for *short, long in table.rows:
        for words, indent in ((" · ".join(map(safe, short)), "  "), (safe(long), "      ")):
            yield from wrap(words, max(width, 40), initial_indent=indent, subsequent_indent="      ",
                            break_on_hyphens=False)  # fmt: skip
