"""The objects of output/kubernetes as they were written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stackgen.problem import Mark, Problem
from stackgen.verify.files.reparse import Refused, StrictLoader

FOLDER = "kubernetes"
KUSTOMIZATION = f"{FOLDER}/kustomization.yaml"


@dataclass(frozen=True)
class Found:
    """One object, and its file below output/."""

    path: str
    data: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Its kind; "" for what is none."""
        return str(self.data.get("kind", ""))

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.metadata.get("name", ""))

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Name, namespace, labels, annotations."""
        held = self.data.get("metadata")
        return held if isinstance(held, Mapping) else {}

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return self.metadata.get("labels") or {}

    @property
    def spec(self) -> Mapping[str, Any]:
        """What it asks for."""
        held = self.data.get("spec")
        return held if isinstance(held, Mapping) else {}

    def problem(self, rule: str, message: str) -> Problem:
        """A finding about it."""
        return Problem(Mark(self.path), rule, f"{self.kind} {self.name}", message)


def read(output: Path, paths: Iterable[str]) -> tuple[list[Found], list[Problem]]:
    """Every object of the files, and files that are no YAML or have a key twice."""
    found: list[Found] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            found += _objects(output, path)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            at = Mark(path, mark.line + 1, mark.column + 1) if mark else Mark(path)
            problems.append(Problem(at, "object-yaml", "", f"not YAML: {getattr(error, 'problem', error)}"))
        except Refused as error:
            problems.append(Problem(Mark(path, error.line, error.column), "object-yaml", "", str(error)))
    return found, problems


def _objects(output: Path, path: str) -> Iterator[Found]:
    for data in yaml.load_all((output / path).read_text(encoding="utf-8"), StrictLoader):
        yield Found(path, data if isinstance(data, Mapping) else {})
