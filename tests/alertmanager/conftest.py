"""The real amtool and Alertmanager of .tools."""

from __future__ import annotations

from pathlib import Path

import pytest

TREES = {"0.25": "v2", "0.33": "v3"}


def _tree(version: str, repository: Path) -> Path:
    tree = repository / ".tools" / TREES[version]
    if not (tree / "usr/bin/amtool").is_file():
        pytest.exit(f"these tests need {tree}/usr/bin/amtool: run tests/tools/fetch.sh {TREES[version]}", returncode=3)
    return tree


@pytest.fixture(scope="session")
def newest(repository: Path) -> Path:
    """The unpacked tree of Alertmanager 0.33."""
    return _tree("0.33", repository)


@pytest.fixture(scope="session", params=list(TREES))
def tree(request: pytest.FixtureRequest, repository: Path) -> Path:
    """The unpacked tree of each Alertmanager: as Debian bookworm has it, and a recent one."""
    return _tree(request.param, repository)
