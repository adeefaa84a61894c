"""alertmanager.yml to facts: which alert mutes which is told by alert, routes and receivers by name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stackgen.diff import routes
from stackgen.diff.fact import Fact, Key
from stackgen.diff.read import documents, facts_of, items, mapping, said
from stackgen.diff.rules import named

_MATCHER = re.compile(r'\s*(\w+)\s*(=~|=)\s*"((?:[^"\\]|\\.)*)"\s*')

Matchers = dict[str, tuple[str, ...]]


def read(path: str, text: str) -> Iterator[tuple[Key, Fact]]:
    """The facts of alertmanager.yml."""
    for document in map(mapping, documents(path, text)):
        for rule in map(mapping, items(document.get("inhibit_rules"))):
            source, target = (_matchers(rule.get(side)) for side in ("source_matchers", "target_matchers"))
            yield from _muting(source, target, path, itself="signal" in items(rule.get("equal")))
        yield from routes.read(document, path)
        rest = {k: v for k, v in document.items() if k not in ("inhibit_rules", *routes.KEYS)}
        yield from facts_of(rest, path, path).items()


def _matchers(written: object) -> Matchers:
    """Values by label; what is no matcher of ours is left out."""
    found: Matchers = {}
    for matcher in map(said, items(written)):
        if parts := _MATCHER.fullmatch(matcher):
            label, operator, value = parts.groups()
            each = re.split(r"(?<!\\)\|", value.replace("\\\\", "\\")) if operator == "=~" else [value]
            found[label] = tuple(re.sub(r"\\(.)", r"\1", one) for one in each)
    return found


def _muting(source: Matchers, target: Matchers, path: str, *, itself: bool) -> Iterator[tuple[Key, Fact]]:
    """One fact for each alert that mutes and each that is muted. It goes without saying when either comes or goes."""
    for by in source.get("signal", ()):
        for muted in (by,) if itself else target.get("signal", ()):
            yield (
                Key(named(muted), "", f"muted by {_with(by, source)}"),
                Fact(
                    value=", ".join(target.get("severity", ())) or "always",
                    files=(path,),
                    group="alert",
                    joins=tuple(
                        Key(named(signal), severity, "")
                        for signal, matchers in ((by, source), (muted, target))
                        for severity in ("", *matchers.get("severity", ()))
                    ),
                ),
            )


def _with(signal: str, matchers: Matchers) -> str:
    """The alert, with what else must be so: `CeleryExporterDown (redis)`."""
    more = ", ".join(v for label, values in matchers.items() if label != "signal" for v in values)
    return f"{named(signal)} ({more})" if more else named(signal)
