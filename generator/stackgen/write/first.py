"""The first stack.yaml of somebody who has none yet."""

from __future__ import annotations

from pathlib import Path

from stackgen.problem import Mark, Problem, SpecError

FIRST = """\
# yaml-language-server: $schema=output/schema/stack.schema.json
version: 1
stack: {name: my-app}
celery: {app: proj, broker: {kind: redis}}
queues:
  celery:
"""


def write_first(path: Path) -> None:
    """Writes the file; raises SpecError when something stands there already or it cannot be written."""
    try:
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(FIRST)
    except FileExistsError:
        message, hint = "is there already and was not touched", "edit it, or name another file with --stack"
        raise SpecError([Problem(Mark(str(path)), "exists", "", message, hint)]) from None
    except OSError as error:
        message, hint = f"cannot be written: {error.strerror}", "choose another place with --stack"
        raise SpecError([Problem(Mark(str(path)), "unwritable", "", message, hint)]) from error
