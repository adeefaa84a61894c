"""docs/: guide to ours, troubleshooting, how workers join, references of stack.yaml and plan.json, table of alerts."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.emitters.docs import alerts, guide, plan_json, stack_yaml, troubleshooting
from stackgen.resolve.plan import Plan


def artefacts(plan: Plan) -> list[Artefact]:
    """The pages a person reads; two of them hold the numbers of this stack."""
    contexts = {
        "guide": guide.context(plan),
        "troubleshooting": troubleshooting.context(plan),
        "stack": stack_yaml.context(),
        "joining": {},
        "alerts": alerts.context(plan),
        "plan": plan_json.context(),
    }
    return [
        Artefact(path=f"docs/{name}.md", template=f"docs/{name}.md.j2", syntax="markdown", context=context)
        for name, context in contexts.items()
    ]
