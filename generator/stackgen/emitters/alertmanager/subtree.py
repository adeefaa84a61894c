"""What an Alertmanager of others takes over: one route for this stack's alerts, and what belongs to it.

The file is a whole configuration with the smallest root there is, so that amtool can judge it as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stackgen.artefact import Artefact
from stackgen.emitters.alertmanager.matching import matcher
from stackgen.resolve.plan import Plan
from stackgen.resolve.routing import called

Context = Mapping[str, Any]


def artefact(whole: Context, plan: Plan) -> Artefact:
    """alertmanager/subtree.yml, of the context from which alertmanager.yml would be made."""
    ours = [matcher(name, value) for name, value in plan.site.identity.items()]
    watchdog = whole["watchdog"]
    return Artefact(
        path="alertmanager/subtree.yml",
        template="alertmanager/subtree.yml.j2",
        syntax="yaml",
        context={
            "notes": whole["notes"],
            "ours": ours,
            "root": {**whole["root"], "receiver": called(whole["root"]["receiver"], plan)},
            "watchdog": watchdog and {**watchdog, "receiver": called(watchdog["receiver"], plan)},
            "branches": [
                {
                    "matcher": branch["matcher"],
                    "receiver": called(branch["receiver"], plan),
                    "leaves": _routes(branch["leaves"], plan),
                }
                for branch in whole["branches"]
            ],
            "leaves": _routes(whole["leaves"], plan),
            "mutings": [
                {**muting, "by": [*ours, *muting["by"]], "targets": [*ours, *muting["targets"]]}
                for muting in whole["mutings"] or ()
            ]
            or None,
            "times": [{**time, "name": called(time["name"], plan)} for time in whole["times"] or ()] or None,
            "nobody": called(whole["nobody"], plan),
            "receivers": [{**receiver, "name": called(receiver["name"], plan)} for receiver in whole["receivers"]],
        },
    )


def _routes(leaves: Sequence[Context], plan: Plan) -> list[dict[str, object]]:
    """Each route in one line, as Alertmanager names its parts."""
    return [
        {
            "matchers": [leaf["matcher"]],
            "receiver": called(leaf["receiver"], plan),
            **({"mute_time_intervals": [called(name, plan) for name in leaf["mutes"]]} if leaf["mutes"] else {}),
            **{part: leaf[part] for part in ("group_by", "group_wait", "group_interval", "repeat_interval")},
        }
        for leaf in leaves
    ]
