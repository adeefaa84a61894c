"""schema/: the JSON Schema of stack.yaml, for editors."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.resolve.plan import Plan
from stackgen.spec.schema import json_schema


def artefacts(plan: Plan) -> list[Artefact]:
    """The schema."""
    return shared(plan, "..")


def shared(plan: Plan, home: str) -> list[Artefact]:
    """It is the same for every stack."""
    del plan, home
    path, context = "schema/stack.schema.json", {"document": json_schema()}
    return [Artefact(path, "_shared/json.j2", syntax="json", context=context)]


def own(plan: Plan) -> list[Artefact]:
    """Nothing is of one stack alone."""
    del plan
    return []
