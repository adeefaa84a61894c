"""What a judge looks at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stackgen.artefact import Rendered
from stackgen.document import Document
from stackgen.resolve.plan import Plan


@dataclass(frozen=True)
class Subject:
    """One stack, with as much of it as there is in the phase of the judge."""

    plan: Plan
    document: Document
    rendered: tuple[Rendered, ...] = ()
    """From the phase `files` on."""
    output: Path = Path()
    """The folder that was written, in the phase `written`."""

    @property
    def files(self) -> dict[str, str]:
        """Text by path below output/."""
        return {one.artefact.path: one.text for one in self.rendered}

    def matching(self, pattern: str) -> list[str]:
        """Paths of the generated files of one kind, below output/; `*` stands for a name."""
        return [one.artefact.path for one in self.rendered if Path(one.artefact.path).match(pattern)]
