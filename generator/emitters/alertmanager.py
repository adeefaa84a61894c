"""alertmanager/: the server's configuration, and who must be told of each alert, for amtool to prove."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from generator.artefact import Artefact
from generator.catalog import promql
from generator.catalog.signals.stack import WATCHDOG
from generator.resolve.plan import Judged, Plan
from generator.resolve.routing import ODD_SEVERITY, Branch, Leaf, Routing, mutings
from generator.rules import owners
from generator.spec.alerting import NOBODY, Mute, Receiver

PATH = "alertmanager/alertmanager.yml"
TESTS = "alertmanager/tests/routes.yml"
WATCHDOG_PACE = {"group_wait": "0s", "group_interval": "1m", "repeat_interval": "4m"}
"""Told every 5 minutes: Alertmanager repeats at the first group_interval after repeat_interval has passed."""

Options = list[tuple[str, object]]

_SUMMARY = "{{ (index .Alerts 0).Annotations.summary }}"
_TITLE = (
    '{{ .Status | toUpper }}{{ if eq .Status "firing" }} {{ .CommonLabels.severity }}{{ end }}: '
    "{{ .CommonLabels.alertname }} ({{ len .Alerts }}, {{ .CommonLabels.environment }})"
)
_TEXT = (
    "{{ range .Alerts }}{{ .Annotations.description }}\n"
    "Runbook: {{ .Annotations.runbook_url }}\nDashboard: {{ .Annotations.dashboard_url }}\n{{ end }}"
)
_COLOUR = (
    '{{ if eq .Status "resolved" }}good{{ else if eq .CommonLabels.severity "critical" }}danger{{ else }}warning{{ end }}'
)
_PAGER_SEVERITY = "{{ if .CommonLabels.severity }}{{ .CommonLabels.severity }}{{ else }}critical{{ end }}"
_OPSGENIE_PRIORITY = (
    '{{ if eq .CommonLabels.severity "critical" }}P1{{ else if eq .CommonLabels.severity "warning" }}P3{{ else }}P5{{ end }}'
)


def plan(stack: Plan) -> list[Artefact]:
    """alertmanager.yml and its routing tests."""
    routing = Routing(stack.spec)
    return [_config(stack, routing), _tests(stack, routing)]


def text(value: str) -> str:
    """A value in a matcher, in the quotes and with the only escapes that Alertmanager 0.25 and newer read alike."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def matcher(label: str, *values: str) -> str:
    """`label="value"`, or `label=~"a|b"` for several."""
    if len(values) == 1:
        return f"{label}={text(values[0])}"
    return f"{label}=~{text('|'.join(map(promql.escape_regex, values)))}"


def _config(stack: Plan, routing: Routing) -> Artefact:
    watched = any(judged.signal is WATCHDOG for judged in stack.judged)
    odd = routing.pace(ODD_SEVERITY)
    return Artefact(
        path=PATH,
        template="alertmanager/alertmanager.yml.j2",
        syntax="yaml",
        context={
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
                for m in mutings(stack)
            ]
            or None,
            "times": [_time(mute) for mute in routing.alerting.mute] or None,
            "nobody": NOBODY,
            "receivers": [
                {"name": name, "ways": [_way(key, options) for key, options in _ways(receiver)]}
                for name, receiver in routing.alerting.receivers.items()
            ],
        },
        checks=("alertmanager-config",),
    )


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
        if receiver.msteamsv2:
            yield f"The receiver {name} needs Alertmanager 0.28 or newer, for msteamsv2_configs."
        if receiver.webhook and receiver.webhook.url_file:
            yield f"The receiver {name} needs Alertmanager 0.26 or newer, for url_file."


def _way(key: str, options: Options) -> dict[str, object]:
    (first, value), *rest = options
    return {"key": key, "first": first, "value": value, "rest": rest}


def _ways(receiver: Receiver) -> Iterator[tuple[str, Options]]:
    """Each integration's key and options, as Alertmanager names them."""
    if pager := receiver.pagerduty:
        details = {name: f"{{{{ (index .Alerts 0).Annotations.{name}_url }}}}" for name in ("runbook", "dashboard")}
        yield (
            "pagerduty_configs",
            [
                ("routing_key_file", pager.routing_key_file),
                ("description", _SUMMARY),
                ("severity", _PAGER_SEVERITY),
                ("details", details),
            ],
        )
    if slack := receiver.slack:
        yield (
            "slack_configs",
            [
                ("api_url_file", slack.api_url_file),
                ("channel", slack.channel),
                ("send_resolved", True),
                ("color", _COLOUR),
                ("title", _TITLE),
                ("text", _TEXT),
            ],
        )
    yield from _plainer_ways(receiver)


def _plainer_ways(receiver: Receiver) -> Iterator[tuple[str, Options]]:
    if mail := receiver.email:
        login = [("auth_username", mail.username), ("auth_password_file", mail.password_file)] if mail.username else []
        sent: Options = [("to", mail.to), ("from", mail.sender), ("smarthost", mail.smarthost), *login]
        yield "email_configs", [*sent, ("require_tls", mail.require_tls), ("send_resolved", True)]
    if hook := receiver.webhook:
        yield "webhook_configs", [("url", hook.url) if hook.url else ("url_file", hook.url_file)]
    if teams := receiver.msteamsv2:
        options = [("webhook_url_file", teams.webhook_url_file), ("title", _TITLE), ("text", _TEXT)]
        yield "msteamsv2_configs", [*options]
    if genie := receiver.opsgenie:
        options = [("api_key_file", genie.api_key_file), ("message", _SUMMARY), ("priority", _OPSGENIE_PRIORITY)]
        yield "opsgenie_configs", [*options]


def _tests(stack: Plan, routing: Routing) -> Artefact:
    return Artefact(
        path=TESTS,
        template="alertmanager/routes.yml.j2",
        syntax="yaml",
        context={
            "config": "../alertmanager.yml",
            "cases": [case for judged in stack.judged for case in _cases(judged, stack, routing)]
            + [*_queue_cases(stack, routing)],
        },
        checks=("route-tests",),
    )


def _cases(judged: Judged, stack: Plan, routing: Routing) -> Iterator[dict[str, object]]:
    """Every severity of the signal, told to every owner that its alerts can have."""
    for owner, subject in _subjects(judged, stack, routing).items():
        for severity in judged.bounds:
            yield _case(judged, severity, owner, subject, stack, routing)


def _subjects(judged: Judged, stack: Plan, routing: Routing) -> dict[str, str]:
    """By owner, one queue or task of theirs, where possible one without a route of its own; "" for other alerts."""
    default = stack.spec.stack.owner
    if "queue" not in judged.signal.by:
        own = owners.own(judged.signal, stack)
        return {default: "any.task" if "task" in judged.signal.by else "", **{o: name for name, o in own.items()}}
    special = set(routing.special_queues())
    names = sorted(_queues(judged, stack), key=lambda name: name in special)
    return {routing.owner_of(name): name for name in reversed(names)}


def _queues(judged: Judged, stack: Plan) -> Iterable[str]:
    only = judged.signal.only_names(stack.site)
    return only or [name for name in stack.site.queues if name not in stack.site.dead_letter] or stack.site.queues


def _queue_cases(stack: Plan, routing: Routing) -> Iterator[dict[str, object]]:
    """Every queue with a route of its own, at every severity that some alert about queues has."""
    about = {severity: j for j in stack.judged if "queue" in j.signal.by for severity in j.bounds}
    for queue in routing.special_queues():
        for severity, judged in about.items():
            yield _case(judged, severity, routing.owner_of(queue), queue, stack, routing)


def _case(
    judged: Judged, severity: str, owner: str, subject: str, stack: Plan, routing: Routing
) -> dict[str, object]:
    signal = judged.signal
    dimension = signal.by[0] if signal.by else ""
    queue = subject if dimension == "queue" else None
    told = next(routing.receiver(s, owner, queue) for s in judged.bounds if s == severity)
    labels = {
        "alertname": signal.alert,
        "signal": signal.id,
        "severity": severity,
        "owner": owner,
        **({dimension: subject or next(iter(signal.only_names(stack.site)), f"any-{dimension}")} if dimension else {}),
        "stack": stack.spec.stack.name,
        "environment": stack.spec.stack.environment,
        **stack.spec.stack.labels,
    }
    receiver = routing.alerting.watchdog if signal is WATCHDOG else told
    return {"name": f"{signal.id}, {severity}, {owner}", "labels": list(labels.items()), "receivers": [receiver]}
