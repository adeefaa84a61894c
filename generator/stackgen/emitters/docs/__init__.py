"""docs/: guide to ours, troubleshooting, references of stack.yaml and plan.json, the table of this stack's alerts."""

from __future__ import annotations

from collections.abc import Mapping

from stackgen.artefact import Artefact
from stackgen.emitters.docs import alerts, capacity, guide, plan_json, stack_yaml, troubleshooting, unseen
from stackgen.resolve.plan import Plan


def artefacts(plan: Plan) -> list[Artefact]:
    """The pages a person reads."""
    return [*shared(plan, ".."), *own(plan)]


def shared(plan: Plan, home: str) -> list[Artefact]:
    """Those of which many stacks need one; `home` is the way from docs/ to the files of the stack that is shown."""
    return [
        _page("guide", guide.context(plan, home)),
        _page("stack", stack_yaml.context()),
        _page("joining", {}),
        _page("unseen", unseen.context()),
        *unseen.pictures(),
        _page("capacity", capacity.context()),
        _page("many", {}),
        _page("plan", plan_json.context()),
    ]


def own(plan: Plan) -> list[Artefact]:
    """Those that are each stack's own."""
    return [_page("troubleshooting", troubleshooting.context(plan)), _page("alerts", alerts.context(plan))]


def _page(name: str, context: Mapping[str, object]) -> Artefact:
    return Artefact(f"docs/{name}.md", f"docs/{name}.md.j2", syntax="markdown", context=context)
