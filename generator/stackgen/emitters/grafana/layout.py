"""Where panels stand: rows of a grid of 24 columns, filled from left to right without gaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from stackgen.catalog.dashboard import Panel

COLUMNS = 24

Place = dict[str, int]


def lines(panels: Sequence[Panel]) -> Iterator[list[Panel]]:
    """The panels of a row, line by line, each line no wider than the grid."""
    line: list[Panel] = []
    for panel in panels:
        if sum(p.width for p in line) + panel.width > COLUMNS:
            yield line
            line = []
        line.append(panel)
    if line:
        yield line


def places(line: Sequence[Panel], top: int) -> list[Place]:
    """Places of one line's panels; they are widened to fill it, and as high as the highest."""
    total = sum(panel.width for panel in line)
    edges = [0, *(right * COLUMNS // total for right in accumulate(panel.width for panel in line))]
    height = max(panel.height for panel in line)
    return [{"h": height, "w": right - left, "x": left, "y": top} for left, right in pairwise(edges)]
