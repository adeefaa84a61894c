"""What an alert says: as the template Prometheus fills in, and as the text a test expects after filling in.

Formats follow Prometheus's own template functions: https://prometheus.io/docs/prometheus/latest/configuration/template_reference/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import assert_never
from urllib.parse import quote_plus

from stackgen.catalog import belonging, promql
from stackgen.catalog.dashboard import board_path
from stackgen.catalog.series import Unit, limit
from stackgen.catalog.signal import Signal
from stackgen.catalog.site import Site
from stackgen.resolve.plan import Alert, Plan
from stackgen.resolve.words import FIELD, plural


def amount(value: float, unit: Unit) -> str:
    """A value as Prometheus prints it in an alert of ours."""
    match unit:
        case "tasks" | "workers" | "count":
            return f"{value:.0f}"
        case "ratio":
            return f"{value * 100:.4g}%"
        case "seconds":
            return humanize_duration(value)
        case "per_second":
            return f"{value:.1f}/s"
        case _:
            assert_never(unit)


def _template(unit: Unit, value: str) -> str:
    match unit:
        case "tasks" | "workers" | "count":
            return f'{{{{ {value} | printf "%.0f" }}}}'
        case "ratio":
            return f"{{{{ {value} | humanizePercentage }}}}"
        case "seconds":
            return f"{{{{ {value} | humanizeDuration }}}}"
        case "per_second":
            return f'{{{{ {value} | printf "%.1f" }}}}/s'
        case _:
            assert_never(unit)


def _counted(noun: str, value: str) -> str:
    """The noun after a count, in the number that the count is printed as."""
    return f'{{{{ if eq (printf "%.0f" {value}) "1" }}}}{noun}{{{{ else }}}}{plural(noun)}{{{{ end }}}}'


def humanize_duration(value: float) -> str:
    """Prometheus's humanizeDuration: `1d 0h 0m 0s`, `5m 50s`, `1.5s`, `20ms`."""
    if value == 0:
        return "0s"
    sign, size = ("-" if value < 0 else ""), abs(value)
    if size < 1:
        prefix = ""
        for candidate in ("m", "u", "n", "p", "f", "a", "z", "y"):
            if size >= 1:
                break
            prefix, size = candidate, size * 1000
        return f"{sign}{size:.4g}{prefix}s"
    whole = int(size)
    days, hours, minutes, seconds = whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds}s"
    if minutes:
        return f"{sign}{minutes}m {seconds}s"
    return f"{sign}{size:.4g}s"


def literal(text: str) -> str:
    """Plain text in a template, even when it contains `{{`."""
    return f"{{{{ {json.dumps(text, ensure_ascii=False)} }}}}" if "{{" in text else text


@dataclass(frozen=True)
class Fill:
    """What one firing alert fills in."""

    labels: Mapping[str, str]
    value: float
    limit: Fraction | None


def _limit_query(alert: Alert, site: Site) -> str:
    """The threshold of this very queue or task, read back from the recorded series."""
    dimension = alert.signal.overrides
    limits = f"celery:threshold{{signal='{alert.signal.id}',severity='{alert.severity}',{dimension}=%q}}"
    name = belonging.narrowed(limits, site)
    shown = _template(alert.signal.unit, ". | first | value")
    return f"{{{{ with printf `{name}` $labels.{dimension} | query }}}}{shown}{{{{ end }}}}"


def _may_be_one(alert: Alert) -> bool:
    """Whether an alert can fire with a value that is printed as 1."""
    limits = [*alert.overrides.values(), *([] if alert.threshold is None else [alert.threshold])]
    return alert.signal.bad_when != "above" or min(limits) < 2


def _valued(alert: Alert, noun: str | None, fill: Fill | None) -> str:
    unit = alert.signal.unit
    if fill is None:
        if noun is None:
            return _template(unit, "$value")
        return f"{_template(unit, '$value')} {_counted(noun, '$value') if _may_be_one(alert) else plural(noun)}"
    shown = amount(fill.value, unit)
    return f"{shown} {noun if shown == '1' else plural(noun)}" if noun else shown


def _filled(text: str, alert: Alert, fill: Fill | None, site: Site) -> str:
    unit = alert.signal.unit

    def field(match: re.Match[str]) -> str:
        name = match[1]
        if name == "value":
            return _valued(alert, match[2], fill)
        if name == "limit" and not alert.overrides:
            return limit(alert.threshold, unit) if alert.threshold is not None else ""
        if name == "limit":
            if fill is None:
                return _limit_query(alert, site)
            return amount(float(fill.limit), unit) if fill.limit is not None else ""
        return f"{{{{ $labels.{name} }}}}" if fill is None else fill.labels[name]

    return FIELD.sub(field, text)


def _hint(signal: Signal, fill: Fill | None, site: Site) -> str:
    """What to look at in this very case: the text for the value of the last label, or else that for ""."""
    hints = signal.hints(site)
    if not hints:
        return ""
    label = signal.by[-1]
    if fill is not None:
        return f" {hints[name if (name := fill.labels[label]) in hints else '']}"
    if len(hints) == 1:
        return f" {next(iter(hints.values()))}"
    own = (f"if eq $labels.{label} {json.dumps(name)} }}}}{text}{{{{" for name, text in hints.items() if name)
    other = f" else }}}}{hints['']}{{{{" if "" in hints else ""
    return f" {{{{ {' else '.join(own)}{other} end }}}}"


def _copy(plan: Plan, fill: Fill | None) -> Iterator[str]:
    """Each label that tells copies, with its value; nothing in an alert about all copies together."""
    for name in plan.site.copies.labels:
        if fill is None:
            yield f"{{{{ with $labels.{name} }}}}, {name} {{{{ . }}}}{{{{ end }}}}"
        elif name in fill.labels:
            yield f", {name} {fill.labels[name]}"


def _chosen(signal: Signal, plan: Plan, fill: Fill | None) -> str:
    """What an alert chooses at the top of its dashboard."""
    subject = signal.by[:1] if signal.by[:1] in (("queue",), ("task",), ("worker",)) else ()
    values = {
        name: f"{{{{ $labels.{name} | urlquery }}}}" if fill is None else quote_plus(fill.labels.get(name, ""))
        for name in (*subject, *plan.site.copies.labels)
    }
    return "&".join(f"var-{name}={value}" for name, value in values.items())


def texts(alert: Alert, plan: Plan, fill: Fill | None = None) -> dict[str, str]:
    """The annotations of an alert; as templates, or filled in when `fill` is given."""
    signal = alert.signal
    held = f"; it has stayed so for {promql.seconds(alert.hold)}" if alert.hold else ""
    summary = _filled(signal.summary, alert, fill, plan.site) + "".join(_copy(plan, fill))
    found = {
        "summary": f"{summary}.",
        "description": f"{summary}{held}. {_filled(signal.action, alert, fill, plan.site)}"
        + _hint(signal, fill, plan.site),
    }
    # Only what exists: generated here, or said to be kept elsewhere.
    links = plan.spec.links
    if plan.spec.wants("runbooks") or "runbooks" in links.model_fields_set:
        found["runbook_url"] = f"{links.runbooks.rstrip('/')}/{signal.alert}.md"
    if plan.spec.wants("grafana") or links.grafana:
        chosen = _chosen(signal, plan, fill)
        found["dashboard_url"] = f"{plan.spec.reached('grafana')}{board_path(signal.dashboard, plan.site, chosen)}"
    return found
