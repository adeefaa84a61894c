"""Each `<source>.yaml` is a promtool file against the rules of a stack with that source."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stackgen.catalog import registry
from stackgen.verify import tools
from tests.mutation.judge import rendered
from tests.sources.stacks import HERE, SOURCES, VALUES, stack


def test_every_source_that_measures_has_its_tests() -> None:
    assert {source.id for source in registry.sources().values() if source.readings} == set(SOURCES)


@pytest.mark.promtool
@pytest.mark.parametrize("name", [*SOURCES, VALUES])
def test_source(name: str, promtool: Path, tmp_path: Path) -> None:
    for path, text in rendered(stack(name, tmp_path)).items():
        if path.startswith("prometheus/rules/"):
            target = tmp_path / "rules" / Path(path).name
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, encoding="utf-8")
    shutil.copy(HERE / f"{name}.yaml", tmp_path)

    done = tools.run(promtool, "test", "rules", f"{name}.yaml", cwd=tmp_path)

    assert done.code == 0, done.err + done.out
