"""docker-compose's own judgement of docker-compose.yml, where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stackgen.problem import Mark, Problem, ToolMissing
from stackgen.verify import tools
from stackgen.verify.subject import Subject


def problems(subject: Subject) -> list[Problem]:
    """What `docker-compose config` says of the written file with every profile on; nothing without docker-compose."""
    try:
        program = tools.find("docker-compose")
    except ToolMissing:
        return []
    return [p for path in subject.matching("docker-compose.yml") for p in _configured(program, subject.output, path)]


def _configured(program: Path, output: Path, path: str) -> Iterator[Problem]:
    # Without --profile the services of a profile would not be looked at; what .env must hold is not the point here.
    asked = ("--profile", "*", "config", "--no-interpolate", "--quiet")
    done = tools.run(program, "-f", path, *asked, cwd=output)
    if done.code:
        yield Problem(Mark(path), "compose-config", "docker-compose config", (done.err or done.out).strip())
