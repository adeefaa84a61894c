"""Whether alertmanager.yml does what the plan says: who is told, how and when not, and what mutes what.

Nothing here knows how the file is built: each alert that the stack can have is sent through it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stackgen.catalog.signal import SEVERITIES
from stackgen.resolve import plan_file
from stackgen.resolve.plan import Plan, Silencer
from tests.alertmanager.reading import Config, Labels, muted, seconds, ways

NOBODY = "nobody"
WATCHDOG = "watchdog"
_UNUSUAL = "warning"
"""Alerts of other people, with severities of their own, are told like these."""
_TOLD_ANYWAY = {"pagerduty_configs", "opsgenie_configs", "webhook_configs", "msteamsv2_configs"}
"""What tells the end of an alert unless it is forbidden to."""
_PLAIN = {
    "routing_key_file",
    "api_url_file",
    "channel",
    "to",
    "from",
    "smarthost",
    "auth_username",
    "auth_password_file",
    "require_tls",
    "url",
    "url_file",
    "webhook_url_file",
    "api_key_file",
}
_ALIASES = {"username": "auth_username", "password_file": "auth_password_file"}


def findings(config: Config, plan: Plan) -> Iterator[str]:
    """Everything in which the file differs from the plan."""
    facts = plan_file.as_json(plan)
    yield from routes(config["route"], plan, facts)
    yield from times(config.get("time_intervals", ()), facts)
    yield from inhibition(config.get("inhibit_rules", ()), plan)
    yield from receivers(config["receivers"], facts)


def alerts(plan: Plan, others: Iterable[Labels] = ({},)) -> Iterator[dict[str, str]]:
    """Labels of every alert that this stack can have: each severity, owner, queue, and two subjects that nobody lists.

    `others` are labels that other stacks have instead.
    """
    stack = plan.spec.stack
    for alert in plan.alerts:
        if alert.receiver is None:
            continue
        known = {**alert.owners}
        if "queue" in alert.signal.by:
            known = {name: queue.owner or stack.owner for name, queue in plan.spec.queues.items()}
        subjects = {**dict.fromkeys(alert.signal.only_names(plan.site) or ("any-a", "any-b"), stack.owner), **known}
        for subject, owner in subjects.items() if alert.signal.by else [("", stack.owner)]:
            for other in others:
                yield {
                    **{"alertname": alert.signal.alert, "signal": alert.signal.id, "severity": alert.severity},
                    **{"owner": owner, "stack": stack.name, "environment": stack.environment, **stack.labels},
                    **{**dict.fromkeys(alert.signal.by, subject), **other},
                }


def by_hand(plan: Plan) -> Iterator[dict[str, str]]:
    """Alerts of a team's own rules: every severity, also one of theirs, of every owner and queue, or of none."""
    queues = {
        name: {"queue": name, "owner": queue.owner or plan.spec.stack.owner} for name, queue in plan.spec.queues.items()
    }
    named = {*plan.spec.alerting.owners, *(owner for mute in plan.spec.alerting.mute for owner in mute.owners or ())}
    owners = [{"owner": owner} for owner in sorted(named)]
    for about in ({}, *owners, *({**owner, "queue": "any"} for owner in owners), *queues.values()):
        yield {"alertname": "ByHand", **about}
        yield from ({"alertname": "ByHand", "severity": severity, **about} for severity in (*SEVERITIES, "odd"))


def routes(route: Config, plan: Plan, facts: Mapping[str, Any]) -> Iterator[str]:
    """Alerts that are told to others than the plan says, or at another pace, or at other times."""
    for labels in (*alerts(plan), *by_hand(plan)):
        found = ways(route, labels)
        if len(found) != 1:
            yield f"{labels}: told {len(found)} times"
            continue
        (way,) = found
        severity = labels["severity"] if labels.get("severity") in SEVERITIES else _UNUSUAL
        if labels.get("signal") == WATCHDOG:
            receiver, mutes, pace = facts["routes"]["watchdog"], frozenset[str](), None
        else:
            odd = labels.get("severity") != severity
            receiver = _receiver(labels, severity, facts["routes"])
            # An alert whose severity we do not know is told at any time.
            silent = receiver != NOBODY and not odd
            mutes = frozenset(_mutes(labels, severity, facts["mute_times"]) if silent else ())
            pace = facts["timing"][severity]
        if way.receiver != receiver:
            yield f"{labels}: told to {way.receiver}, not {receiver}"
        if way.mutes != mutes:
            yield f"{labels}: not told in {sorted(way.mutes)}, not {sorted(mutes)}"
        timing = (way.group_wait, way.group_interval, way.repeat_interval)
        if pace is None:
            if way.group_wait or way.group_interval > 60 or _period(*timing[1:]) != 240:
                yield f"the watchdog is told every {_period(*timing[1:]):g} s, {timing}"
        elif way.group_by != frozenset(pace["group_by"]):
            yield f"{labels}: gathered by {sorted(way.group_by)}"
        elif timing != tuple(seconds(pace[key]) for key in ("group_wait", "group_interval", "repeat_interval")):
            yield f"{labels}: told at {timing}"


def _period(interval: float, repeat: float) -> float:
    """Seconds between two messages of what does not change: Alertmanager looks once in an interval."""
    return math.ceil(repeat / interval) * interval


def _receiver(labels: Labels, severity: str, told: Mapping[str, Any]) -> str:
    by_queue, by_owner = told["queues"].get(labels.get("queue")), told["owners"].get(labels.get("owner"))
    receiver: str = (by_queue or by_owner or told["default"])[severity]
    return receiver


def _mutes(labels: Labels, severity: str, mutes: Mapping[str, Any]) -> Iterator[str]:
    for name, one in mutes.items():
        whose = (("owners", "owner"), ("queues", "queue"))
        if severity in one["severities"] and all(one[k] is None or labels.get(v) in one[k] for k, v in whose):
            yield name


def times(intervals: Iterable[Config], facts: Mapping[str, Any]) -> Iterator[str]:
    """Times in which something is not told that are others than the plan's."""
    written = {one["name"]: sorted(map(_moments, one["time_intervals"])) for one in intervals}
    wanted = {
        name: [_moments({"weekdays": one["weekdays"], "location": one["location"], "times": _ranges(one["times"])})]
        for name, one in facts["mute_times"].items()
    }
    if written != wanted:
        yield f"not told in {written}, not {wanted}"


def _ranges(times: Iterable[str] | None) -> list[dict[str, str]] | None:
    return [dict(zip(("start_time", "end_time"), one.split("-"), strict=True)) for one in times] if times else None


def _moments(interval: Config) -> tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]:
    ranges = sorted((one["start_time"], one["end_time"]) for one in interval.get("times") or ())
    return interval.get("location") or "UTC", tuple(sorted(interval.get("weekdays") or ())), tuple(ranges)


def inhibition(rules: Any, plan: Plan) -> Iterator[str]:
    """Pairs of alerts of which one mutes the other in the file and not in the plan, or the other way about."""
    others = [{label: "another"} for label in ("environment", "stack", *plan.spec.stack.copies)]
    firing = [*alerts(plan, ({}, *others))]
    written = set(muted(rules, firing))
    wanted = set(_planned(firing, plan))
    for effect, cause in sorted(written ^ wanted):
        does = "is muted" if (effect, cause) in written else "is not muted"
        yield f"{firing[effect]} {does} by {firing[cause]}"


def _planned(firing: list[dict[str, str]], plan: Plan) -> Iterator[tuple[int, int]]:
    records = {(one.signal.id, one.severity): one for one in plan.alerts}
    by_name: dict[str, list[int]] = {}
    for number, labels in enumerate(firing):
        by_name.setdefault(labels["alertname"], []).append(number)
    for effect, labels in enumerate(firing):
        for silencer in records[labels["signal"], labels["severity"]].silencers:  # type: ignore[index]
            for cause in by_name.get(silencer.alert, ()):
                if _silences(silencer, firing[cause], labels):
                    yield effect, cause


def _silences(silencer: Silencer, cause: Labels, effect: Labels) -> bool:
    return (
        silencer.severity in (None, cause["severity"])
        and (not silencer.of or cause.get("source") in silencer.of)
        and (not silencer.only or effect.get("source") in silencer.only)
        and all(cause.get(label, "") == effect.get(label, "") for label in silencer.equal)
    )


def receivers(written: Iterable[Config], facts: Mapping[str, Any]) -> Iterator[str]:
    """Receivers that are not the plan's: other ways, other addresses, or no word of the end of an alert."""
    found = {one["name"]: dict(_ways(one)) for one in written}
    wanted: dict[str, Any] = {NOBODY: {}} | {name: dict(_wanted(one)) for name, one in facts["receivers"].items()}
    if found != wanted:
        yield f"receivers {found}, not {wanted}"


def _ways(receiver: Config) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for kind, ways_of_it in receiver.items():
        if kind != "name":
            yield (
                kind,
                [
                    {
                        **{key: value for key, value in way.items() if key in _PLAIN},
                        "send_resolved": way.get("send_resolved", kind in _TOLD_ANYWAY),
                    }
                    for way in ways_of_it
                ],
            )


def _wanted(receiver: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for kind, settings in receiver.items():
        plain = {_ALIASES.get(key, key): value for key, value in settings.items()}
        yield f"{kind}_configs", [{**plain, "send_resolved": True}]
