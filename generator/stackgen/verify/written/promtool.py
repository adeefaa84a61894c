"""Prometheus's own judgement of what was written: promtool check rules, check config and test rules."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from stackgen.problem import Mark, Problem
from stackgen.verify import own_rules, tools
from stackgen.verify.subject import Subject

_FILES: Mapping[str, str] = {
    "rules": "prometheus/rules/*",
    "prometheus-config": "prometheus/*.yml",
    "rule-tests": "prometheus/tests/*",
}
_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "rules": ("check", "rules", "--lint=all", "--lint-fatal"),
    "prometheus-config": ("check", "config"),
    "rule-tests": ("test", "rules"),
    "own-rules": ("check", "rules", "--lint=none"),
}
_SHOWN = 4
"""Lines of promtool's answer that a Problem repeats."""


def problems(subject: Subject) -> list[Problem]:
    """What promtool says of the generated rules, configuration and tests; raises ToolMissing without promtool."""
    paths = {check: subject.matching(pattern) for check, pattern in _FILES.items()}
    return asked(subject.output, paths | {"own-rules": own_rules.files(subject.output, paths["rules"])})


def asked(output: Path, paths: Mapping[str, Sequence[str]]) -> list[Problem]:
    """What promtool says against these files, which are relative to `output`; it is asked with all cores.

    Raises ToolMissing when there is no promtool.
    """
    tool = tools.find("promtool")
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        runs = [
            pool.submit(_ask, tool, output, check, part)
            for check in _COMMANDS
            for part in _parts(sorted(paths.get(check, ())), cores, lambda path: _size(output / path))
        ]
        guilty = [problem for future in runs for problem in future.result()]
    return sorted(guilty)


def _parts(paths: Iterable[str], count: int, size: Callable[[str], int]) -> list[list[str]]:
    """At most `count` lists of about the same size in bytes, the largest files first."""
    parts: list[list[str]] = [[] for _ in range(count)]
    load = [0] * count
    for path in sorted(paths, key=size, reverse=True):
        least = load.index(min(load))
        parts[least].append(path)
        load[least] += size(path)
    return [part for part in parts if part]


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _ask(tool: Path, output: Path, check: str, paths: Sequence[str]) -> list[Problem]:
    """One run for all files; only when it fails one run each, since promtool's errors do not name the test file."""
    done = tools.run(tool, *_COMMANDS[check], *paths, cwd=output)
    if done.code == 0:
        return []
    if len(paths) > 1:
        alone = [problem for path in paths for problem in _ask(tool, output, check, [path])]
        if alone:
            return alone
    command = " ".join((tool.name, *_COMMANDS[check], *paths))
    said = [line.strip() for line in (done.err or done.out).splitlines() if line.strip(" \t:") not in ("", "FAILED")]
    answer = " | ".join(said[:_SHOWN]) + (f" | … {len(said) - _SHOWN} lines more" if len(said) > _SHOWN else "")
    where = PurePosixPath(paths[0]).stem if check == "rule-tests" else ""
    message = f"{answer or 'promtool says nothing'} (exit code {done.code})"
    return [Problem(Mark(paths[0]), f"promtool-{check}", where, message, f"in output/: {command}")]
