"""kustomize builds each environment, also under a kustomization of the team's own, and changes nothing by itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackgen import pipeline
from stackgen.verify import tools
from stackgen.verify.objects import schemas
from stackgen.verify.objects.found import Found
from tests.kubernetes.teams import STACKS, helm_command, named, objects

pytestmark = pytest.mark.slow

OWN = """
resources: [{folder}]
patches:
  - target: {{kind: Deployment}}
    patch: |-
      - {{op: add, path: /spec/template/spec/priorityClassName, value: monitoring}}
"""


def _text(folder: Path) -> str:
    done = tools.run(tools.find("kustomize"), "build", ".", cwd=folder)
    assert done.code == 0, done.err
    return done.out


def _built(folder: Path) -> list[dict[str, Any]]:
    # PyYAML has no reader for a bare equals sign.
    return [*yaml.safe_load_all(re.sub(r": (=~?)$", r": '\1'", _text(folder), flags=re.MULTILINE))]


def _escaped(command: str, text: str, folder: Path) -> None:
    """What the page's command makes is, for Helm, the same text: in Go's templates only two braces begin an action,
    and all that it has are the constant of two braces. `make kubernetes` asks Helm itself."""
    (folder / "objects.yaml").write_text(text, encoding="utf-8")
    shell = tools.find("sh")
    done = tools.run(shell, "-c", f"{command} < objects.yaml", cwd=folder)
    assert done.code == 0, done.err
    parts = done.out.split('{{ "{{" }}')
    assert len(parts) > 100
    assert [part for part in parts if "{{" in part] == []
    assert "{{".join(parts) == text


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
    _escaped(helm_command(files), _text(tmp_path / "kubernetes"), tmp_path)
    patched = [one for one in _built(tmp_path / "own") if one["kind"] == "Deployment"]
    assert {one["spec"]["template"]["spec"]["priorityClassName"] for one in patched} == {"monitoring"}


@pytest.mark.parametrize("stack", STACKS, ids=named)
def test_argo_cd_and_flux_know_every_key_of_the_examples(stack: Path) -> None:
    made = pipeline.stage(stack)
    blocks = re.findall(r"```yaml\n(apiVersion.*?)```", made.files["kubernetes/README.md"], re.DOTALL)
    found = [yaml.safe_load(block) for block in blocks]
    assert [one["kind"] for one in found] == ["Application", "Kustomization"]
    for one in found:
        assert [*schemas.problems(Found("kubernetes/README.md", one))] == []
        assert [*schemas.problems(Found("kubernetes/README.md", {**one, "spec": {**one["spec"], "prun": True}}))]
    assert found[0]["spec"]["destination"]["namespace"] == made.prepared.plan.spec.namespace
    assert found[0]["spec"]["source"]["path"] == found[1]["spec"]["path"].removeprefix("./") == "output/kubernetes"
