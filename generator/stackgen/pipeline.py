"""The order of the stages, and nothing else: load, parse, resolve, render, verify, write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from stackgen import overlay, verify
from stackgen.artefact import Artefact, Rendered
from stackgen.document import Document
from stackgen.emitters import always
from stackgen.outputs import KINDS
from stackgen.problem import Mark, Problem, SpecError
from stackgen.render.environment import render
from stackgen.resolve import choose, cloudwatch, kubernetes, logs, routing
from stackgen.resolve.plan import Plan
from stackgen.resolve.resolver import resolve
from stackgen.spec import parse
from stackgen.verify import own_rules
from stackgen.verify.subject import Subject
from stackgen.write import Changes, compare, nested, write

if TYPE_CHECKING:
    from stackgen.doctor.finding import Finding
    from stackgen.write.secret_files import Written


@dataclass(frozen=True)
class Prepared:
    """A stack.yaml that is understood, before anything is rendered."""

    document: Document
    plan: Plan

    def notices(self) -> list[Problem]:
        """What is not judged on this stack and why, one notice each."""
        mark = Mark(self.document.file)
        found = [
            Problem(mark, "signal-off", off.signal.id, f"not judged: {off.reason}", off.hint, "notice")
            for off in self.plan.off
            if not off.signal.log_count
        ] + [
            *routing.notices(self.plan, self.document),
            *choose.notices(self.plan, self.document),
            *logs.notices(self.plan.spec, self.document),
            *cloudwatch.notices(self.plan, self.document),
            *kubernetes.notices(self.plan, self.document),
        ]
        return overlay.told(self.document, found)


@dataclass(frozen=True)
class Stage:
    """Everything that would be written, rendered and verified offline."""

    prepared: Prepared
    rendered: tuple[Rendered, ...]

    @property
    def files(self) -> dict[str, str]:
        """Text by path below output/."""
        return {r.artefact.path: r.text for r in self.rendered}


def prepare(stack: Path, folder: str = "") -> Prepared:
    """Reads and resolves a stack.yaml; raises SpecError with everything that is wrong with it.

    `folder`: where its files stand below output/, as one of many stacks.
    """
    document = overlay.read(stack)
    with _both_places(document):
        spec = parse(document)
        if folder and "runbooks" not in spec.links.model_fields_set:
            links = spec.links.model_copy(update={"runbooks": spec.links.runbooks.replace("/", f"/{folder}/", 1)})
            spec = spec.model_copy(update={"links": links})
        plan = resolve(spec, document)
        alone = spec.wants("kubernetes") or spec.stack.copies  # objects that hold dashboards; variables of its own
        if folder and spec.shares("grafana") and not alone:
            plan = replace(plan, site=replace(plan.site, shares_boards=True))
        return Prepared(document, plan)


def stage(stack: Path, folder: str = "") -> Stage:
    """Renders in memory and verifies offline; raises SpecError with every finding, before anything is written.

    As one of many stacks, without the files that are the same for all of them.
    """
    prepared = prepare(stack, folder)
    plan = prepared.plan
    with _both_places(prepared.document):
        _stop(verify.problems("plan", Subject(plan, prepared.document)))
        rendered = tuple(_rendered(plan, alone=not folder))
        _stop(verify.problems("files", Subject(plan, prepared.document, rendered)))
    return Stage(prepared, rendered)


def artefacts(plan: Plan, *, alone: bool = True) -> Iterator[Artefact]:
    """The plan, then the files that stack.yaml wants, one emitter after the other; each is loaded where it works.

    Of one among many stacks an emitter may have less to write: what is its `own`.
    """
    yield from always(plan)
    for kind in filter(plan.spec.wants, KINDS):
        emitter = import_module(f"stackgen.emitters.{kind}")
        yield from emitter.artefacts(plan) if alone or not hasattr(emitter, "own") else emitter.own(plan)


def _rendered(plan: Plan, *, alone: bool) -> Iterator[Rendered]:
    """Every file; last what holds others or their checksums: docker-compose.yml, and objects of Kubernetes."""
    made = [render(artefact) for artefact in artefacts(plan, alone=alone)]
    yield from made
    if plan.spec.wants("compose"):
        from stackgen.emitters import compose

        yield render(compose.project(plan, {one.artefact.path: one.text for one in made}))
    if plan.spec.wants("kubernetes"):
        from stackgen.emitters import kubernetes as objects

        texts = {one.artefact.path: one.text for one in (*made, *_held(plan, objects.HOLDS))}
        yield from map(render, objects.holding(plan, texts))


def _held(plan: Plan, kinds: Iterable[str]) -> Iterator[Rendered]:
    """Files of kinds that stack.yaml does not want by themselves, for the objects that hold them."""
    for kind in kinds:
        if not plan.spec.wants(kind):
            yield from map(render, import_module(f"stackgen.emitters.{kind}").artefacts(plan))


def generate(stack: Path, output: Path, *, folder: str = "", force: bool = False) -> tuple[Stage, Changes]:
    """Writes output/; what it held before is kept when anything is wrong."""
    nested.refuse(output)
    folder = folder or nested.own_name(output)
    made = stage(stack, folder)
    return made, write(made.files, output, spec_sha256=made.prepared.document.sha256, force=force)


def check(stack: Path, output: Path, *, folder: str = "") -> tuple[Stage, list[Problem]]:
    """What is stale, edited or foreign in output/, and what the judges of written files say."""
    made = stage(stack, folder or nested.own_name(output))
    found = compare(made.files, output, spec_sha256=made.prepared.document.sha256)
    if not any(p.level == "error" for p in found):
        subject = Subject(made.prepared.plan, made.prepared.document, made.rendered, output)
        judged = {str(output / path) for path in own_rules.files(output, subject.matching(f"{own_rules.FOLDER}/*"))}
        found = [p for p in found if p.mark.file not in judged]  # they are spoken of in detail
        found += verify.problems("written", subject)
    return made, found


def doctor(stack: Path, output: Path, *, audit: bool = False, **where: str | None) -> list[Finding]:
    """What is wrong with the running stack; `where` names the addresses of Asked."""
    from stackgen.doctor.examine import Asked, examine  # urllib and ssl, which no other command needs
    from stackgen.emitters import compose

    asked = Asked(**where, audit=audit, secrets=output / compose.SECRETS)
    return examine(prepare(stack).plan, asked)


def secret_files(stack: Path, output: Path, *, placeholders: bool = False) -> tuple[Path, Written]:
    """Writes the secret files that docker-compose.yml mounts and that are missing; gives their folder and names."""
    from stackgen.emitters import compose
    from stackgen.write.secret_files import Wanted, write_missing

    wanted = [Wanted(secret.name, secret.kind) for secret in compose.secrets(prepare(stack).plan)]
    folder = output / compose.SECRETS
    return folder, write_missing(wanted, folder, placeholders=placeholders)


@contextmanager
def _both_places(document: Document) -> Iterator[None]:
    """A problem with a value of an overlay names the value below it, too."""
    try:
        yield
    except SpecError as error:
        raise SpecError(overlay.told(document, error.problems)) from error


def _stop(problems: Iterable[Problem]) -> None:
    errors = [p for p in problems if p.level == "error"]
    if errors:
        raise SpecError(errors)
