"""Folders of stacks within a folder that was written for many: its manifest lists theirs."""

from __future__ import annotations

from pathlib import Path

from stackgen.problem import SpecError
from stackgen.write import problems
from stackgen.write.folder import locked
from stackgen.write.manifest import MANIFEST
from stackgen.write.swap import LOCK_SECONDS


def folders(output: Path) -> list[str]:
    """Those that the last run over many stacks wrote; none where there is no manifest of ours."""
    if not (output / MANIFEST).is_file():
        return []
    try:
        with problems.os_errors_as_problems(output), locked(output, LOCK_SECONDS) as folder:
            known = problems.known(folder, output)
    except SpecError:
        return []
    return [path.removesuffix(f"/{MANIFEST}") for path in known if path.endswith(f"/{MANIFEST}")]


def own_name(output: Path) -> str:
    """The folder's name where it is one of many; nothing where it stands alone."""
    return output.name if output.name in folders(output.absolute().parent) else ""


def refuse(output: Path) -> None:
    """Raises SpecError when the folder holds many stacks: one alone would leave their files behind."""
    if found := folders(output):
        message = f"{len(found)} stacks stand here, such as {found[0]}"
        hint = "generate them all again, or name another folder with --output"
        raise SpecError([problems.problem(output, "", "output-many", message, hint)])
