"""What is written: each module or package makes one kind of output; the plan itself is written whatever is wanted."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.resolve import plan_file
from stackgen.resolve.plan import Plan


def plan_json(plan: Plan) -> Artefact:
    """plan.json, which `diff` and programs of others read."""
    document = plan_file.as_json(plan)
    return Artefact(plan_file.PATH, template="_shared/json.j2", syntax="json", context={"document": document})
