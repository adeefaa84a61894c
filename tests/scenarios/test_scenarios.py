"""The guide's failing cases and everyday ones, written by hand: what must fire, what must stay silent.

Each `<name>.yaml` is a promtool file against rules/ as generated from the repository's stack.yaml, or from
`<name>.stack.yaml` where that file exists; `<name>-<part>.yaml` shares it. A file takes the rules that it needs:
promtool evaluates all that it is given at every step.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stackgen.verify import tools
from tests.mutation.judge import rendered

HERE = Path(__file__).parent
SCENARIOS = sorted(p for p in HERE.glob("*.yaml") if not p.name.endswith(".stack.yaml"))


@pytest.mark.promtool
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(scenario: Path, promtool: Path, repository: Path, tmp_path: Path) -> None:
    names = (scenario.stem, scenario.stem.partition("-")[0])
    own = (stack for name in names if (stack := HERE / f"{name}.stack.yaml").exists())
    for path, text in rendered(next(own, repository / "stack.yaml")).items():
        if path.startswith("prometheus/rules/"):
            target = tmp_path / "rules" / Path(path).name
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, encoding="utf-8")
    shutil.copy(scenario, tmp_path)

    done = tools.run(promtool, "test", "rules", scenario.name, cwd=tmp_path)

    assert done.code == 0, done.err + done.out
