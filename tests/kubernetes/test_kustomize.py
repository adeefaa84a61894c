"""kustomize builds each environment, also under a kustomization of the team's own, and changes nothing by itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackgen import pipeline
from stackgen.verify import tools
from tests.kubernetes.teams import STACKS, named, objects

pytestmark = pytest.mark.slow

OWN = """
resources: [{folder}]
patches:
  - target: {{kind: Deployment}}
    patch: |-
      - {{op: add, path: /spec/template/spec/priorityClassName, value: monitoring}}
"""


def _built(folder: Path) -> list[dict[str, Any]]:
    done = tools.run(tools.find("kustomize"), "build", ".", cwd=folder)
    assert done.code == 0, done.err
    # PyYAML has no reader for a bare equals sign.
    return [*yaml.safe_load_all(re.sub(r": (=~?)$", r": '\1'", done.out, flags=re.MULTILINE))]


def _key(one: Any) -> tuple[str, str]:
    return one["kind"], one["metadata"]["name"]


@pytest.mark.parametrize("stack", STACKS, ids=named)
def test_each_environment_is_built(stack: Path, tmp_path: Path) -> None:
    files = pipeline.stage(stack).files
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")

    built = _built(tmp_path / "kubernetes")
    assert sorted(built, key=_key) == sorted(objects(files), key=_key)

    (tmp_path / "own").mkdir()
    (tmp_path / "own/kustomization.yaml").write_text(OWN.format(folder="../kubernetes"), encoding="utf-8")
    patched = [one for one in _built(tmp_path / "own") if one["kind"] == "Deployment"]
    assert {one["spec"]["template"]["spec"]["priorityClassName"] for one in patched} == {"monitoring"}
