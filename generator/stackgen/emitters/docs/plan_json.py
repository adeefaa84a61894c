"""plan.md: every key of plan.json, read from the models that write the file: type and meaning."""

from __future__ import annotations

from functools import cache

from stackgen.emitters.docs.fields import Key, sections
from stackgen.resolve.plan_model import PlanFile


@cache
def context() -> dict[str, object]:
    """The same for every stack."""
    return {
        "sections": [
            {
                "title": one.paths[0] or "the whole file",
                "others": list(one.paths[1:]) or None,
                "meaning": one.meaning,
                "fields": [{"name": key.name, "kind": _kind(key), "meaning": key.meaning} for key in one.keys],
            }
            for one in sections(PlanFile)
        ]
    }


def _kind(key: Key) -> str:
    kind = key.kind.replace("a whole number or a number", "a number")
    return kind if key.default == "required" else f"{kind} or null"
