"""Reads what an exporter exposes: the text format, as far as names, labels and values go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_LINE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?(?:\s+#.*)?")
_LABEL = re.compile(r'\s*(\w+)="((?:[^"\\]|\\.)*)",?')
_ESCAPE = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


@dataclass(frozen=True)
class Sample:
    """One series and its value."""

    name: str
    labels: Mapping[str, str]
    value: float


def samples(text: str) -> Iterator[Sample]:
    """Every sample; lines that are none are passed over."""
    for line in text.split("\n"):
        match = _LINE.fullmatch(line.strip())
        if match and not line.startswith("#"):
            try:
                value = float(match[3])
            except ValueError:
                continue
            yield Sample(match[1], {name: _plain(raw) for name, raw in _LABEL.findall(match[2] or "")}, value)


def _plain(raw: str) -> str:
    return re.sub(r"\\.", lambda m: _ESCAPE.get(m[0], m[0]), raw)
