"""What the shippers' and backends' own programs say of the written files, where they are on the machine.

None of them could be had in our lab; their options are those of filebeat 9, alloy 1.18, loki 3.7 and of the
config-translator that comes with the CloudWatch agent.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from stackgen.artefact import Check
from stackgen.problem import Mark, Problem, ToolMissing
from stackgen.verify import tools


class _Program(NamedTuple):
    name: str
    arguments: tuple[str, ...]
    """`{path}` is the file below output/, `{scratch}` a folder that is thrown away."""


_PROGRAMS: Mapping[Check, _Program] = {
    "filebeat": _Program("filebeat", ("test", "config", "-c", "{path}", "--strict.perms=false")),
    "alloy": _Program("alloy", ("validate", "{path}")),
    "loki": _Program("loki", ("-verify-config", "-config.file={path}")),
    "cloudwatch": _Program(
        "config-translator",
        ("-input", "{path}", "-output", "{scratch}/agent.toml", "-mode", "onPremise", "-os", "linux"),
    ),
}
CHECKS: tuple[Check, ...] = tuple(_PROGRAMS)
"""Checks for which there may be a program."""


def problems(output: Path, paths: Mapping[Check, Sequence[str]]) -> list[Problem]:
    """What the programs that are there say against these files, which are relative to `output`."""
    return [
        problem
        for check, program in _PROGRAMS.items()
        for problem in _asked(check, program, output, paths.get(check, ()))
    ]


def _asked(check: Check, program: _Program, output: Path, paths: Sequence[str]) -> Iterator[Problem]:
    try:
        tool = tools.find(program.name)
    except ToolMissing:
        return
    for path in paths:
        with tempfile.TemporaryDirectory() as scratch:
            arguments = [one.format(path=path, scratch=scratch) for one in program.arguments]
            done = tools.run(tool, *arguments, cwd=output)
        if done.code:
            said = [line for line in (done.out + done.err).splitlines() if line.strip()] or [f"exit code {done.code}"]
            yield Problem(Mark(path), f"{check}-config", program.name, said[-1].strip())
