"""AlertmanagerConfig: the routes of alertmanager/, as the operator wants them.

Facts of prometheus-operator 0.93.1, pkg/alertmanager/amcfg.go: to the first route, and to both sides of an inhibition,
it adds `namespace="<that of the object>"`, unless the Alertmanager's matcher strategy is None; that route goes on to
those of others (`continue: true`). The route of a global object may have no matchers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stackgen.catalog import promql
from stackgen.catalog.launch import Secret
from stackgen.catalog.signals.stack import WATCHDOG
from stackgen.emitters.kubernetes.objects import Thing, named, thing
from stackgen.resolve.plan import Plan
from stackgen.resolve.routing import ODD_SEVERITY, WATCHDOG_PACE, Branch, Leaf, Routing, mutings
from stackgen.rules import notifications
from stackgen.spec.alerting import NOBODY, Mute

_NAMES: Mapping[str, str] = {
    "pagerduty_configs": "pagerdutyConfigs",
    "slack_configs": "slackConfigs",
    "email_configs": "emailConfigs",
    "webhook_configs": "webhookConfigs",
    "msteamsv2_configs": "msteamsv2Configs",
    "opsgenie_configs": "opsgenieConfigs",
    "routing_key_file": "routingKey",
    "api_url_file": "apiURL",
    "send_resolved": "sendResolved",
    "auth_username": "authUsername",
    "auth_password_file": "authPassword",
    "require_tls": "requireTLS",
    "url_file": "urlSecret",
    "webhook_url_file": "webhookURL",
    "api_key_file": "apiKey",
}
"""What is called otherwise there; what ends in _file is a key of a Secret."""

Data = dict[str, Any]


def things(plan: Plan) -> Iterator[Thing]:
    """The object, where stack.yaml wants one."""
    if plan.spec.kubernetes.routing in ("namespaced", "global"):
        why = f"Told of alerts with namespace={plan.spec.namespace}, which every rule of this stack gives its alerts."
        if plan.spec.kubernetes.routing == "global":
            why = "For alertmanagerConfiguration of an Alertmanager: its root route, so alerts of others go to nobody."
        yield thing("AlertmanagerConfig", named("celery", plan), {"spec": _spec(plan)}, plan, why)


def secrets(plan: Plan) -> Iterator[tuple[str, str]]:
    """Receivers and the keys of the Secret that they need."""
    for name, receiver in plan.spec.alerting.receivers.items():
        for _, options in notifications.ways(receiver):
            yield from ((name, _key(str(value))) for key, value in options if key.endswith("_file"))


def _spec(plan: Plan) -> Data:
    routing = Routing(plan.spec)
    times = [_time(mute) for mute in routing.alerting.mute]
    muted = [_inhibition(one.by, one.targets, one.equal, plan) for one in mutings(plan)]
    return {
        "route": _root(routing, plan),
        "receivers": [
            {"name": NOBODY},
            *({"name": name, **_ways(name, plan)} for name in routing.alerting.receivers),
        ],
        **({"inhibitRules": muted} if muted else {}),
        **({"muteTimeIntervals": times} if times else {}),
    }


def _root(routing: Routing, plan: Plan) -> Data:
    """Takes this stack's alerts only; as a root route, which may not, it hands the others to nobody."""
    ours = _matchers({name: (value,) for name, value in plan.site.identity.items()})
    odd = next(leaf.receiver for leaf in routing.default if leaf.severity == ODD_SEVERITY)
    route = {
        "receiver": odd,
        "matchers": ours,
        **_pace(routing, ODD_SEVERITY),
        "routes": [
            *_watchdog(routing, plan),
            *(_branch(branch, routing) for branch in routing.branches),
            *(_leaf(leaf, routing) for leaf in routing.default),
        ],
    }
    return {"receiver": NOBODY, "routes": [route]} if plan.spec.kubernetes.routing == "global" else route


def _watchdog(routing: Routing, plan: Plan) -> Iterator[Data]:
    if plan.of(WATCHDOG):
        pace = {_camel(key): value for key, value in WATCHDOG_PACE.items()}
        yield {
            "matchers": _matchers({"alertname": (WATCHDOG.alert,)}),
            "receiver": routing.alerting.watchdog,
            **pace,
        }


def _branch(branch: Branch, routing: Routing) -> Data:
    odd = next(leaf.receiver for leaf in branch.leaves if leaf.severity == ODD_SEVERITY)
    return {
        "matchers": _matchers({branch.label: (branch.value,)}),
        "receiver": odd,
        "routes": [_leaf(leaf, routing) for leaf in branch.leaves],
    }


def _leaf(leaf: Leaf, routing: Routing) -> Data:
    return {
        "matchers": _matchers({"severity": (leaf.severity,)}),
        "receiver": leaf.receiver,
        **({"muteTimeIntervals": list(leaf.mutes)} if leaf.mutes else {}),
        **_pace(routing, leaf.severity),
    }


def _pace(routing: Routing, severity: Any) -> Data:
    pace = routing.pace(severity)
    return {
        "groupBy": list(pace.group_by),
        "groupWait": pace.group_wait.prom,
        "groupInterval": pace.group_interval.prom,
        "repeatInterval": pace.repeat_interval.prom,
    }


def _matchers(wanted: Mapping[str, tuple[str, ...]]) -> list[Data]:
    """Equal to the one value, or to any of several."""
    return [
        {"name": name, "matchType": "=", "value": values[0]}
        if len(values) == 1
        else {"name": name, "matchType": "=~", "value": "|".join(map(promql.escape_regex, values))}
        for name, values in wanted.items()
    ]


def _inhibition(
    by: Mapping[str, tuple[str, ...]], targets: Mapping[str, tuple[str, ...]], equal: tuple[str, ...], plan: Plan
) -> Data:
    ours = {name: (value,) for name, value in plan.site.identity.items()}
    return {
        "sourceMatch": _matchers({**ours, **by}),
        "targetMatch": _matchers({**ours, **targets}),
        "equal": list(equal),
    }


def _time(mute: Mute) -> Data:
    ranges = [dict(zip(("startTime", "endTime"), times.split("-"), strict=True)) for times in mute.times or ()]
    interval = {
        **({"times": ranges} if ranges else {}),
        **({"weekdays": list(mute.weekdays)} if mute.weekdays else {}),
    }
    return {"name": mute.name, "timeIntervals": [interval]}


def _ways(name: str, plan: Plan) -> Data:
    return {
        _NAMES[key]: [dict(_option(*option, plan) for option in options)]
        for key, options in notifications.ways(plan.spec.alerting.receivers[name])
    }


def _option(key: str, value: object, plan: Plan) -> tuple[str, object]:
    if key.endswith("_file"):
        secret = plan.spec.kubernetes.alerting_secret or plan.spec.kubernetes.secret
        return _NAMES[key], {"name": secret, "key": _key(str(value))}
    if isinstance(value, Mapping):
        return key, [{"key": each, "value": text} for each, text in value.items()]
    return _NAMES.get(key, key), value


def _key(file: str) -> str:
    return Secret.at(file, "given", "").name


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))
