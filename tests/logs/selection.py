"""LogQL of ours: every query selects the stack's stream, and names only what Alloy puts beside a line.

Loki answers a query about an unknown label with nothing, so a misspelt one would be an alert that never fires. That the
text is LogQL at all is held by test_logql.py, with the grammar that Grafana itself uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import yaml

from stackgen.catalog.logs.logql import METADATA, STREAM
from stackgen.problem import Mark, Problem
from stackgen.verify.labels import names

_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_STREAM = re.compile(r"\{([^{}]*)\}")
_MATCHER = re.compile(r'\s*(\w+)\s*(?:=~|!~|!=|=)\s*""\s*')
_BY = re.compile(r"\bby\s*\(([^()]*)\)")
_LABEL = re.compile(r"\$labels\.(\w+)")
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def problems(files: Mapping[str, str], paths: Iterable[str]) -> list[Problem]:
    """What is wrong with the rules in the files at these paths below output/."""
    return [problem for path in paths for problem in _of_file(path, files[path])]


def _of_file(path: str, text: str) -> Iterator[Problem]:
    config = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for rule in (rule for group in config["groups"] for rule in group["rules"]):
        expr = str(rule["expr"])
        bare = _TEXT.sub('""', expr)
        given = {name.strip() for found in _BY.findall(bare) for name in found.split(",")}
        texts = [str(text) for part in ("labels", "annotations") for text in rule[part].values()]
        used = {name for text in texts for name in _LABEL.findall(text)}
        told = [*wrong(expr)]
        if used - given:
            told.append(f"its texts name {names(used - given)}, and the result has {names(given)}")
        for message in told:
            yield Problem(Mark(path), "logql", f"{rule['alert']} ({rule['labels'].get('severity')})", message)


def wrong(expr: str) -> Iterator[str]:
    """What is wrong with one query."""
    bare = _TEXT.sub('""', expr)
    if '"' in bare.replace('""', "") or not _closed(bare):
        yield f"not LogQL: a bracket or a text is not closed: {expr}"
        return
    streams = _STREAM.findall(bare)
    if not streams:
        yield f"it selects no stream: {expr}"
    for stream in streams:
        found = [_MATCHER.fullmatch(part) for part in stream.split(",")]
        labels = {one[1] for one in found if one}
        if None in found or labels != set(STREAM):
            yield f"it selects {{{stream}}}, and streams have {names(STREAM)}"
    for stage in _STREAM.sub("", bare).split("|")[1:]:
        found_one = re.match(_MATCHER, stage)
        if not found_one or found_one[1] not in METADATA:
            yield f"no line has | {stage.strip()}: beside it stand {names(METADATA)}"
    for name in (name.strip() for by in _BY.findall(bare) for name in by.split(",")):
        if name not in METADATA:
            yield f"no line has {name}: beside it stand {names(METADATA)}"


def _closed(text: str) -> bool:
    open_ones: list[str] = []
    for sign in text:
        if sign in _BRACKETS.values():
            open_ones.append(sign)
        elif sign in _BRACKETS and (not open_ones or open_ones.pop() != _BRACKETS[sign]):
            return False
    return not open_ones
