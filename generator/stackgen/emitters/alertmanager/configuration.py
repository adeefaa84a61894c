"""alertmanager/: who is told of which alert, and which alert mutes which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stackgen.artefact import Artefact
from stackgen.catalog.signals.stack import WATCHDOG
from stackgen.emitters.alertmanager import subtree
from stackgen.emitters.alertmanager.matching import matcher
from stackgen.resolve.plan import Plan
from stackgen.resolve.routing import ODD_SEVERITY, WATCHDOG_PACE, Branch, Leaf, Routing, mutings
from stackgen.rules import notifications
from stackgen.spec.alerting import NOBODY, Mute, Receiver
from stackgen.spec.receivers import needs


def artefacts(plan: Plan) -> list[Artefact]:
    """alertmanager.yml, or what is merged into that of others."""
    return [_config(plan, Routing(plan.spec))]


def _config(plan: Plan, routing: Routing) -> Artefact:
    context = _context(plan, routing)
    if plan.spec.shares("alertmanager"):
        return subtree.artefact(context, plan)
    return Artefact(
        path="alertmanager/alertmanager.yml",
        template="alertmanager/alertmanager.yml.j2",
        syntax="yaml",
        context=context,
    )


def _context(plan: Plan, routing: Routing) -> dict[str, object]:
    watched = bool(plan.of(WATCHDOG))
    odd = routing.pace(ODD_SEVERITY)
    return {
        "notes": list(_notes(routing.alerting.receivers)),
        "root": {
            "receiver": next(leaf.receiver for leaf in routing.default if leaf.severity == ODD_SEVERITY),
            "group_by": list(odd.group_by),
            "group_wait": odd.group_wait.prom,
            "group_interval": odd.group_interval.prom,
            "repeat_interval": odd.repeat_interval.prom,
        },
        "watchdog": {
            "matcher": matcher("alertname", WATCHDOG.alert),
            "receiver": routing.alerting.watchdog,
            **WATCHDOG_PACE,
        }
        if watched
        else None,
        "branches": [_branch(branch, routing) for branch in routing.branches],
        "leaves": [_leaf(leaf, routing) for leaf in routing.default],
        "mutings": [
            {
                "why": m.why,
                "by": [matcher(label, *values) for label, values in m.by.items()],
                "targets": [matcher(label, *values) for label, values in m.targets.items()],
                "equal": list(m.equal),
            }
            for m in mutings(plan)
        ]
        or None,
        "times": [_time(mute) for mute in routing.alerting.mute] or None,
        "nobody": NOBODY,
        "receivers": [
            {"name": name, "ways": [_way(key, options) for key, options in notifications.ways(receiver)]}
            for name, receiver in routing.alerting.receivers.items()
        ],
    }


def _branch(branch: Branch, routing: Routing) -> dict[str, object]:
    odd = next(leaf.receiver for leaf in branch.leaves if leaf.severity == ODD_SEVERITY)
    return {
        "matcher": matcher(branch.label, branch.value),
        "receiver": odd,
        "leaves": [_leaf(leaf, routing) for leaf in branch.leaves],
    }


def _leaf(leaf: Leaf, routing: Routing) -> dict[str, object]:
    pace = routing.pace(leaf.severity)
    return {
        "matcher": matcher("severity", leaf.severity),
        "receiver": leaf.receiver,
        "group_by": list(pace.group_by),
        "group_wait": pace.group_wait.prom,
        "group_interval": pace.group_interval.prom,
        "repeat_interval": pace.repeat_interval.prom,
        "mutes": list(leaf.mutes) or None,
    }


def _time(mute: Mute) -> dict[str, object]:
    ranges = [dict(zip(("start_time", "end_time"), times.split("-"), strict=True)) for times in mute.times or ()]
    return {
        "name": mute.name,
        "times": ranges or None,
        "weekdays": list(mute.weekdays) if mute.weekdays else None,
        "location": mute.location,
    }


def _notes(receivers: Mapping[str, Receiver]) -> Iterator[str]:
    for name, receiver in receivers.items():
        for way, since in needs(receiver):
            yield f"The receiver {name} needs Alertmanager 0.{since} or newer, for {way}."


def _way(key: str, options: notifications.Options) -> dict[str, object]:
    (first, value), *rest = options
    return {"key": key, "first": first, "value": value, "rest": rest}
