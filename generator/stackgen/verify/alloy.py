"""config.alloy against the components of Alloy 1.18, and `alloy validate` where the program is on the machine.

The components are those of grafana/alloy internal/component/loki at 1.18 and of the reference manual; no binary could
be had in our lab, so `alloy validate` has not been seen to run there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from stackgen.problem import Mark, Problem
from stackgen.verify.alloy_syntax import Block, Reference, Unreadable, parse

Kind = Literal["text", "time", "bool", "number", "texts", "map", "maps", "receivers"]


class _Shape(NamedTuple):
    """What may stand in a block; a name that ends in `!` must."""

    attributes: Mapping[str, Kind] = MappingProxyType({})
    blocks: Mapping[str, _Shape] = MappingProxyType({})
    many: bool = False
    """Whether there may be several of it in one place."""
    receives: bool = False
    """Whether others may forward to it."""


def _stage(**attributes: Kind) -> _Shape:
    return _Shape({name.replace("_needed", "!"): kind for name, kind in attributes.items()}, many=True)


_TLS = _Shape({"ca_file": "text", "insecure_skip_verify": "bool", "server_name": "text", "min_version": "text"})
_ENDPOINT = _Shape(
    {
        **{"url!": "text", "name": "text", "tenant_id": "text", "bearer_token_file": "text", "batch_size": "text"},
        **{"batch_wait": "time", "remote_timeout": "time", "min_backoff_period": "time", "max_backoff_period": "time"},
        **{"max_backoff_retries": "number", "retry_on_http_429": "bool", "headers": "map", "enable_http2": "bool"},
    },
    {"basic_auth": _Shape({"username!": "text", "password_file!": "text"}), "tls_config": _TLS},
    many=True,
)
_COMPONENTS: Mapping[str, _Shape] = {
    "loki.source.file": _Shape(
        {
            **{"targets!": "maps", "forward_to!": "receivers", "encoding": "text", "tail_from_end": "bool"},
            **{"legacy_positions_file": "text", "on_positions_file_error": "text"},
        },
        {
            "file_match": _Shape({"enabled": "bool", "sync_period": "time", "ignore_older_than": "time"}),
            "file_watch": _Shape({"min_poll_frequency": "time", "max_poll_frequency": "time"}),
        },
    ),
    "loki.process": _Shape(
        {"forward_to!": "receivers"},
        {
            "stage.json": _stage(expressions_needed="map", source="text", drop_malformed="bool"),
            "stage.timestamp": _stage(
                source_needed="text", format_needed="text", location="text", action_on_failure="text"
            ),
            "stage.structured_metadata": _stage(values="map", regex="text"),
            "stage.labels": _stage(values_needed="map"),
            "stage.label_drop": _stage(values_needed="texts"),
        },
        receives=True,
    ),
    "loki.write": _Shape({"external_labels": "map", "max_streams": "number"}, {"endpoint": _ENDPOINT}, receives=True),
}
_SETTINGS: Mapping[str, _Shape] = {"logging": _Shape({"level": "text", "format": "text"})}
_TIME = re.compile(r"([0-9]+(ms|s|m|h))+")

Found = Iterator[tuple[int, str]]
"""Line and message."""


def problems(files: Mapping[str, str], paths: Iterable[str]) -> list[Problem]:
    """What Alloy 1.18 would refuse, or what would lead nowhere, in the files at these paths below output/."""
    return [problem for path in paths for problem in _of_file(path, files[path])]


def _of_file(path: str, text: str) -> Iterator[Problem]:
    try:
        whole = parse(text)
    except Unreadable as error:
        yield Problem(Mark(path, error.line), "alloy-syntax", "", str(error))
        return
    for line, message in (*_shapes(whole), *_wiring(whole), *_extracted(whole)):
        yield Problem(Mark(path, line), "alloy-option", "", f"Alloy 1.18: {message}")


def _shapes(whole: Block) -> Found:
    yield from ((1, f"no attribute {name} at the top") for name in whole.attributes)
    for (name, label), times in Counter((b.name, b.label) for b in whole.blocks).items():
        if times > 1:
            yield 1, f'{name} "{label}" stands {times} times'
    for block in whole.blocks:
        shape = _COMPONENTS.get(block.name) or _SETTINGS.get(block.name)
        if shape is None:
            yield block.line, f"no component named {block.name} is used here"
            continue
        if (block.name in _COMPONENTS) != bool(block.label):
            yield block.line, f"{block.name} has {'a' if block.label else 'no'} label"
        yield from _block(block, shape)


def _block(block: Block, shape: _Shape) -> Found:
    known = {name.removesuffix("!"): kind for name, kind in shape.attributes.items()}
    needed = {name[:-1] for name in shape.attributes if name.endswith("!")}
    for name, value in block.attributes.items():
        if name not in known:
            yield block.line, f"{block.name} has no attribute {name}"
        elif not _fits(value, known[name]):
            yield block.line, f"{block.name}: {name} is no {known[name]}"
    for name in sorted(needed - block.attributes.keys()):
        yield block.line, f"{block.name} needs {name}"
    for name, times in Counter(inner.name for inner in block.blocks).items():
        if name in shape.blocks and times > 1 and not shape.blocks[name].many:
            yield block.line, f"{block.name} has {name} {times} times"
    for inner in block.blocks:
        if inner.name not in shape.blocks or inner.label is not None:
            yield inner.line, f"{block.name} has no block {inner.name}"
        else:
            yield from _block(inner, shape.blocks[inner.name])


def _fits(value: object, kind: Kind) -> bool:
    match kind, value:
        case "text", str():
            return True
        case "time", str() as text:
            return _TIME.fullmatch(text) is not None
        case "bool", bool():
            return True
        case "number", int():
            return not isinstance(value, bool)
        case "texts", list() as items:
            return all(isinstance(item, str) for item in items)
        case "map", dict() as found:
            return all(isinstance(item, str) for item in found.values())
        case "maps", list() as items:
            return bool(items) and all(_fits(item, "map") for item in items)
        case "receivers", list() as items:
            return bool(items) and all(isinstance(item, Reference) for item in items)
        case _:
            return False


def _wiring(whole: Block) -> Found:
    """Every reference leads to a component that receives, and every component that receives gets something."""
    there = {f"{b.name}.{b.label}.receiver": b for b in whole.blocks if _receives(b)}
    used: set[str] = set()
    for block in whole.blocks:
        listed = block.attributes.get("forward_to")
        for item in listed if isinstance(listed, list) else []:
            name = item.name if isinstance(item, Reference) else ""
            used.add(name)
            if name not in there:
                yield block.line, f'{block.name} "{block.label}" forwards to {name}, which is nowhere'
    for name, block in there.items():
        if name not in used:
            yield block.line, f'nothing is forwarded to {block.name} "{block.label}"'


def _receives(block: Block) -> bool:
    return block.name in _COMPONENTS and _COMPONENTS[block.name].receives


def _extracted(whole: Block) -> Found:
    """What a stage reads was found by a stage before it."""
    for process in (b for b in whole.blocks if b.name == "loki.process"):
        known: set[str] = set()
        for stage in process.blocks:
            values = stage.attributes.get("values")
            read = {str(v or k) for k, v in values.items()} if isinstance(values, dict) else set()
            source = stage.attributes.get("source")
            read |= {source} if isinstance(source, str) else set()
            for name in sorted(read - known):
                yield stage.line, f"{stage.name} reads {name}, which no stage before it has found"
            found = stage.attributes.get("expressions")
            known |= set(found) if isinstance(found, dict) else set()
