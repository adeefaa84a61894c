"""docker-compose's own judgement of docker-compose.yml, where it is installed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from stackgen.problem import Mark, Problem, ToolMissing
from stackgen.verify import tools


def configured(output: Path, paths: Iterable[str]) -> list[Problem]:
    """What `docker-compose config` says of the written file with every profile on; nothing without docker-compose."""
    try:
        program = tools.find("docker-compose")
    except ToolMissing:
        return []
    return [problem for path in paths for problem in _configured(program, output, path)]


def _configured(program: Path, output: Path, path: str) -> Iterator[Problem]:
    # Without --profile the services of a profile would not be looked at; what .env must hold is not the point here.
    asked = ("--profile", "*", "config", "--no-interpolate", "--quiet")
    done = tools.run(program, "-f", path, *asked, cwd=output)
    if done.code:
        yield Problem(Mark(path), "compose-config", "docker-compose config", (done.err or done.out).strip())
