"""What many stacks have in common: the page above them, schema and references, and the manifests of their folders."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from stackgen import pipeline
from stackgen.artefact import Artefact
from stackgen.emitters import docs, grafana, own, schema
from stackgen.emitters.docs import overview
from stackgen.problem import SpecError
from stackgen.render.environment import render
from stackgen.stacks.find import Found
from stackgen.verify.files import links, reparse
from stackgen.write import nested
from stackgen.write.manifest import MANIFEST


def pages(stacks: Sequence[Found]) -> dict[str, str]:
    """Text by path below output/ of what every stack would have; the guide's queries are those of the first one."""
    plans = [pipeline.prepare(one.path, one.folder).plan for one in stacks]
    plan, home = plans[0], f"../{stacks[0].folder}"
    return _read_back([*own(), *schema.shared(plan, home), *docs.shared(plan, home), *grafana.shared(plans)])


def files(
    texts: Mapping[str, str], stacks: Sequence[tuple[overview.Row, Sequence[str]]], output: Path
) -> dict[str, str]:
    """The same, with the page about all stacks and the manifests that stand in their folders."""
    boards = any(path.startswith("grafana/") for path in texts)
    texts = {**texts, **_read_back([overview.page([row for row, _ in stacks], boards=boards)])}
    within = {f"{row.folder}/{path}": "" for row, paths in stacks for path in paths}
    if wrong := links.in_pages({**texts, **within}):
        raise SpecError(wrong)
    manifests = {f"{row.folder}/{MANIFEST}": output / row.folder / MANIFEST for row, _ in stacks}
    return texts | {name: path.read_text(encoding="utf-8") for name, path in manifests.items() if path.is_file()}


def _read_back(made: Iterable[Artefact]) -> dict[str, str]:
    rendered = [render(one) for one in made]
    if wrong := [problem for one in rendered for problem in reparse.of_file(one)]:
        raise SpecError(wrong)
    return {one.artefact.path: one.text for one in rendered}


def former(output: Path, now: Mapping[str, str]) -> list[str]:
    """Folders of stacks that the last run wrote and that are no longer there."""
    return [folder for folder in nested.folders(output) if f"{folder}/{MANIFEST}" not in now]


def sha256(stacks: Iterable[Found]) -> str:
    """One checksum of every stack.yaml and its folder."""
    return hashlib.sha256("".join(f"{one.folder} {one.sha256}\n" for one in stacks).encode()).hexdigest()
