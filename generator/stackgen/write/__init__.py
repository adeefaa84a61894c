"""The only package that writes, and the only one that knows what MANIFEST.json means."""

from __future__ import annotations

from pathlib import Path

from stackgen.write import manifest, nested, problems
from stackgen.write.differences import compare, since_generated
from stackgen.write.first import write_first
from stackgen.write.folder import locked
from stackgen.write.manifest import Manifest
from stackgen.write.swap import LOCK_SECONDS, Changes, retire, write

__all__ = [
    "Changes",
    "Manifest",
    "compare",
    "nested",
    "read_manifest",
    "retire",
    "since_generated",
    "write",
    "write_first",
]


def read_manifest(output: Path) -> Manifest | None:
    """What the last complete run wrote; None before the first. Raises SpecError when it cannot be read."""
    if not output.exists():
        return None
    with problems.os_errors_as_problems(output), locked(output, LOCK_SECONDS) as folder:
        problems.known(folder, output)
        return manifest.read(folder)
