"""What messages must say, and what they say: the texts of alertmanager.yml, filled in by the real amtool."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from stackgen.verify.tools import run

Alert = Mapping[str, Any]
MOST = 10
_COLOURS = {"critical": "danger", "warning": "warning"}
_PRIORITIES = {"critical": "P1", "warning": "P3"}


def _alert(severity: str, number: int, status: str = "firing") -> Alert:
    labels = {
        "alertname": "CeleryQueueBacklog",
        "severity": severity,
        "environment": "production",
        "queue": f"q{number}",
    }
    annotations = {
        "summary": f"Queue <q{number}> & co hold {{{{ 6000 }}}} tasks.",
        "description": f"Queue <q{number}> & co [hold](https://evil) tasks. Look.",
        "runbook_url": f"https://wiki.example.com/<a>?b&c={number}",
        "dashboard_url": f"https://grafana.example.com/<d>?a&b={number}",
    }
    return {"status": status, "labels": labels, "annotations": annotations}


def _without(alert: Alert, *names: str) -> Alert:
    return {**alert, "annotations": {k: v for k, v in alert["annotations"].items() if k not in names}}


SENT: Sequence[Sequence[Alert]] = (
    [_alert("critical", 1)],
    [_alert("warning", 1), _without(_alert("warning", 2), "runbook_url", "dashboard_url")],
    [_alert("info", n) for n in range(12)],
    [_alert("critical", n, "firing" if n else "resolved") for n in range(2)],
    [_alert("critical", n, "resolved") for n in range(11)],
    [_alert("critical", n) for n in range(MOST)],
    [{**_alert("", 1), "labels": {"alertname": "ByHand"}}],
)
"""Groups of alerts as they are told together."""


def said(option: str, alerts: Sequence[Alert]) -> str | None:
    """What a message must say of alerts under one of the options of alertmanager.yml; None: nothing is known of it."""
    severity = str(_common(alerts).get("severity", ""))
    first, ended = alerts[0]["annotations"], _status(alerts) == "resolved"
    match option:
        case "description" | "message":
            return str(first["summary"])
        case "severity":
            return severity or "critical"
        case "priority":
            return _PRIORITIES.get(severity, "P5")
        case "color":
            return "good" if ended else _COLOURS.get(severity, "#439FE0")
        case "title":
            name, place = _common(alerts)["alertname"], _common(alerts).get("environment", "")
            return f"{'RESOLVED' if ended else f'FIRING {severity}'}: {name} ({len(alerts)}, {place})"
        case "slack":
            return _slack(_listed(alerts))
        case "teams":
            return _listed(alerts).replace("](", "] (")
        case "details.firing" | "details.resolved":
            of = [one["annotations"] for one in alerts if one["status"] == option.partition(".")[2]]
            return _cut([f"{_once(one['summary'])}\n" for one in of])
        case "details.runbook" | "details.dashboard":
            return _once(first.get(f"{option.partition('.')[2]}_url", ""))
        case _:
            return None


def _status(alerts: Sequence[Alert]) -> str:
    return "firing" if any(one["status"] == "firing" for one in alerts) else "resolved"


def _common(alerts: Sequence[Alert]) -> Mapping[str, str]:
    labels = [one["labels"].items() for one in alerts]
    return dict(set(labels[0]).intersection(*labels))


def _once(text: str) -> str:
    """With no two braces together: PagerDuty's details are filled in twice."""
    return text.replace("{", "{ ")


def _slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _listed(alerts: Sequence[Alert]) -> str:
    return _cut([_told(one["annotations"]) for one in alerts])


def _told(said_of: Mapping[str, str]) -> str:
    names = ("Runbook", "Dashboard")
    links = (f"{name}: {said_of[f'{name.lower()}_url']}\n" for name in names if f"{name.lower()}_url" in said_of)
    return f"{said_of['description']}\n{''.join(links)}"


def _cut(texts: Sequence[str]) -> str:
    more = f"… and {len(texts) - MOST} more" if len(texts) > MOST else ""
    return "".join(texts[:MOST]) + more


def texts(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every text that is filled in, with the name of its option; Slack's and Teams' of one name are told apart."""
    for receiver in config["receivers"]:
        for kind, ways in receiver.items():
            for way in ways if kind != "name" else ():
                for key, value in way.items():
                    if isinstance(value, Mapping):
                        yield from ((f"{key}.{name}", text) for name, text in value.items())
                    elif key == "text":
                        yield kind.removesuffix("_configs").removeprefix("ms").removesuffix("v2"), value
                    elif "{{" in str(value):
                        yield key, value


def missing(config: Mapping[str, Any]) -> Iterator[str]:
    """Ways to tell without one of the texts that belong to them: the program's own would be sent instead."""
    belong = {
        "pagerduty_configs": {"description", "severity", "details"},
        "slack_configs": {"color", "title", "text"},
        "msteamsv2_configs": {"title", "text"},
        "opsgenie_configs": {"message", "priority"},
    }
    for receiver in config["receivers"]:
        for kind, wanted in belong.items():
            for way in receiver.get(kind, ()):
                if lost := wanted - set(way):
                    yield f"{receiver['name']}: {kind} has no {', '.join(sorted(lost))}"
                if kind == "pagerduty_configs" and (
                    lost := {"firing", "resolved", "runbook", "dashboard"} - set(way.get("details", ()))
                ):
                    yield f"{receiver['name']}: no detail {', '.join(sorted(lost))}"


def wrong(option: str, text: str, amtool: Path, folder: Path) -> Iterator[str]:
    """Where a text, filled in for some alerts, says something else than it must."""
    (folder / "empty.tmpl").write_text("")
    for alerts in SENT:
        wanted = said(option, alerts)
        if wanted is None:
            yield f"{option}: nobody knows what it must say"
            return
        data = {"status": _status(alerts), "alerts": list(alerts), "commonLabels": _common(alerts), "groupLabels": {}}
        (folder / "data.json").write_text(json.dumps(data))
        given = ("--template.glob=empty.tmpl", "--template.data=data.json", f"--template.text={text}")
        done = run(amtool, "template", "render", *given, cwd=folder)
        if (done.code, done.out.strip("\n"), done.err) != (0, wanted.strip("\n"), ""):
            yield f"{option}: {done.out or done.err!r}, not {wanted!r}"
