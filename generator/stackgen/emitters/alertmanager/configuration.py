"""alertmanager/: who is told of which alert, and which alert mutes which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stackgen.artefact import Artefact
from stackgen.catalog.signals.stack import WATCHDOG
from stackgen.emitters.alertmanager import subtree
from stackgen.emitters.alertmanager.matching import matcher
from stackgen.resolve.plan import Plan
from stackgen.resolve.routing import ODD_SEVERITY, Branch, Leaf, Routing, mutings
from stackgen.spec.alerting import NOBODY, Mute, Receiver
from stackgen.spec.receivers import needs

WATCHDOG_PACE = {"group_wait": "0s", "group_interval": "1m", "repeat_interval": "3m30s"}
"""Every four minutes: a repetition goes out with the first interval of a group that ends after it."""
"""Told every 5 minutes: Alertmanager repeats at the first group_interval after repeat_interval has passed."""

Options = list[tuple[str, object]]

_SUMMARY = "{{ (index .Alerts 0).Annotations.summary }}"
_TITLE = (
    '{{ .Status | toUpper }}{{ if eq .Status "firing" }} {{ .CommonLabels.severity }}{{ end }}: '
    "{{ .CommonLabels.alertname }} ({{ len .Alerts }}, {{ .CommonLabels.environment }})"
)
_MOST = 10
"""Alerts that one message spells out: Slack cuts at 40,000 characters, Teams refuses more than 28 KB."""


def _told(alerts: str, one: str) -> str:
    """`one` for each of the first alerts, with `$a` for the alert, and how many there are besides."""
    return (
        f"{{{{ range $i, $a := {alerts} }}}}{{{{ if lt $i {_MOST} }}}}{one}{{{{ end }}}}{{{{ end }}}}"
        f"{{{{ if gt (len {alerts}) {_MOST} }}}}… and {{{{ len (slice {alerts} {_MOST}) }}}} more{{{{ end }}}}"
    )


def _text(escape: str) -> str:
    """What to do about each alert; `escape` takes away what names and texts of others could mean to the program."""
    links = (
        f"{{{{ with $a.Annotations.{name.lower()}_url }}}}{name}: {{{{ {escape.format('.')} }}}}\n{{{{ end }}}}"
        for name in ("Runbook", "Dashboard")
    )
    return _told(".Alerts", f"{{{{ {escape.format('$a.Annotations.description')} }}}}\n{''.join(links)}")


_SLACK = _text('reReplaceAll ">" "&gt;" (reReplaceAll "<" "&lt;" (reReplaceAll "&" "&amp;" {}))')
_TEAMS = _text('reReplaceAll "[]][(]" "] (" {}')
"""In Teams' Markdown `[text](address)` is a link."""
# A detail that reads as YAML is filled in once more, default ones too (Alertmanager's DeepCopyWithTemplate), so that a
# name with {{ in it would take the page away: none of them may hold two braces together.
_ONCE = 'reReplaceAll "[{{]" "{{ " {}'
_PAGER_DETAILS = {
    **{
        name: f"{{{{ {_ONCE.format(f'(index .Alerts 0).Annotations.{name}_url')} }}}}"
        for name in ("runbook", "dashboard")
    },
    **{
        name.lower(): _told(f".Alerts.{name}", f"{{{{ {_ONCE.format('$a.Annotations.summary')} }}}}\n")
        for name in ("Firing", "Resolved")
    },
}
_BY_SEVERITY = (
    '{{{{ if eq .CommonLabels.severity "critical" }}}}{}{{{{ else if eq .CommonLabels.severity "warning" }}}}{}'
    "{{{{ else }}}}{}{{{{ end }}}}"
)
_COLOUR = (
    '{{ if eq .Status "resolved" }}good{{ else }}' + _BY_SEVERITY.format("danger", "warning", "#439FE0") + "{{ end }}"
)
_PAGER_SEVERITY = "{{ if .CommonLabels.severity }}{{ .CommonLabels.severity }}{{ else }}critical{{ end }}"
_OPSGENIE_PRIORITY = _BY_SEVERITY.format("P1", "P3", "P5")


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
            {"name": name, "ways": [_way(key, options) for key, options in _ways(receiver)]}
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


def _way(key: str, options: Options) -> dict[str, object]:
    (first, value), *rest = options
    return {"key": key, "first": first, "value": value, "rest": rest}


def _ways(receiver: Receiver) -> Iterator[tuple[str, Options]]:
    """Each integration's key and options, as Alertmanager names them."""
    if pager := receiver.pagerduty:
        yield (
            "pagerduty_configs",
            [
                ("routing_key_file", pager.routing_key_file),
                ("description", _SUMMARY),
                ("severity", _PAGER_SEVERITY),
                ("details", _PAGER_DETAILS),
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
                ("text", _SLACK),
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
        options = [("webhook_url_file", teams.webhook_url_file), ("title", _TITLE), ("text", _TEAMS)]
        yield "msteamsv2_configs", [*options]
    if genie := receiver.opsgenie:
        options = [("api_key_file", genie.api_key_file), ("message", _SUMMARY), ("priority", _OPSGENIE_PRIORITY)]
        yield "opsgenie_configs", [*options]
