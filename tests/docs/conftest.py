"""Stacks whose pages are rendered once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from stackgen import pipeline
from stackgen.render.environment import render
from stackgen.resolve.plan import Plan

REPOSITORY = Path(__file__).resolve().parents[2]
STACKS = {
    "guide": REPOSITORY / "stack.yaml",
    "minimal": REPOSITORY / "tests/specs/valid/minimal.yaml",
    "everything": REPOSITORY / "tests/specs/valid/everything.yaml",
    "hostile": REPOSITORY / "tests/specs/valid/hostile-names.yaml",
}


@dataclass(frozen=True)
class Pages:
    """A stack and everything generated for it, in memory."""

    plan: Plan
    files: Mapping[str, str]

    @property
    def markdown(self) -> dict[str, str]:
        """The pages among the files."""
        return {path: text for path, text in self.files.items() if path.endswith(".md")}


def pages_of(stack: Path) -> Pages:
    """Renders a stack without writing it."""
    plan = pipeline.prepare(stack).plan
    rendered = [render(artefact) for artefact in pipeline.artefacts(plan)]
    return Pages(plan, {one.artefact.path: one.text for one in rendered})


@pytest.fixture(scope="session", params=list(STACKS))
def pages(request: pytest.FixtureRequest) -> Pages:
    """Each of the stacks in turn."""
    return pages_of(STACKS[request.param])


@pytest.fixture(scope="session")
def guide_pages() -> Pages:
    """The guide's own stack, which is this repository's."""
    return pages_of(STACKS["guide"])
