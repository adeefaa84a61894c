"""stack.yaml as a StackSpec: what a person may write, and everything that may be wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from stackgen.catalog import registry
from stackgen.document import Document, Trail, has_credentials, where
from stackgen.problem import Problem, SpecError
from stackgen.spec import checks, layers, messages, receivers, service_checks, thresholds
from stackgen.spec.checks import Fault
from stackgen.spec.model import StackSpec

__all__ = ["StackSpec", "parse"]


def parse(doc: Document) -> StackSpec:
    """The spec in a document; raises SpecError with every problem that can be found."""
    sources = registry.sources()
    faults = list(_secrets(doc))
    hidden = {fault.path for fault in faults}
    spec, wrong = _validate(doc, doc.data)
    faults += (fault for fault in wrong if fault.path not in hidden)
    # Without the values that Pydantic refused, the rest can often still be checked.
    guilty = [_section(fault) if fault.rule == "missing-key" else fault for fault in wrong]
    usable = spec or _validate(doc, _without(doc.data, guilty))[0]
    if usable is not None:
        spoiled = [_spoiled(fault.path) for fault in guilty]
        found = [*checks.check(usable, sources), *thresholds.check(usable, registry.signals())]
        found += service_checks.check(usable, sources)
        found += receivers.check(usable)
        faults += (fault for fault in found if not any(fault.path[: len(p)] == p for p in spoiled))
    problems = {*layers.problems(doc), *(_problem(doc, fault) for fault in faults)}
    problems |= {_problem(layer, fault) for layer in doc.layers for fault in _secrets(layer)}  # what is covered, too
    if problems or spec is None:
        raise SpecError(problems)
    return spec


def _validate(doc: Document, data: object) -> tuple[StackSpec | None, list[Fault]]:
    try:
        return StackSpec.model_validate(data), []
    except ValidationError as e:
        errors = e.errors(include_url=False, include_input=False)
        return None, [messages.fault(doc, dict(error), registry.signals()) for error in errors]


def _secrets(doc: Document) -> Iterator[Fault]:
    for path, node in doc.scalars():
        if node.text and "://" in node.text and has_credentials(node.text):
            reason = "expected no address with user or password in it, got one (not shown)"
            hint = "secrets are references: name an environment variable in url_env, or a file in url_file"
            yield Fault(path, "secret", reason, hint)


def _section(fault: Fault) -> Fault:
    """The whole section is guilty of what it lacks: without the part that lacks it, others may name what is gone."""
    return fault._replace(path=fault.path[:1])


def _without(data: object, faults: Iterable[Fault]) -> object:
    """The data without the guilty values."""
    bad: dict[object, list[Fault]] = {}
    for fault in faults:
        if fault.path:
            bad.setdefault(fault.path[0], []).append(fault._replace(path=fault.path[1:]))
    if not isinstance(data, dict | list):
        return data
    kept = {
        step: _without(value, bad[step]) if step in bad else value
        for step, value in (data.items() if isinstance(data, dict) else enumerate(data))
        if step not in bad or _may_stay(value, bad[step])
    }
    return kept if isinstance(data, dict) else list(kept.values())


def _may_stay(value: object, below: Iterable[Fault]) -> bool:
    """Whether only parts of the value are guilty. A bare number, short for {threshold: number}, has no parts."""
    return isinstance(value, dict | list) and all(fault.path for fault in below)


def _spoiled(path: Trail) -> Trail:
    """The part of the file about which nothing sure can be said without the value at the path."""
    in_list = bool(path) and isinstance(path[-1], int)
    return path[:-1] if in_list or "thresholds" in path[:-2] else path


def _problem(doc: Document, fault: Fault) -> Problem:
    path, node = doc.walk(fault.path)
    mark = doc.key_mark(path) if fault.at_key or not node.text else doc.mark(path)
    return Problem(mark, fault.rule, where(path), fault.message + doc.beside(path, fault.other), fault.hint)
