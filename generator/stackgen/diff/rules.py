"""Rule files to facts: thresholds, overrides, holds, guards, owners, texts, and what is recorded."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cache
from typing import Any

from stackgen.catalog import promql, registry
from stackgen.catalog.site import Site
from stackgen.diff.expression import Taken, added_number, normal, take_apart, vector
from stackgen.diff.fact import Fact, Key
from stackgen.diff.read import documents, facts_of, items, mapping
from stackgen.resolve.words import limit
from stackgen.rules.build import OVERRIDE, THRESHOLD

OWN = "its own limit"
_LIMIT_READ_BACK = re.compile(r"\{\{ with printf `celery:threshold\{.*?\{\{ end \}\}", re.DOTALL)
_HELD = re.compile(r"; it has stayed so for [0-9a-z]+")
"""The words of rules/wording.py that a changed threshold or hold changes with it."""
_OWNERS = re.compile(r"if eq \$labels\.(\w+)((?: \"(?:[^\"\\]|\\.)*\")+) \}\}\{\{ (\"(?:[^\"\\]|\\.)*\") \}\}")
_ELSE = re.compile(r"\{\{ else \}\}\{\{ (\"(?:[^\"\\]|\\.)*\") \}\}\{\{ end \}\}$")
_KNOWN = ("alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations")
_MOST_OWN = 3
_SHARED = {name for name, n in Counter(s.alert for s in registry.judged().values()).items() if n > 1}
"""Alert names that two signals have: there the signal is named too."""

Rule = dict[str, Any]
Who = tuple[str, str]
"""Signal and severity."""
Found = Iterator[tuple[Key, Fact]]


def read(path: str, text: str) -> Found:
    """The facts of one file of rules: Prometheus's, or those of Loki's ruler."""
    for document in documents(path, text):
        for group in items(mapping(document).get("groups")):
            rest = {key: value for key, value in mapping(group).items() if key not in ("name", "interval", "rules")}
            yield from facts_of(rest, f"rule group {mapping(group).get('name')}", path).items()
            if "interval" in mapping(group):
                yield Key("", "", "evaluation_interval"), Fact(value=str(group["interval"]), files=(path,))
            yield from _rules([mapping(rule) for rule in items(mapping(group).get("rules"))], path)


def _rules(rules: list[Rule], path: str) -> Found:
    alerts = {_label(r, "signal"): _subject(r) for r in rules if "alert" in r}
    defaults: dict[Who, Fraction | None] = {}
    own: dict[Who, list[Rule]] = {}
    for rule in rules:
        name, who = rule.get("record"), (_label(rule, "signal"), _label(rule, "severity"))
        if name == OVERRIDE:
            own.setdefault(who, []).append(rule)
        elif name == THRESHOLD:
            defaults[who] = added_number(str(rule.get("expr")))
        elif "alert" in rule:
            yield from _alert(rule, defaults, own, path)
        else:
            yield from _recorded(rule, alerts, path)
    for (signal, severity), listed in own.items():
        yield from _overrides(listed, signal, alerts.get(signal, signal), severity, path)


def _label(rule: Rule, name: str) -> str:
    return str(mapping(rule.get("labels")).get(name, ""))


def named(signal: str) -> str:
    """What a signal's alert is called here; the signal itself where the catalogue does not have it."""
    known = registry.judged().get(signal)
    if known is None:
        return signal
    return f"{known.alert} ({signal})" if known.alert in _SHARED else known.alert


def _subject(rule: Rule) -> str:
    name = str(rule["alert"])
    return f"{name} ({_label(rule, 'signal')})" if name in _SHARED else name


def shown(value: Fraction | None, signal: str) -> str:
    """A threshold in the unit of its signal; a plain number for one that the catalogue does not have."""
    if value is None:
        return OWN
    known = registry.judged().get(signal)
    try:
        return limit(value, known.unit) if known else promql.number(value)
    except ValueError:  # finer than a millisecond: not from us
        return promql.number(value)


def _overrides(rules: list[Rule], signal: str, alert: str, severity: str, path: str) -> Found:
    for rule in rules:
        yield (
            Key(f"{alert}[{_who(rule)}]", severity, "threshold"),
            Fact(
                value=_own_limit(rule, signal),
                files=(path,),
                number=vector(str(rule.get("expr"))),
                fallback=Key(alert, severity, "threshold"),
                follows=alert,
            ),
        )


def _who(rule: Rule) -> str:
    labels = mapping(rule.get("labels"))
    return next((str(value) for name, value in labels.items() if name not in ("signal", "severity")), "?")


def _own_limit(rule: Rule, signal: str) -> str:
    value = vector(str(rule.get("expr")))
    return normal(str(rule.get("expr"))) if value is None else shown(value, signal)


def _alert(rule: Rule, defaults: Mapping[Who, Fraction | None], own: Mapping[Who, list[Rule]], path: str) -> Found:
    subject, severity, signal = _subject(rule), _label(rule, "severity"), _label(rule, "signal")
    taken = take_apart(str(rule.get("expr")))
    value = defaults.get((signal, severity)) if taken.joined else taken.limit
    hold = str(rule.get("for", "0s"))

    def fact(aspect: str, text: str, **more: Any) -> tuple[Key, Fact]:
        return Key(subject, severity, aspect), Fact(value=text, files=(path,), group="alert", **more)

    if value is not None:
        yield fact("threshold", shown(value, signal), number=value)
    told = _when(taken, value, own.get((signal, severity), []), signal)
    yield fact("", told + ("" if hold == "0s" else f" for {hold}"), kind="presence")
    yield fact("expression", taken.frame, kind="expression")
    yield fact("for", hold)
    yield fact("keeps firing", str(rule.get("keep_firing_for", "0s")))
    for name, least in _guards(taken, signal):
        yield fact(name, promql.number(least), number=least)
    for aspect, text in _labels(rule):
        yield fact(aspect, text)
    yield from _owners(rule, subject, severity, path)
    for aspect, text in _annotations(rule, shown(value, signal)):
        yield fact(aspect, text, kind="text" if aspect == "text" else "value")
    rest = {key: item for key, item in rule.items() if key not in _KNOWN}
    yield from ((Key(subject, severity, k.aspect), f) for k, f in facts_of(rest, subject, path, group="alert").items())


def _when(taken: Taken, value: Fraction | None, own: list[Rule], signal: str) -> str:
    """`above 5000`, `above 5000 (priority 8000)`, `above its own limit (emails 3)`."""
    if taken.above is None:
        return "always"
    some = ", ".join(f"{_who(r)} {_own_limit(r, signal)}" for r in own[:_MOST_OWN])
    more = f" and {len(own) - _MOST_OWN} more" if len(own) > _MOST_OWN else ""
    inside = f" ({some}{more})" if some else ""
    return f"{'above' if taken.above else 'below'} {shown(value, signal)}{inside}"


def _guards(taken: Taken, signal: str) -> Iterator[tuple[str, Fraction]]:
    known = registry.signals().get(signal)
    settings = {normal(guard.expr): str(guard.setting) for guard in known.guards} if known else {}
    for expr, least in taken.guards:
        yield settings.get(expr, f"least {expr}"), least


def _labels(rule: Rule) -> Iterator[tuple[str, str]]:
    for name, text in mapping(rule.get("labels")).items():
        if name == "owner":
            found = _ELSE.search(str(text))
            yield "owner", _literal(found[1] if found else str(text))
        elif name not in ("severity", "signal"):
            yield f"label {name}", _literal(str(text).removeprefix("{{ ").removesuffix(" }}"))


def _owners(rule: Rule, alert: str, severity: str, path: str) -> Found:
    """Queues and tasks with an owner of their own; the same for every alert, so said once."""
    for dimension, names, owner in _OWNERS.findall(_label(rule, "owner")):
        for name in re.findall(r'"(?:[^"\\]|\\.)*"', names):
            yield (
                Key(f"{dimension} {_literal(name)}", "", "owner"),
                Fact(value=_literal(owner), files=(path,), fallback=Key(alert, severity, "owner"), group=dimension),
            )


def _literal(text: str) -> str:
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text


def _annotations(rule: Rule, limit_shown: str) -> Iterator[tuple[str, str]]:
    texts = {name: str(text) for name, text in mapping(rule.get("annotations")).items()}
    links = {name: text.partition("/d/")[0] for name, text in texts.items() if name == "dashboard_url"}
    links |= {n: t.removesuffix(f"/{rule['alert']}.md") for n, t in texts.items() if n == "runbook_url"}
    yield from links.items()
    plain = "\n".join(text for name, text in texts.items() if name not in links)
    yield "text", _HELD.sub("", _LIMIT_READ_BACK.sub(lambda _: limit_shown, plain))


def _recorded(rule: Rule, alerts: dict[str, str], path: str) -> Found:
    name = str(rule.get("record", "a rule without a name"))
    labels = {key: str(value) for key, value in mapping(rule.get("labels")).items()}
    inside = ", ".join(f"{key}={value}" for key, value in labels.items())
    subject = f"{name} ({inside})" if inside else name
    source = registry.sources().get(labels.get("source", ""))
    follows = f"scrape job {source.job}" if source else alerts.get(_recorded_for().get(name, ""), "")
    yield Key(subject, "", ""), Fact(value="", files=(path,), kind="presence", group="series", follows=follows)
    yield (
        Key(subject, "", "expression"),
        Fact(value=normal(str(rule.get("expr"))), files=(path,), kind="expression", group="series"),
    )
    rest = {key: item for key, item in rule.items() if key not in _KNOWN}
    yield from facts_of(rest, subject, path, group="series").items()


@cache
def _recorded_for() -> dict[str, str]:
    """Which signal's value, or step towards it, a recorded series is."""
    nowhere = Site(scrape=Fraction(30), evaluation=Fraction(30), queues=(), dead_letter=())
    found = {}
    for signal in registry.signals().values():
        steps = signal.before(nowhere) if signal.before else ()
        found.update({name: signal.id for name in (signal.record, *(name for name, _ in steps)) if name})
    return found
