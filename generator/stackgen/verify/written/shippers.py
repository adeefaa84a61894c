"""What the shippers' and backends' own programs say of the written files, where they are on the machine.

None of them could be had in our lab; their options are those of filebeat 9, alloy 1.18, loki 3.7 and of the
config-translator that comes with the CloudWatch agent.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from stackgen.problem import Mark, Problem, ToolMissing
from stackgen.verify import tools
from stackgen.verify.subject import Subject


class _Program(NamedTuple):
    rule: str
    name: str
    arguments: tuple[str, ...]
    """`{path}` is the file below output/, `{scratch}` a folder that is thrown away."""


PROGRAMS: Mapping[str, _Program] = {
    "logs/filebeat/filebeat.yml": _Program(
        "filebeat", "filebeat", ("test", "config", "-c", "{path}", "--strict.perms=false")
    ),
    "logs/alloy/config.alloy": _Program("alloy", "alloy", ("validate", "{path}")),
    "logs/loki/loki.yaml": _Program("loki", "loki", ("-verify-config", "-config.file={path}")),
    "logs/cloudwatch/amazon-cloudwatch-agent.json": _Program(
        "cloudwatch",
        "config-translator",
        ("-input", "{path}", "-output", "{scratch}/agent.toml", "-mode", "onPremise", "-os", "linux"),
    ),
}


def problems(subject: Subject) -> list[Problem]:
    """What the programs that are there say against the generated files."""
    return asked(subject.output, list(subject.files))


def asked(output: Path, paths: Sequence[str]) -> list[Problem]:
    """What the programs say against these files, which are relative to `output`."""
    return [p for path in paths if path in PROGRAMS for p in _asked(PROGRAMS[path], output, path)]


def _asked(program: _Program, output: Path, path: str) -> Iterator[Problem]:
    try:
        tool = tools.find(program.name)
    except ToolMissing:
        return
    with tempfile.TemporaryDirectory() as scratch:
        arguments = [one.format(path=path, scratch=scratch) for one in program.arguments]
        done = tools.run(tool, *arguments, cwd=output)
    if done.code:
        said = [line for line in (done.out + done.err).splitlines() if line.strip()] or [f"exit code {done.code}"]
        yield Problem(Mark(path), f"{program.rule}-config", program.name, said[-1].strip())
