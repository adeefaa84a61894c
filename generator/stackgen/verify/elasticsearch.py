"""What is loaded into Elasticsearch and Kibana: known keys only, and every name in it leads to something.

Elasticsearch refuses most unknown keys, Kibana drops unknown attributes without a word. Forms: Elasticsearch 9's put
index template API; elastic/kibana, schema of `search` in model version 5 and of `index-pattern`. Neither program could
be had in our lab.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Json, StringConstraints, TypeAdapter, ValidationError

from stackgen.catalog.logs.line import FIELDS
from stackgen.problem import Mark, Problem
from stackgen.render import quote

DataStream = Annotated[str, StringConstraints(pattern=r"^logs-[a-z0-9_.]{1,100}-[a-z0-9_.]{1,100}$")]
Retention = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(d|h|m|s|ms)$")]
BuiltIn = Literal["logs@mappings", "logs@settings", "logs@custom", "ecs@mappings"]
OPTIONAL = frozenset({"logs@custom"})
"""Component templates that a cluster may not have."""
KNOWN = frozenset(field.path for field in FIELDS)


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


class _Property(_Options):
    type: Literal["keyword", "long", "double", "flattened"] | None = None
    ignore_above: Annotated[int, Field(gt=0, le=8191)] | None = None
    properties: dict[str, "_Property"] | None = None


class _Mappings(_Options):
    properties: dict[Literal["celery"], _Property]


class _Preference(_Options):
    prefer_ilm: Literal[False]


class _Index(_Options):
    lifecycle: _Preference


class _Settings(_Options):
    index: _Index


class _Lifecycle(_Options):
    data_retention: Retention


class _Inner(_Options):
    settings: _Settings
    lifecycle: _Lifecycle
    mappings: _Mappings


class _Meta(_Options):
    description: str


class _Nothing(_Options):
    pass


class _IndexTemplate(_Options):
    meta: Annotated[_Meta, Field(alias="_meta")]
    index_patterns: Annotated[list[DataStream], Field(min_length=1, max_length=1)]
    priority: Annotated[int, Field(gt=200)]
    data_stream: _Nothing
    composed_of: list[BuiltIn]
    ignore_missing_component_templates: list[BuiltIn]
    allow_auto_create: bool
    template: _Inner


class _Query(_Options):
    query: str
    language: Literal["kuery"]


class _Source(_Options):
    query: _Query
    filter: Annotated[list[Any], Field(max_length=0)]
    indexRefName: str


class _Meaning(_Options):
    searchSourceJSON: Json[_Source]


class _View(_Options):
    title: DataStream
    name: str
    timeFieldName: Literal["@timestamp"]


class _Search(_Options):
    title: str
    description: str
    columns: list[str]
    sort: list[list[str]]
    grid: _Nothing
    hideChart: bool
    isTextBasedQuery: Literal[False]
    kibanaSavedObjectMeta: _Meaning


class _Reference(_Options):
    type: Literal["index-pattern"]
    id: str
    name: str


class _Object(_Options):
    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,200}$")]
    managed: Literal[False]
    references: list[_Reference]
    coreMigrationVersion: Literal["8.8.0"]


class _DataView(_Object):
    type: Literal["index-pattern"]
    attributes: _View
    typeMigrationVersion: Literal["8.0.0"]


class _SavedSearch(_Object):
    type: Literal["search"]
    attributes: _Search
    typeMigrationVersion: Literal["10.5.0"]


_SAVED: TypeAdapter[_DataView | _SavedSearch] = TypeAdapter(
    Annotated[_DataView | _SavedSearch, Field(discriminator="type")]
)


def problems(files: Mapping[str, str], paths: Iterable[str]) -> list[Problem]:
    """What Elasticsearch or Kibana would refuse, drop or not find in the files at these paths below output/."""
    found: list[Problem] = []
    streams, kept = set(), set()
    for path in paths:
        try:
            if path.endswith(".ndjson"):
                objects = [_SAVED.validate_python(quote.parse_json(line)) for line in files[path].splitlines()]
                found += _of_objects(path, objects)
                streams |= {one.attributes.title for one in objects if isinstance(one, _DataView)}
            elif path.endswith("index-template.json"):
                template = _IndexTemplate.model_validate(quote.parse_json(files[path]))
                found += _of_template(path, template)
                streams |= set(template.index_patterns)
                kept.add(template.template.lifecycle.data_retention)
            else:
                kept.add(_Lifecycle.model_validate(quote.parse_json(files[path])).data_retention)
        except ValidationError as error:
            for one in error.errors(include_url=False, include_input=False):
                found.append(Problem(Mark(path), "elasticsearch-option", ".".join(map(str, one["loc"])), one["msg"]))
    for what, names in (("data stream", streams), ("retention", kept)):
        if len(names) > 1:
            said = f"the files name more than one {what}: {', '.join(sorted(names))}"
            found.append(Problem(Mark("logs/elasticsearch"), "elasticsearch-differs", what, said))
    return found


def _of_template(path: str, template: _IndexTemplate) -> Iterator[Problem]:
    missing = OPTIONAL.intersection(template.composed_of) - set(template.ignore_missing_component_templates)
    if missing:
        said = f"{', '.join(sorted(missing))} may not exist, and then the whole template would be refused"
        yield Problem(Mark(path), "elasticsearch-component", "composed_of", said)
    mapped = set(_leaves(template.template.mappings.properties))
    expected = {(field.path, field.kind) for field in FIELDS if field.is_ours}
    if mapped != expected:
        names = ", ".join(sorted({name for name, _ in mapped ^ expected}))
        yield Problem(
            Mark(path), "elasticsearch-mapping", "mappings", f"the mapping is not that of our fields: {names}"
        )


def _leaves(properties: Mapping[Any, _Property], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, one in properties.items():
        if one.properties is not None:
            yield from _leaves(one.properties, f"{prefix}{name}.")
        elif one.type:
            yield f"{prefix}{name}", one.type


def _of_objects(path: str, objects: list[_DataView | _SavedSearch]) -> Iterator[Problem]:
    views = {one.id for one in objects if isinstance(one, _DataView)}
    seen: set[tuple[str, str]] = set()
    for one in objects:
        if (one.type, one.id) in seen:
            yield Problem(Mark(path), "kibana-id", one.id, "the id stands twice: the second would replace the first")
        seen.add((one.type, one.id))
        for reference in one.references:
            if reference.id not in views:
                yield Problem(Mark(path), "kibana-reference", one.id, f"there is no data view {reference.id}")
        if isinstance(one, _SavedSearch):
            name = one.attributes.kibanaSavedObjectMeta.searchSourceJSON.indexRefName
            if name not in {reference.name for reference in one.references}:
                yield Problem(Mark(path), "kibana-reference", one.id, f"no reference is named {name}")
            unknown = {*one.attributes.columns, *(field for field, _ in one.attributes.sort)} - KNOWN
            if unknown:
                said = f"no line has the field {', '.join(sorted(unknown))}"
                yield Problem(Mark(path), "kibana-field", one.id, said)
