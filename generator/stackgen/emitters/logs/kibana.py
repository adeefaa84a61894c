"""logs/kibana/: a data view and a saved search for each question, as Kibana exports them.

Versions are those of the form in which they are written; a newer Kibana brings older forms up to date when it imports.
Source: elastic/kibana, src/platform/plugins/shared/saved_search/server/saved_objects: model version 5, the last before
tabs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from stackgen.artefact import Artefact
from stackgen.catalog.logs import kql, line, log_queries
from stackgen.catalog.logs.datastream import DataStream, saved_id, saved_title
from stackgen.resolve.plan import Plan

INDEX = "kibanaSavedObjectMeta.searchSourceJSON.index"
"""The name by which a search refers to its data view."""
FAILURES = "failures"
"""Of the data view of the stream's failure store."""


@dataclass(frozen=True)
class _Search:
    """A saved search: what it is about, and what Discover shows of each document."""

    id: str
    about: str
    query: str = ""
    view: str = ""
    columns: tuple[str, ...] = tuple(
        field.path
        for field in (line.ACTION, line.TASK, line.TASK_ID, line.QUEUE, line.WORKER, line.ERROR_TYPE, line.MESSAGE)
    )
    sort: tuple[str, ...] = (line.TIME.path, line.OFFSET.path)


_REFUSED = _Search(
    "refused",
    "Lines that Elasticsearch could not index, each in document.source. Before the first there is no such index.",
    view=FAILURES,
    columns=("error.type", "error.message"),
    sort=(line.TIME.path,),
)
"""Columns of a failure store's own mapping: the line itself is kept there and not indexed.

Source: https://www.elastic.co/docs/manage-data/data-store/data-streams/failure-store"""


def artefacts(plan: Plan) -> list[Artefact]:
    """Everything for Kibana, one object a line."""
    name, environment = plan.spec.stack.name, plan.spec.stack.environment
    stream = DataStream.of(name, environment)
    asked = (_Search(one.id, one.title, kql.lines(one.filter, name, environment)) for one in log_queries.SAVED)
    objects = [
        _data_view(plan, "", stream.name, "Celery logs"),
        *(_search(plan, one) for one in asked),
        _data_view(plan, FAILURES, stream.failures, "Celery logs, refused"),
        _search(plan, _REFUSED),
    ]
    return [
        Artefact(
            path="logs/kibana/celery.ndjson",
            template="logs/objects.ndjson.j2",
            syntax="ndjson",
            context={"objects": objects},
        )
    ]


def _object(
    kind: str, id: str, version: str, attributes: dict[str, Any], references: list[dict[str, str]]
) -> dict[str, Any]:
    return {
        "type": kind,
        "id": id,
        "managed": False,
        "attributes": attributes,
        "references": references,
        "coreMigrationVersion": "8.8.0",
        "typeMigrationVersion": version,
    }


def _data_view(plan: Plan, what: str, index: str, about: str) -> dict[str, Any]:
    name, environment = plan.spec.stack.name, plan.spec.stack.environment
    attributes = {"title": index, "name": f"{about}: {name}, {environment}", "timeFieldName": line.TIME.path}
    return _object("index-pattern", saved_id(name, environment, what), "8.0.0", attributes, [])


def _search(plan: Plan, one: _Search) -> dict[str, Any]:
    name, environment = plan.spec.stack.name, plan.spec.stack.environment
    source = {
        "query": {"query": one.query, "language": "kuery"},
        "filter": [],
        "indexRefName": INDEX,
    }
    attributes = {
        "title": saved_title(name, environment, one.id),
        "description": one.about,
        "columns": list(one.columns),
        "sort": [[field, "desc"] for field in one.sort],
        "grid": {},
        "hideChart": False,
        "isTextBasedQuery": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source, ensure_ascii=False)},
    }
    view = {"type": "index-pattern", "id": saved_id(name, environment, one.view), "name": INDEX}
    return _object("search", saved_id(name, environment, one.id), "10.5.0", attributes, [view])
