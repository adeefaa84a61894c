"""The real programs and schemas that judge the objects."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def schemas(repository: Path) -> Path:
    """The operator's and Grafana's; without them a judge would say nothing."""
    file = repository / ".tools/kubernetes/schemas.json"
    if not file.is_file():
        pytest.exit(f"these tests need {file}: run make tools", returncode=3)
    return file
