"""Runs over many stacks, in as many processes as there are cores; the errors of one do not hide those of another."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stackgen import pipeline
from stackgen.emitters.docs.overview import Row, row
from stackgen.problem import Mark, Problem, SpecError
from stackgen.stacks import above
from stackgen.stacks.find import Found, Stacks
from stackgen.write import Changes, compare, retire, since_generated, write

_RUNBOOKS = ("links", "runbooks")


@dataclass(frozen=True)
class Outcome:
    """What came of one stack, or of what all have in common: small, for it comes from another process."""

    folder: str
    problems: tuple[Problem, ...] = ()
    changes: Changes | None = None
    row: Row | None = None
    runbooks: Mark | None = None
    """Where stack.yaml says their address."""
    selected: tuple[str, ...] = ()
    """What selects its sources in a Prometheus of others."""
    paths: tuple[str, ...] = ()
    """Its files, below its folder."""

    @property
    def failed(self) -> bool:
        """Whether any problem is an error."""
        return any(problem.level == "error" for problem in self.problems)


def generate(stacks: Stacks, output: Path, *, force: bool = False) -> list[Outcome]:
    """Writes each stack into its folder; then, if all went well, what they have in common, without former stacks.

    A stack with an error keeps what its folder held.
    """
    found, texts = _each(partial(_generate, output=output, force=force), stacks)
    if texts is None:
        return found
    try:
        files = above.files(texts, [(one.row, one.paths) for one in found if one.row], output)
        gone = above.former(output, files)
        removed = [Outcome(folder, changes=retire(output / folder, force=force)) for folder in gone]
        changes = write(files, output, spec_sha256=above.sha256(stacks.stacks), force=force)
    except SpecError as error:
        return [*found, Outcome("", error.problems)]
    return [*found, *removed, Outcome("", (*_same_runbooks(found), *_same_sources(found, stacks)), changes)]


def _same_runbooks(found: Sequence[Outcome]) -> Iterator[Problem]:
    """An address that one file gives to several stacks: their pages have other numbers, and other folders."""
    places = Counter(one.runbooks for one in found if one.runbooks)
    for mark, count in places.items():
        if count > 1:
            message = f"{count} stacks say that their runbooks are here, and each has its own"
            hint = "say it in the file of each, with its folder; without it the path below output/ is right"
            yield Problem(mark, "same-runbooks", "links.runbooks", message, hint, "warning")


def _same_sources(found: Sequence[Outcome], stacks: Stacks) -> Iterator[Problem]:
    """Stacks whose rules would take each other's sources for their own in one Prometheus; told once of each stack."""
    files = {one.folder: str(one.path) for one in stacks.stacks}
    for one in found:
        for selector in one.selected:
            others = [other.folder for other in found if selector in other.selected and other is not one]
            if others:
                message = f"in one Prometheus {{{selector}}} of this stack is also that of {', '.join(others)}"
                hint = "give the source labels, or a job, that no other stack has"
                yield Problem(Mark(files[one.folder]), "same-sources", "sources", message, hint, "warning")
                break


def check(stacks: Stacks, output: Path) -> list[Outcome]:
    """The same findings as for each stack alone, and then those about what all have in above."""
    found, texts = _each(partial(_check, output=output), stacks)
    if texts is None:
        return found
    try:
        files = above.files(texts, [(one.row, one.paths) for one in found if one.row], output)
        return [*found, Outcome("", tuple(compare(files, output, spec_sha256=above.sha256(stacks.stacks))))]
    except SpecError as error:
        return [*found, Outcome("", error.problems)]


def unchanged(stacks: Stacks, output: Path) -> list[Outcome]:
    """Whether each folder is what the last run wrote from this stack.yaml; nothing is rendered."""
    sums = {**{one.folder: one.sha256 for one in stacks.stacks}, "": above.sha256(stacks.stacks)}
    found = []
    for folder, sha in sums.items():
        try:
            found.append(Outcome(folder, tuple(since_generated(output / folder, spec_sha256=sha))))
        except SpecError as error:
            found.append(Outcome(folder, error.problems))
    return found


def _each(work: Callable[[Found], Outcome], stacks: Stacks) -> tuple[list[Outcome], dict[str, str] | None]:
    """What comes of each stack, and the pages they share; no pages where anything is wrong."""
    cores = min(os.cpu_count() or 1, len(stacks.stacks))
    if not cores:
        return [], None
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("fork")) as pool:
        pages = pool.submit(_pages, stacks.stacks)
        found = list(pool.map(work, stacks.stacks))
        return found, None if stacks.problems or any(one.failed for one in found) else pages.result()


def _pages(stacks: Sequence[Found]) -> dict[str, str] | None:
    try:
        return above.pages(stacks)
    except SpecError:
        return None  # the stack itself says why


def _generate(one: Found, *, output: Path, force: bool) -> Outcome:
    try:
        made, changes = pipeline.generate(one.path, output / one.folder, folder=one.folder, force=force)
    except SpecError as error:
        return Outcome(one.folder, error.problems)
    notices, document = tuple(made.prepared.notices()), made.prepared.document
    found = row(one.folder, made.prepared.plan)
    written = document.walk(_RUNBOOKS)[0] == _RUNBOOKS
    runbooks = document.mark(_RUNBOOKS) if written else None
    site = made.prepared.plan.site
    shared = made.prepared.plan.spec.shares("prometheus")
    selected = tuple(told.matchers for told in site.told.values()) if shared else ()
    return Outcome(one.folder, notices, changes, found, runbooks, selected, tuple(made.files))


def _check(one: Found, *, output: Path) -> Outcome:
    try:
        made, problems = pipeline.check(one.path, output / one.folder, folder=one.folder)
    except SpecError as error:
        return Outcome(one.folder, error.problems)
    return Outcome(one.folder, tuple(problems), row=row(one.folder, made.prepared.plan), paths=tuple(made.files))
