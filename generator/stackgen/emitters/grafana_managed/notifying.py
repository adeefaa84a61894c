"""Contact points, mute timings and policies: receivers, times and routes of alertmanager/, as Grafana names them.

Facts: Grafana expands `$NAME` and `$__file{path}` in settings and policies of a file, `$$` is a dollar
(pkg/services/provisioning/values). A contact point without an integration does not exist, so who tells nobody is a time
that never ends. A provisioned policy is the whole tree of its organization. Settings: grafana/alerting, receivers/*/v1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from stackgen.artefact import Artefact
from stackgen.catalog.signals.stack import WATCHDOG
from stackgen.emitters.grafana_managed.rules import literal
from stackgen.resolve.plan import Plan
from stackgen.resolve.routing import ODD_SEVERITY, WATCHDOG_PACE, Branch, Leaf, Routing
from stackgen.rules import notifications
from stackgen.spec.alerting import NOBODY, Mute

_WAYS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "pagerduty_configs": (
        "pagerduty",
        {"routing_key_file": "integrationKey", "description": "summary", "severity": "severity", "details": "details"},
    ),
    "slack_configs": (
        "slack",
        {"api_url_file": "url", "channel": "recipient", "color": "color", "title": "title", "text": "text"},
    ),
    "email_configs": ("email", {"to": "addresses"}),
    "webhook_configs": ("webhook", {"url": "url", "url_file": "url"}),
    "msteamsv2_configs": ("teams", {"webhook_url_file": "url", "title": "title", "text": "message"}),
    "opsgenie_configs": ("opsgenie", {"api_key_file": "apiKey", "message": "message"}),
}
"""Of each integration: its type there, and what its options are called; the others are Grafana's own business."""
_NEVER = "tell nobody"
"""A time that never ends; no time of a user's has a space in its name."""
_OTHERS = "grafana-default-email"
"""Who is told of alerts that are no stack's of ours: what every Grafana begins with."""
_TREE = (
    "The whole tree of organization 1, in the place of the one that is there: where others have routes, add to theirs",
    "what stands under `routes`. Grafana takes no inhibition from files: a milder severity is told beside the more",
    "severe one, and alerts that are blind beside CeleryExporterDown.",
)
_SECRETS = (
    "Grafana reads each $__file{} itself, when it starts, and takes what follows a dollar in it for a variable",
    "(grafana/grafana#130055): no secret may have one. Mail is sent as [smtp] of grafana.ini says.",
)

Data = dict[str, Any]


def artefacts(plan: Plan) -> Iterator[Artefact]:
    """Nothing where somebody else tells people, or nobody is to be told."""
    if not plan.spec.grafana_notifies or not plan.spec.alerting.receivers:
        return
    tree = _Tree(plan)
    points = {"contactPoints": [*tree.contact_points()], "muteTimes": [*tree.times()]}
    for name, notes, data in (
        ("contact-points", _SECRETS, points),
        ("policies", _TREE, {"policies": [{"orgId": 1, **tree.root()}]}),
    ):
        context = {"notes": list(notes), "data": {"apiVersion": 1, **data}}
        yield Artefact(f"grafana_managed/{name}.yml", "_shared/data.yml.j2", syntax="yaml", context=context)


class _Tree:
    """The routes of one stack, below a root of others where the Grafana is theirs."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.routing = Routing(plan.spec)

    def root(self) -> Data:
        """The policy from which all routes come; as a root it may have no mute timing, so the odd ones come last."""
        odd = next(leaf for leaf in self.routing.default if leaf.severity == ODD_SEVERITY)
        below = [
            *self._watchdog(),
            *map(self._branch, self.routing.branches),
            *map(self._leaf, self.routing.default),
            *([self._told(NOBODY)] if odd.receiver == NOBODY else []),
        ]
        here = {"receiver": self._told(odd.receiver)["receiver"], **self._pace(odd), "routes": below}
        if not self.plan.spec.shares("grafana"):
            return here
        ours = [_matcher(name, value) for name, value in self.plan.site.identity.items()]
        return {"receiver": _OTHERS, "routes": [{"object_matchers": ours, **here}]}

    def contact_points(self) -> Iterator[Data]:
        """Each receiver with its integrations."""
        for name, receiver in self.plan.spec.alerting.receivers.items():
            found = [self._integration(name, key, options) for key, options in notifications.ways(receiver)]
            yield {"orgId": 1, "name": self._called(name), "receivers": found}

    def times(self) -> Iterator[Data]:
        """Times of `mute`, and the one that never ends."""
        for mute in self.plan.spec.alerting.mute:
            yield {"orgId": 1, "name": self._called(mute.name), "time_intervals": [_interval(mute)]}
        always = {"times": [{"start_time": "00:00", "end_time": "24:00"}]}
        yield {"orgId": 1, "name": self._called(_NEVER), "time_intervals": [always]}

    def _integration(self, name: str, key: str, options: notifications.Options) -> Data:
        kind, names = _WAYS[key]
        settings = {names[option]: _setting(option, value) for option, value in options if option in names}
        uid = f"celery-{sha256(repr((self.plan.site.slug, name, kind)).encode()).hexdigest()[:24]}"
        return {"uid": uid, "type": kind, "settings": settings, "disableResolveMessage": False}

    def _watchdog(self) -> Iterator[Data]:
        if self.plan.of(WATCHDOG):
            told = self._told(self.routing.alerting.watchdog)
            yield {"object_matchers": [_matcher("alertname", WATCHDOG.alert)], **told, **WATCHDOG_PACE}

    def _branch(self, branch: Branch) -> Data:
        odd = next(leaf for leaf in branch.leaves if leaf.severity == ODD_SEVERITY)
        return {
            "object_matchers": [_matcher(branch.label, branch.value)],
            **self._told(odd.receiver),
            "routes": [*map(self._leaf, branch.leaves)],
        }

    def _leaf(self, leaf: Leaf) -> Data:
        told = self._told(leaf.receiver, leaf.mutes)
        return {"object_matchers": [_matcher("severity", leaf.severity)], **told, **self._pace(leaf)}

    def _pace(self, leaf: Leaf) -> Data:
        pace = self.routing.pace(leaf.severity)
        return {
            "group_by": list(pace.group_by),
            "group_wait": pace.group_wait.prom,
            "group_interval": pace.group_interval.prom,
            "repeat_interval": pace.repeat_interval.prom,
        }

    def _told(self, receiver: str, mutes: tuple[str, ...] = ()) -> Data:
        """Who is told, and when not; instead of nobody somebody, never."""
        if receiver == NOBODY:
            receiver, mutes = next(iter(self.routing.alerting.receivers)), (_NEVER,)
        muted = {"mute_time_intervals": [*map(self._called, mutes)]} if mutes else {}
        return {"receiver": self._called(receiver), **muted}

    def _called(self, name: str) -> str:
        return f"{self.plan.site.slug}-{name}" if self.plan.spec.shares("grafana") else name


def _matcher(name: str, value: str) -> list[str]:
    return [name, "=", literal(value)]


def _setting(option: str, value: object) -> object:
    if option.endswith("_file"):
        return f"$__file{{{value}}}"
    if isinstance(value, Mapping):
        return {name: literal(str(text)) for name, text in value.items()}
    return literal(str(value).replace(", ", ",") if option == "to" else str(value))


def _interval(mute: Mute) -> Data:
    ranges = [dict(zip(("start_time", "end_time"), times.split("-"), strict=True)) for times in mute.times or ()]
    return {
        **({"times": ranges} if ranges else {}),
        **({"weekdays": list(mute.weekdays)} if mute.weekdays else {}),
        "location": mute.location,
    }
