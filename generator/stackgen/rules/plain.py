"""Rule groups as the data that a ruler reads, whatever file or object they are printed into."""

from __future__ import annotations

from typing import Any

import promql_parser

from stackgen.catalog import promql
from stackgen.rules.model import Alerting, Group, Recording

_ONE_LINE = 100
"""Expressions longer than this are laid out over several lines."""


def laid_out(expr: str) -> str:
    """The expression on one line when it is short, else as promtool would lay it out."""
    return expr if len(expr) <= _ONE_LINE else str(promql_parser.parse(expr).prettify()).strip()


def plain(group: Group) -> dict[str, Any]:
    """The group with the very names, texts and numbers of the rule files of prometheus/."""
    rules = [*map(_recording, group.recordings), *map(_alert, group.alerts)]
    return {"name": group.name, "interval": promql.seconds(group.interval), "rules": rules}


def _recording(rule: Recording) -> dict[str, Any]:
    labels = {"labels": dict(rule.labels)} if rule.labels else {}
    return {"record": rule.record, "expr": laid_out(rule.expr), **labels}


def _alert(rule: Alerting) -> dict[str, Any]:
    alert = rule.alert
    waits = {"for": alert.hold, "keep_firing_for": alert.keep_firing_for}
    return {
        "alert": alert.signal.alert,
        "expr": laid_out(rule.expr),
        **{key: promql.seconds(value) for key, value in waits.items() if value},
        "labels": dict(rule.labels),
        "annotations": dict(rule.annotations),
    }
