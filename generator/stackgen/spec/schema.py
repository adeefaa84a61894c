"""The JSON Schema of stack.yaml for editors, made from the same models that read the file."""

from __future__ import annotations

from typing import Any

from stackgen.catalog import registry
from stackgen.catalog.signal import SEVERITIES
from stackgen.spec import fieldtext
from stackgen.spec.model import StackSpec
from stackgen.spec.overlay_schema import overlays
from stackgen.spec.thresholds import Signals

_SECTIONS = (
    *(("ignore", "Ignore"), ("prometheus", "Prometheus"), ("links", "Links")),
    *(("flower", "Flower"), ("app", "App"), ("compose", "Compose")),
)

Schema = dict[str, Any]  # JSON Schema is open by nature: any keyword, any depth


def json_schema() -> Schema:
    """Draft 2020-12, with every signal's name, title and unit where a signal can be named."""
    known = registry.signals()
    schema: Schema = StackSpec.model_json_schema(by_alias=True, mode="validation")
    parts: Schema = schema["$defs"]
    _describe(schema, parts)
    _name_signals(schema["properties"]["thresholds"], "ThresholdSpec", known)
    for part, dimension in (("QueueSpec", "queue"), ("TaskSpec", "task")):
        mine = {name: signal for name, signal in known.items() if signal.overrides == dimension}
        _name_signals(parts[part]["properties"]["thresholds"], "ThresholdSpec", mine)
    _shorthands(schema, parts)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "stack.yaml of celery-stackgen",
        **{key: value for key, value in overlays(_plain(schema)).items() if key != "title"},
    }


def _describe(schema: Schema, parts: Schema) -> None:
    """Writes each field's sentence beside it."""
    models = fieldtext.models()
    for name, place in (("StackSpec", schema), *parts.items()):
        model = models.get(name)
        for field, text in (fieldtext.of(model) if model else {}).items():
            alias = models[name].model_fields[field].alias or field
            for shape in (place, *place.get("anyOf", ())):
                if alias in shape.get("properties", {}):
                    shape["properties"][alias]["description"] = text


def _name_signals(place: Schema, part: str, signals: Signals) -> None:
    place.pop("additionalProperties", None)
    place["additionalProperties"] = False
    place["properties"] = {
        name: {"description": f"{signal.title} ({signal.unit})", "anyOf": _or_null(part)}
        for name, signal in sorted(signals.items())
    }


def _or_null(part: str) -> list[Schema]:
    return [{"$ref": f"#/$defs/{part}"}, {"type": "null"}]


def _shorthands(schema: Schema, parts: Schema) -> None:
    """What validators accept before the model sees it: empty sections, a bare number, a bare name."""
    number = parts["SeveritySpec"]["properties"]["threshold"]["anyOf"]
    for name in SEVERITIES:
        parts["ThresholdSpec"]["properties"][name]["anyOf"] += [n for n in number if n.get("type") != "null"]
    schema["properties"]["sources"]["items"] = {"anyOf": [{"$ref": "#/$defs/SourceSpec"}, {"type": "string"}]}
    for section in ("tasks", "thresholds", "versions"):
        schema["properties"][section]["type"] = ["object", "null"]
    for section, part in _SECTIONS:
        place: Schema = schema["properties"][section]
        place.pop("$ref", None)
        place["anyOf"] = _or_null(part)
    for section, part in (("queues", "QueueSpec"), ("tasks", "TaskSpec")):
        schema["properties"][section].pop("patternProperties", None)
        schema["properties"][section]["propertyNames"] = {"minLength": 1, "maxLength": 200}
        schema["properties"][section]["additionalProperties"] = {"anyOf": _or_null(part)}
    for part, section in (
        ("Stack", "labels"),
        ("Stack", "copies"),
        ("QueueSpec", "thresholds"),
        ("TaskSpec", "thresholds"),
    ):
        parts[part]["properties"][section]["type"] = ["object", "null"]
    parts["Stack"]["properties"]["labels"]["additionalProperties"] = False
    copies = parts["Stack"]["properties"]["copies"]
    copies["additionalProperties"] = False
    for values in copies["patternProperties"].values():
        values["type"] = ["array", "null"]
    for section in ("tasks", "queues"):
        parts["Ignore"]["properties"][section]["type"] = ["array", "null"]


def _plain(value: Any) -> Any:
    """Without Pydantic's titles, which only repeat the key, and without defaults, which may not be JSON."""
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {k: _plain(v) for k, v in value.items() if not (k == "title" and isinstance(v, str))}
