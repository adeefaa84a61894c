"""schema/: the JSON Schema of stack.yaml, for editors."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.resolve.plan import Plan
from stackgen.spec.schema import json_schema


def artefacts(plan: Plan) -> list[Artefact]:
    """The schema; it is the same for every stack."""
    del plan
    return [
        Artefact(
            path="schema/stack.schema.json",
            template="_shared/json.j2",
            syntax="json",
            context={"document": json_schema()},
        )
    ]
