"""schema/: the JSON Schema of stack.yaml, for editors."""

from __future__ import annotations

from generator.artefact import Artefact
from generator.resolve.plan import Plan
from generator.spec.schema import json_schema


def plan(stack: Plan) -> list[Artefact]:
    """The schema; it is the same for every stack."""
    del stack
    return [
        Artefact(
            path="schema/stack.schema.json",
            template="schema/schema.json.j2",
            syntax="json",
            context={"schema": json_schema()},
        )
    ]
