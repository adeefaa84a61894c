"""What a message says, and how each way of telling somebody is called by Alertmanager."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.spec.alerting import Receiver

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


def ways(receiver: Receiver) -> Iterator[tuple[str, Options]]:
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
