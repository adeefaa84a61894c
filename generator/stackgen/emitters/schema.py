"""schema/: the JSON Schema of stack.yaml, for editors.

It is the same for every stack, so it stands ready as a template; `make schema` writes that from the models, and a test
compares the two.
"""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.resolve.plan import Plan


def plan(stack: Plan) -> list[Artefact]:
    """The schema; it is the same for every stack."""
    del stack
    return [
        Artefact(
            path="schema/stack.schema.json",
            template="schema/stack.schema.json.j2",
            syntax="json",
            context={},
        )
    ]
