"""Where in stack.yaml a finding about our own output comes from, as far as its words tell."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterator, Mapping
from pathlib import Path, PurePosixPath

from stackgen.document import Document, Trail, where
from stackgen.problem import Problem
from stackgen.resolve.plan import Alert
from stackgen.verify.subject import Subject

_CHOSEN: tuple[Trail, ...] = (
    ("queues",),
    ("tasks",),
    ("alerting", "receivers"),
    ("alerting", "owners"),
    ("compose", "services"),
)
"""Sections whose keys are names that a person chose."""
_SECTIONS: Mapping[str, str] = {
    "alertmanager": "alerting",
    "docker-compose.yml": "compose",
    "exporters": "sources",
    "flower": "flower",
    "logs": "logs",
    "prometheus.yml": "prometheus",
}
"""Part of a path below output/ -> section that such a file is made from more than from any other."""
_QUOTED = re.compile(r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""")
_SERVICE = re.compile(r"\bservices\.([\w-]+)")
_BARE = re.compile(r"""[^\s"'`,;|=(){}\[\]]+""")


def at_origin(problem: Problem, subject: Subject) -> Problem:
    """A finding of a judge about a generated file, at the place in stack.yaml that caused it.

    Where its words do not tell, at the file below `output`; all other findings as they are.
    """
    path, document = problem.mark.file, subject.document
    if path not in subject.files if subject.rendered else path == document.file:
        return problem
    shown = problem.mark._replace(file=str((subject.output if subject.output.name else Path("output")) / path))
    for trail in _origins(problem, subject):
        found, node = document.walk(trail)
        if trail and found == trail:
            mark = document.mark(trail) if node.text else document.key_mark(trail)
            of = f"{problem.where}: " if problem.where else ""
            return problem._replace(mark=mark, where=where(trail), message=f"{shown}: {of}{problem.message}")
    return problem._replace(mark=shown)


def own_limit(alert: Alert, who: str) -> Trail:
    """Where stack.yaml sets the threshold that one queue or task has of its own."""
    signal = alert.signal
    section = "queues" if signal.overrides == "queue" else "tasks"
    if signal.limits_from:
        return (section, who, signal.limits_from)
    return (section, who, "thresholds", signal.id, alert.severity)


def _origins(problem: Problem, subject: Subject) -> Iterator[Trail]:
    """Places that may have caused it, the likeliest first; not all of them are in stack.yaml."""
    text = f"{problem.where} {problem.message}"
    words = dict.fromkeys([*_words(text), PurePosixPath(problem.mark.file).stem])
    named = [(*section, name) for section in _CHOSEN for name in words if _has(subject.document, section, name)]
    alerts = [alert for alert in subject.plan.alerts if {alert.signal.id, alert.signal.alert} & words.keys()]
    alerts = [alert for alert in alerts if alert.severity in words] or alerts
    yield from (own_limit(alert, str(name[-1])) for alert in alerts for name in named if name[-1] in alert.overrides)
    yield from named
    if len(alerts) == 1:
        yield from (subject.document.walk(trail)[0] for trail in alerts[0].written.values())
    yield from (("thresholds", alert.signal.id) for alert in alerts)
    yield from _values(text, words, subject.document)
    yield from ((_SECTIONS[part],) for part in PurePosixPath(problem.mark.file).parts if part in _SECTIONS)


def _words(text: str) -> Iterator[str]:
    """What stands in quotes, without them and their escapes; then the words, and compose's services."""
    for quoted in _QUOTED.findall(text):
        try:
            yield str(ast.literal_eval(quoted))
        except (SyntaxError, ValueError):
            yield quoted[1:-1]
    yield from (word.rstrip(".:") for word in _BARE.findall(text))
    yield from _SERVICE.findall(text)


def _has(document: Document, section: Trail, name: str) -> bool:
    return document.walk((*section, name))[0] == (*section, name)


def _values(text: str, words: Container[str], document: Document) -> Iterator[Trail]:
    """Values of stack.yaml that the finding repeats, the longest first; plain words and numbers say too little."""
    told = (
        (node.text, path)
        for path, node in document.scalars()
        if node.text and re.search(r"[^\w.%]", node.text) and (node.text in words or node.text in text)
    )
    yield from (path for _, path in sorted(told, key=lambda one: len(one[0] or ""), reverse=True))
