"""What is written: each module or package makes one kind of output; what `always` gives comes with every stack."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.resolve import plan_file
from stackgen.resolve.plan import Plan


def always(plan: Plan) -> list[Artefact]:
    """plan.json, which `diff` and programs of others read; and what is of the folder itself."""
    document = plan_file.as_json(plan)
    return [
        Artefact(plan_file.PATH, template="_shared/json.j2", syntax="json", context={"document": document}),
        *own(),
    ]


def own() -> list[Artefact]:
    """What git must not see of the folder, and how it merges MANIFEST.json."""
    return [
        Artefact(f".{name}", f"_shared/{name}.j2", syntax="text", context={}) for name in ("gitattributes", "gitignore")
    ]
