"""Two stacks that differ only in names must give files that differ only in names."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NAME = re.compile(r"name\d{3}")
CHECKSUM = "stackgen.files"
"""Label of a service: what it mounts, names and all."""
_BAR = re.compile(r"(?<!\\)\|")
"""As cmark-gfm and markdown-it split a row: whatever stands before the backslash."""
_GO = re.compile(r'\{\{ ("(?:[^"\\]|\\.)*") \}\}')


def differences(hostile: Mapping[str, str], twin: Mapping[str, str], names: Mapping[str, str]) -> Iterator[str]:
    """Where files of a stack are not those of its harmless twin; `names` has the harmless one for each text."""
    if sorted(hostile) != sorted(twin):
        yield f"other files: {sorted(set(hostile) ^ set(twin))}"
    texts = {name: text for text, name in names.items()}
    for path in sorted(set(hostile) & set(twin)):
        read = _READERS.get(path.rpartition(".")[2], _lines)
        yield from (f"{path}: {found}" for found in _unlike(read(hostile[path]), read(twin[path]), texts))


def columns(files: Mapping[str, str]) -> Iterator[str]:
    """Rows of a Markdown table that have more or fewer cells than its heading."""
    for path, text in files.items():
        if path.endswith(".md"):
            yield from (f"{path}:{number}: {why}" for number, why in _rows(text))


def _rows(text: str) -> Iterator[tuple[int, str]]:
    wanted = 0
    for number, line in enumerate(text.split("\n"), 1):
        cells = len(_BAR.findall(line)) if line.startswith("|") else 0
        if cells and wanted and cells != wanted:
            yield number, f"{cells - 1} cells in a table of {wanted - 1}: {line}"
        wanted = (wanted or cells) if cells else 0


def _unlike(hostile: Any, twin: Any, texts: Mapping[str, str], place: str = "") -> Iterator[str]:
    """Where two trees differ, other than by texts that hold a name."""
    match hostile, twin:
        case dict(), dict():
            if len(hostile) != len(twin):
                yield f"{place}: {len(hostile)} keys for {len(twin)}: {list(hostile)} for {list(twin)}"
            for key, item in twin.items():
                mine = texts.get(key, key)
                if mine in hostile and key != CHECKSUM:
                    yield from _unlike(hostile[mine], item, texts, f"{place}/{key}")
                elif mine not in hostile and not _NAME.search(str(key)):
                    yield f"{place}/{key}: is not there"
        case list(), list():
            if len(hostile) != len(twin):
                yield f"{place}: {len(hostile)} items for {len(twin)}: {hostile} for {twin}"
            for number, (mine, other) in enumerate(zip(hostile, twin, strict=False)):
                yield from _unlike(mine, other, texts, f"{place}/{number}")
        case str(), str() if _NAME.search(twin):
            wanted = texts.get(twin, hostile)
            if wanted not in (
                hostile,
                hostile.replace("$$", "$"),
                _GO.sub(lambda found: str(json.loads(found[1])), hostile),
            ):
                yield f"{place}: {hostile!r} for {wanted!r}"
        case _:
            if type(hostile) is not type(twin) or hostile != twin:
                yield f"{place}: {hostile!r} for {twin!r}"


def _yaml(text: str) -> Any:
    return list(yaml.load_all(text, LOADER))


def _ndjson(text: str) -> Any:
    return [json.loads(line) for line in text.splitlines()]


def _python(text: str) -> Any:
    """What the module binds at its top, as data where it is data; of the rest only its kind."""
    return [
        ast.literal_eval(node.value) if isinstance(node, ast.Assign) and _is_data(node.value) else type(node).__name__
        for node in ast.parse(text).body
    ]


def _is_data(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError):
        return False
    return True


def _markdown(text: str) -> Any:
    """What kind of line each one is: fence, heading of which level, row of how many cells, item, text, nothing."""
    return [_kind(line) for line in text.split("\n")]


def _kind(line: str) -> str:
    found = re.match(r"`{3,}[^`]*$|#{1,6} |\||\s*- |\s*\d+\. |$", line)
    cells = len(_BAR.findall(line)) if line.startswith("|") else ""
    kind = found[0] if found else "text"
    return f"{re.sub('`+', 'fence ', kind)}{cells}"  # as long as the longest fence in what it holds


def _lines(text: str) -> Any:
    return text.count("\n")


_READERS: Mapping[str, Callable[[str], Any]] = {
    "yml": _yaml,
    "yaml": _yaml,
    "json": json.loads,
    "ndjson": _ndjson,
    "py": _python,
    "md": _markdown,
}
