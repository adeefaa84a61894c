"""Tables for a terminal, in colour and as wide as it is; for a pipe, plain and never cut. The only user of rich."""

from __future__ import annotations

from collections.abc import Sequence

from stackgen.explain.listing import Table
from stackgen.explain.words import safe

_COLOURS = {"critical": "red", "warning": "yellow", "info": "cyan"}


def plain(tables: Sequence[Table]) -> str:
    """Columns aligned with spaces, no escapes."""
    lines = []
    for table in tables:
        rows = [tuple(name.upper() for name in table.head), *(tuple(map(safe, row)) for row in table.rows)]
        widths = [max(len(row[n]) for row in rows) for n in range(len(table.head))]
        lines += ["", table.title]
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
    return "\n".join(lines[1:]) + "\n"


def coloured(tables: Sequence[Table]) -> None:
    """Prints to the terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as Drawn
    from rich.text import Text

    console = Console(highlight=False)
    for table in tables:
        drawn = Drawn(title=table.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
        for n, name in enumerate(table.head):
            drawn.add_column(name, style="bold" if n == 0 else "", overflow="fold", no_wrap=n < 2)
        for row in table.rows:
            cells = [Text(safe(cell)) for cell in row]
            for cell in cells:
                for word, colour in _COLOURS.items():
                    cell.highlight_words([word], colour)
            drawn.add_row(*cells)
        console.print(drawn)
