"""Every key of stack.yaml or plan.json, read from the models: type and unit, default, meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import JsonValue, WithJsonSchema
from pydantic.fields import FieldInfo

from stackgen.spec import fieldtext
from stackgen.spec.model import StackSpec
from stackgen.spec.names import Form
from stackgen.spec.part import Part
from stackgen.spec.scalars import Duration, Quantity

Kind = Any  # an annotation: a class, a union, a generic alias
_WORDS: Mapping[Kind, str] = {
    Duration: "a duration such as 30s, 10m or 1h30m",
    Quantity: "a number in the signal's unit: 1000, 5%, 10m or 10/s",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    JsonValue: "any value",
}
_BYTES, _SHARE = "a size such as 512MiB or 1.5GiB", "a share such as 0.1 or 10%"


@dataclass(frozen=True)
class Key:
    """One key of a mapping."""

    name: str
    kind: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Section:
    """One mapping of stack.yaml: the places it may stand, what it is, and its keys."""

    paths: tuple[str, ...]
    meaning: str
    keys: tuple[Key, ...]


def sections(model: type[Part] = StackSpec) -> list[Section]:
    """The mappings in the order in which a reader meets them; one that stands in several places is told once."""
    paths: dict[type[Part], list[str]] = {}
    for part, path in _parts(model, ""):
        found = paths.setdefault(part, [])
        if path not in found:
            found.append(path)
    return [Section(tuple(places), _prose(part.__doc__), _keys(part)) for part, places in paths.items()]


def _parts(model: type[Part], path: str) -> Iterator[tuple[type[Part], str]]:
    yield model, path
    for name, field in model.model_fields.items():
        here = f"{path}.{field.alias or name}".lstrip(".")
        for part, where in _inner(field.annotation, here):
            yield from _parts(part, where)


def _inner(kind: Kind, path: str) -> Iterator[tuple[type[Part], str]]:
    """The mappings inside a type, with the path to each."""
    origin: Kind = get_origin(kind)
    inside = get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Part):
        yield kind, path
    elif origin is Annotated:
        yield from _inner(inside[0], path)
    elif origin is dict:
        yield from _inner(inside[1], f"{path}.<name>")
    elif origin is list:
        yield from _inner(inside[0], f"{path}[]")
    elif origin in (Union, UnionType):
        for one in inside:
            yield from _inner(one, path)


def _keys(part: type[Part]) -> tuple[Key, ...]:
    texts = fieldtext.of(part)
    return tuple(
        Key(
            field.alias or name,
            _kind(field.annotation, field.metadata),
            _default(field),
            _prose(texts.get(name)),
        )
        for name, field in part.model_fields.items()
    )


def _prose(text: str | None) -> str:
    """The docstring as one line of Markdown: code passes, a star is a star."""
    parts = re.split(r"(`[^`]+`)", " ".join((text or "").split()))
    return "".join(part if i % 2 else part.replace("*", "\\*") for i, part in enumerate(parts))


def _kind(kind: Kind, metadata: Sequence[object] = ()) -> str:
    origin: Kind = get_origin(kind)
    inside = get_args(kind)
    if origin is Annotated:
        return _kind(inside[0], inside[1:])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_kind(one) for one in inside if one is not NoneType))
    if origin is Literal:
        *others, last = map(str, inside)
        return f"{', '.join(others)} or {last}" if others else last
    if origin is list:
        return f"a list: {_kind(inside[0])}"
    if origin is dict:
        name = "a name" if inside[0] is str else _kind(inside[0])
        return f"a mapping: {name}, then {_kind(inside[1])}"
    if isinstance(kind, type) and issubclass(kind, Part):
        return "a mapping"
    return _scalar(kind, metadata)


def _scalar(kind: Kind, metadata: Sequence[object]) -> str:
    limits: list[object] = []
    for one in metadata:
        if isinstance(one, Form):
            return one.expected
        if isinstance(one, WithJsonSchema):
            return _BYTES if (one.json_schema or {}).get("type") == "string" else _SHARE
        limits += one.metadata if isinstance(one, FieldInfo) else [one]
    low = next((one.ge for one in limits if isinstance(one, annotated_types.Ge)), None)
    high = next((one.le for one in limits if isinstance(one, annotated_types.Le)), None)
    between = f" from {low} to {high}" if low is not None and high is not None else ""
    return _WORDS[kind] + between


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return _shown(field.get_default(call_default_factory=True))


def _shown(value: object) -> str:
    match value:
        case None | "" | [] | {}:
            return "none"
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(map(_shown, value))
        case Part():
            name = getattr(value, "name", None)
            return str(name) if name else "its defaults"
        case _:
            return str(value)
