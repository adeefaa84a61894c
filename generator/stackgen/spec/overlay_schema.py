"""The JSON Schema of a whole stack.yaml, made to fit overlays as well."""

from __future__ import annotations

from typing import Any

from stackgen.overlay import EXTENDS, NEW
from stackgen.spec.layers import KINDS

Schema = dict[str, Any]

_NAMES = {"type": ["array", "null"], "items": {"type": "string"}}
_KEYS: Schema = {
    EXTENDS: {
        "type": "string",
        "minLength": 1,
        "description": "The file below, seen from this one's folder: maps merge, lists replace, null is the default.",
    },
    NEW: {
        "type": ["object", "null"],
        "properties": {kind: {**_NAMES, "description": f"Names of {kind}."} for kind in KINDS},
        "additionalProperties": False,
        "description": "Names that the file below does not have.",
    },
}


def overlays(schema: Schema) -> Schema:
    """The schema, in which a file with `extends` may leave out everything and set everything to null."""
    parts: Schema = schema["$defs"]
    whole = _strict(schema, parts)
    whole["properties"][NEW] = False
    _relax(schema, parts, set())
    return {
        **schema,
        "properties": {**schema["properties"], **_KEYS},
        "if": {"required": [EXTENDS]},
        "else": whole,
    }


def _shapes(place: Schema, parts: Schema) -> list[Schema]:
    """The place itself and what it refers to; items of lists are none, for lists do not merge."""
    refs = [place, *place.get("anyOf", ())]
    return [*refs, *(parts[one["$ref"].rpartition("/")[2]] for one in refs if "$ref" in one)]


def _strict(place: Schema, parts: Schema) -> Schema:
    """What a whole file must have at this place, and must not set to null, where an overlay may do otherwise."""
    found: Schema = {}
    for shape in _shapes(place, parts):
        if "required" in shape:
            found["required"] = shape["required"]
        for key, inner in shape.get("properties", {}).items():
            if one := _never_null(inner, parts):
                found.setdefault("properties", {})[key] = one
        each = shape.get("additionalProperties")
        if each and (one := _never_null(each, parts)):
            found["additionalProperties"] = one
    return found


def _never_null(place: Schema, parts: Schema) -> Schema:
    return _strict(place, parts) | ({} if _may_be_null(place) else {"not": {"type": "null"}})


def _may_be_null(place: Schema) -> bool:
    return "null" in place.get("type", ()) or any(one.get("type") == "null" for one in place.get("anyOf", ()))


def _relax(place: Schema, parts: Schema, seen: set[int]) -> None:
    """Nothing is required and null is allowed, in the place and below."""
    for shape in _shapes(place, parts):
        if id(shape) in seen:
            continue
        seen.add(id(shape))
        shape.pop("required", None)
        properties, each = shape.get("properties", {}), shape.get("additionalProperties")
        for key, inner in properties.items():
            _relax(inner, parts, seen)
            properties[key] = _or_null(inner)
        if each:
            _relax(each, parts, seen)
            shape["additionalProperties"] = _or_null(each)


def _or_null(place: Schema) -> Schema:
    if _may_be_null(place):
        return place
    if isinstance(place.get("type"), str) and "enum" not in place:
        return {**place, "type": [place["type"], "null"]}
    told = {"description": place["description"]} if "description" in place else {}
    return {"anyOf": [{key: value for key, value in place.items() if key not in told}, {"type": "null"}], **told}
