"""logs/kibana/: a data view and a saved search for each question, as Kibana exports them.

Versions are those of the form in which they are written; a newer Kibana brings older forms up to date when it imports.
Source: elastic/kibana, src/platform/plugins/shared/saved_search/server/saved_objects: model version 5, the last before
tabs.
"""

from __future__ import annotations

import json
from typing import Any

from stackgen.artefact import Artefact
from stackgen.catalog.logs import kql, line, log_queries
from stackgen.catalog.logs.datastream import DataStream, saved_id, saved_title
from stackgen.catalog.logs.log_queries import LogQuery
from stackgen.resolve.plan import Plan

COLUMNS = (line.ACTION, line.TASK, line.TASK_ID, line.QUEUE, line.WORKER, line.ERROR_TYPE, line.MESSAGE)
OFFSET = "log.offset"
"""Where a line stands in its file, as Filebeat says: the order of those of one millisecond."""
INDEX = "kibanaSavedObjectMeta.searchSourceJSON.index"
"""The name by which a search refers to its data view."""


def artefacts(plan: Plan) -> list[Artefact]:
    """Everything for Kibana, one object a line."""
    objects = [_data_view(plan), *(_search(one, plan) for one in log_queries.SAVED)]
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


def _data_view(plan: Plan) -> dict[str, Any]:
    name, environment = plan.spec.stack.name, plan.spec.stack.environment
    attributes = {
        "title": DataStream.of(name, environment).name,
        "name": f"Celery logs: {name}, {environment}",
        "timeFieldName": line.TIME.path,
    }
    return _object("index-pattern", saved_id(name, environment), "8.0.0", attributes, [])


def _search(one: LogQuery, plan: Plan) -> dict[str, Any]:
    name, environment = plan.spec.stack.name, plan.spec.stack.environment
    source = {
        "query": {"query": kql.lines(one.filter, name, environment), "language": "kuery"},
        "filter": [],
        "indexRefName": INDEX,
    }
    attributes = {
        "title": saved_title(name, environment, one.id),
        "description": one.title,
        "columns": [field.path for field in COLUMNS],
        "sort": [[line.TIME.path, "desc"], [OFFSET, "desc"]],
        "grid": {},
        "hideChart": False,
        "isTextBasedQuery": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source, ensure_ascii=False)},
    }
    view = {"type": "index-pattern", "id": saved_id(name, environment), "name": INDEX}
    return _object("search", saved_id(name, environment, one.id), "10.5.0", attributes, [view])
