"""Alertmanager's own judgement: amtool check-config, and amtool config routes test for every expected route."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from stackgen.load import LOADER
from stackgen.problem import Mark, Problem
from stackgen.verify import tools
from stackgen.verify.subject import Subject

CONFIG, ROUTES = "alertmanager/*.yml", "alertmanager/tests/*"
_EQUALS = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"', re.DOTALL)


class Case(NamedTuple):
    """An alert's labels, and who must be told of it."""

    name: str
    labels: Mapping[str, str]
    receivers: tuple[str, ...]


def problems(subject: Subject) -> list[Problem]:
    """What amtool says of the generated configuration and routes; raises ToolMissing without amtool."""
    return asked(subject.output, subject.matching(CONFIG), subject.matching(ROUTES))


def asked(output: Path, configs: Sequence[str], tests: Sequence[str]) -> list[Problem]:
    """What amtool says against these files, which are relative to `output`."""
    if not configs:
        return []
    tool = tools.find("amtool")
    found = [p for path in configs for p in _config(tool, output, path)]
    if not found:
        found = [p for path in tests for p in _routes(tool, output, path)]
    return sorted(found)


def _config(tool: Path, output: Path, path: str) -> Iterator[Problem]:
    done = tools.run(tool, "check-config", path, cwd=output)
    if done.code:
        said = [line.strip() for line in (done.out + done.err).splitlines() if "FAILED" in line or "error" in line]
        hint = f"in output/: {tool.name} check-config {path}"
        message = f"{' | '.join(said) or 'amtool says nothing'} (exit code {done.code})"
        yield Problem(Mark(path), "amtool-check-config", "", message, hint)


def _routes(tool: Path, output: Path, path: str) -> list[Problem]:
    tests = _read(output / path)
    config = (output / path).parent / tests["config"]
    cases = [Case(c["name"], c["labels"], tuple(c["receivers"])) for c in tests["cases"]]
    distinct_cases = list(distinct(cases, _read(config)))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        answers = pool.map(lambda case: _ask(tool, config, path, case), distinct_cases)
        return [problem for answer in answers for problem in answer]


def _ask(tool: Path, config: Path, path: str, case: Case) -> list[Problem]:
    wanted = ",".join(case.receivers)
    labels = [f"{label}={_quoted(value)}" for label, value in case.labels.items()]
    arguments = ("config", "routes", "test", f"--config.file={config.name}", f"--verify.receivers={wanted}")
    done = tools.run(tool, *arguments, *labels, cwd=config.parent)
    if done.code == 0:
        return []
    said = " | ".join(line.strip() for line in (done.out + done.err).splitlines() if line.strip())
    message = f"expected {wanted} to be told; amtool says: {said or 'nothing'} (exit code {done.code})"
    return [Problem(Mark(path), "amtool-routes-test", case.name, message)]


def distinct(cases: Sequence[Case], config: Mapping[str, Any]) -> Iterator[Case]:
    """One case of all those that the routes cannot tell apart: each is a process of 30 ms.

    Only the values that some `label="value"` of a route compares with can make a difference. With any other kind of
    matcher in the file every case is asked.
    """
    matchers = [text for route in _below(config.get("route", {})) for text in route.get("matchers", ())]
    equals = [_EQUALS.fullmatch(text) for text in matchers]
    compared = {(m[1], m[2]) for m in equals if m}
    seen = set()
    for case in cases:
        labels = {(label, _quoted(value)[1:-1]) for label, value in case.labels.items()}
        mark = (frozenset(labels & compared if all(equals) else labels), case.receivers)
        if mark not in seen:
            seen.add(mark)
            yield case


def _below(route: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield route
    for child in route.get("routes", ()):
        yield from _below(child)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), LOADER)
    return data
