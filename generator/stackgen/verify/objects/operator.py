"""What prometheus-operator makes of an AlertmanagerConfig, as its pkg/alertmanager/amcfg.go does (0.93.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from stackgen.verify.objects.found import Found

Strategy = Literal["OnNamespace", "OnNamespaceExceptForAlertmanagerNamespace", "None", "global"]
"""How the Alertmanager treats the object; `global`: as its alertmanagerConfiguration."""
Data = dict[str, Any]
NULL = "null"
"""The receiver of what no object routes."""


def configuration(one: Found, strategy: Strategy = "OnNamespace", of_alertmanager: str = "monitoring") -> Data:
    """The alertmanager.yml of an Alertmanager in this namespace that takes this object only.

    Secrets are there with a text in place of what nobody here knows.
    """
    spec, prefix = one.spec, f"{one.metadata.get('namespace')}/{one.name}/"
    limited = strategy == "OnNamespace" or (
        strategy == "OnNamespaceExceptForAlertmanagerNamespace" and one.metadata.get("namespace") != of_alertmanager
    )
    added = [_matcher({"name": "namespace", "value": one.metadata.get("namespace")})] if limited else []
    ours = _route(spec.get("route", {}), prefix)
    if strategy != "global":
        ours = {**ours, "matchers": [*ours.get("matchers", ()), *added], "continue": True}
        ours = {"receiver": NULL, "routes": [ours]}
    return {
        "route": ours,
        "receivers": [{"name": NULL}, *(_receiver(each, prefix) for each in spec.get("receivers", ()))],
        "inhibit_rules": [_inhibition(rule, added) for rule in spec.get("inhibitRules", ())],
        "mute_time_intervals": [_time(each, prefix) for each in spec.get("muteTimeIntervals", ())],
    }


def _route(route: Mapping[str, Any], prefix: str) -> Data:
    made: Data = {_snake(key): value for key, value in route.items()}
    if "receiver" in made:
        made["receiver"] = f"{prefix}{made['receiver']}"
    if "matchers" in made:
        made["matchers"] = _matchers(made["matchers"])
    if "mute_time_intervals" in made:
        made["mute_time_intervals"] = [f"{prefix}{name}" for name in made["mute_time_intervals"]]
    if "routes" in made:
        made["routes"] = [_route(child, prefix) for child in made["routes"]]
    return made


def _matchers(matchers: Sequence[Mapping[str, Any]]) -> list[str]:
    return [_matcher(one) for one in matchers]


def _matcher(one: Mapping[str, Any]) -> str:
    value = str(one.get("value", "")).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{one.get("name")}{one.get("matchType", "=")}"{value}"'


def _inhibition(rule: Mapping[str, Any], added: list[str]) -> Data:
    return {
        "source_matchers": [*_matchers(rule.get("sourceMatch", ())), *added],
        "target_matchers": [*_matchers(rule.get("targetMatch", ())), *added],
        "equal": list(rule.get("equal", ())),
    }


def _receiver(receiver: Mapping[str, Any], prefix: str) -> Data:
    ways = {key: [_way(one) for one in value] for key, value in receiver.items() if key != "name"}
    return {"name": f"{prefix}{receiver.get('name')}", **{_snake(key): value for key, value in ways.items()}}


def _way(way: Mapping[str, Any]) -> Data:
    return dict(_option(_snake(key), value) for key, value in way.items())


def _option(key: str, value: object) -> tuple[str, object]:
    if isinstance(value, Mapping):  # a key of a Secret
        is_address = "url" in key
        return key.removesuffix("_secret"), "http://secret.invalid/" if is_address else "secret"
    if key == "details" and isinstance(value, list):
        return key, {one["key"]: one["value"] for one in value}
    return key, value


def _time(interval: Mapping[str, Any], prefix: str) -> Data:
    times = [{_snake(key): value for key, value in one.items()} for one in interval.get("timeIntervals", ())]
    for one in times:
        if "times" in one:
            one["times"] = [{_snake(key): value for key, value in each.items()} for each in one["times"]]
    return {"name": f"{prefix}{interval.get('name')}", "time_intervals": times}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
