"""thanos/: the same rule groups for Thanos Ruler."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.resolve.plan import Plan
from stackgen.rules.build import groups
from stackgen.rules.plain import plain

STRATEGY = "abort"
"""Half of the series are no answer: a store that is away would look like queues and workers that are gone."""


def artefacts(plan: Plan) -> list[Artefact]:
    """One file with all groups."""
    found = [{**plain(group), "partial_response_strategy": STRATEGY} for group in groups(plan)]
    notes = [
        "Load it: thanos rule --rule-file=rules.yml; several rulers: --label=replica=… and --alert.label-drop=replica.",
        "A group that lacks a store fails and says so; it does not take missing series for missing workers.",
    ]
    context = {"notes": notes, "data": {"groups": found}}
    return [Artefact("thanos/rules.yml", "_shared/data.yml.j2", syntax="yaml", context=context)]
