"""Many hostile stacks at once through every real program: a few processes for a whole batch."""

from __future__ import annotations

import re
import tempfile
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from stackgen import pipeline
from stackgen.document import shown
from stackgen.problem import SpecError
from stackgen.verify import tools
from tests.hostile import twin
from tests.hostile.drawn import harmless, names_for
from tests.hostile.sections import stacks
from tests.hostile.specs import Spec
from tests.hostile.test_hostile import as_yaml, named

_OURS = re.compile(r"[^/]*stack\.yaml$")
"""Where a problem may lie: in stack.yaml. Any other place is a file of ours."""
TESTED = 2
_DEEP = 12
"""How often a stack is made milder before it is given up."""


@dataclass(frozen=True)
class Made:
    """One accepted stack: what is generated, and what is wrong with that so far."""

    number: str
    spec: Spec
    files: Mapping[str, str]
    wrong: tuple[str, ...]


def drawn(start: int, count: int) -> list[Spec]:
    """The same stacks for the same start."""
    found: list[Spec] = []

    @seed(start)
    @settings(
        max_examples=count,
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(stacks())
    def draw(spec: Spec) -> None:
        found.append(spec)

    draw()
    return found[:count]


def made(spec: Spec, number: str, folder: Path) -> Made | None:
    """The stack and its twin; None when stack.yaml is refused, whatever is left out of it."""
    for _ in range(_DEEP):
        try:
            files = _staged(spec, folder)
        except SpecError as error:
            strange = [str(p) for p in error.problems if not _OURS.search(p.mark.file) or p.rule.startswith("output")]
            if strange:
                return Made(number, spec, {}, tuple(strange))
            milder = without(spec, {problem.where for problem in error.problems})
            if milder == spec:
                return None
            spec = milder
        except Exception:
            return Made(number, spec, {}, (traceback.format_exc(),))
        else:
            return Made(number, spec, files, (*_beside_twin(spec, files, folder), *twin.columns(files)))
    return None


def _beside_twin(spec: Spec, files: Mapping[str, str], folder: Path) -> Iterator[str]:
    names = names_for(spec)
    try:
        other = _staged(harmless(spec, names), folder)
    except SpecError as error:
        yield f"the harmless twin is refused: {error}"
    else:
        # Generated tests avoid the names that are ignored, which are others there.
        left_out = "prometheus/tests/" if spec.get("ignore") else "-"
        mine, others = (
            {path: text for path, text in some.items() if not path.startswith(left_out)} for some in (files, other)
        )
        yield from twin.differences(mine, others, names)


def _staged(spec: Spec, folder: Path) -> dict[str, str]:
    stack = folder / "stack.yaml"
    stack.write_text(as_yaml(spec), encoding="utf-8")
    return pipeline.stage(stack).files


def without(spec: Spec, places: Iterable[str]) -> Spec:
    """The spec without what stands at these places, or without the section when that is all that helps."""
    milder: Any = spec
    for place in places:
        milder = _cut(milder, place)
    return dict(milder)


def _cut(value: Any, place: str) -> Any:
    """Takes the deepest mapping key or list item that the place names."""
    if isinstance(value, list):
        number, _, rest = place.partition(".")
        index = int(number) if number.isdigit() else -1
        if not 0 <= index < len(value):
            return value
        inner = [_cut(item, rest) if rest and i == index else item for i, item in enumerate(value)]
        return inner if inner != value else [item for i, item in enumerate(value) if i != index]
    if not isinstance(value, dict):
        return value
    for key in sorted(value, key=len, reverse=True):
        as_told = next((k for k in (key, shown(key)) if place == k or place.startswith((f"{k}.", f"{k}["))), None)
        if as_told is not None:
            inner = _cut(value[key], place[len(as_told) :].lstrip(".[").replace("]", "", 1))
            if inner not in (value[key], [], {}):
                return {**value, key: inner}
            return {k: v for k, v in value.items() if k != key}
    return value


def findings(batch: Iterable[Made]) -> list[str]:
    """Everything that the twins and the real programs say against a batch."""
    some = list(batch)
    found = [f"{one.number}: {wrong}" for one in some for wrong in one.wrong]
    with tempfile.TemporaryDirectory(prefix="stackgen-fuzz-") as folder:
        root = Path(folder)
        for one in some:
            for path, text in one.files.items():
                (root / one.number / path).parent.mkdir(parents=True, exist_ok=True)
                (root / one.number / path).write_text(text, encoding="utf-8")
        found += _asked(root, some)
    return found


def _asked(root: Path, some: list[Made]) -> Iterator[str]:
    rules = _paths(some, "prometheus/rules/")
    yield from _said("promtool", ("check", "rules"), rules, root)
    yield from _said("promtool", ("check", "config"), _paths(some, "prometheus/prometheus.yml"), root)
    yield from _said("amtool", ("check-config",), _paths(some, "alertmanager/alertmanager.yml"), root)
    for path in _paths(some, "docker-compose.yml"):
        yield from _configured(root / path)
    yield from _said("promtool", ("test", "rules"), [*_tests(some)], root)


def _paths(some: Iterable[Made], begin: str) -> list[str]:
    return [f"{one.number}/{path}" for one in some for path in one.files if path.startswith(begin)]


def _tests(some: Iterable[Made]) -> Iterator[str]:
    """Of each stack the generated tests of some signals that it sets, in turn: each test takes a second of a core."""
    for turn, one in enumerate(some):
        able = sorted(p for s in named(one.spec) if (p := f"prometheus/tests/{s}.yml") in one.files)
        yield from (
            f"{one.number}/{path}"
            for path in dict.fromkeys(able[(turn + n) % len(able)] for n in range(TESTED if able else 0))
        )


def _said(name: str, command: tuple[str, ...], paths: list[str], root: Path) -> Iterator[str]:
    """One process for all; when it fails one for each, which names the guilty."""
    if not paths:
        return
    done = tools.run(tools.find(name), *command, *paths, cwd=root, timeout_seconds=1800)
    if done.code == 0:
        return
    if len(paths) == 1:
        yield f"{paths[0]}: {name} {' '.join(command)}: {done.err}{done.out}"
        return
    for half in (paths[: len(paths) // 2], paths[len(paths) // 2 :]):
        yield from _said(name, command, half, root)


def _configured(path: Path) -> Iterator[str]:
    needed = set(re.findall(r"(?<!\$)(?:\$\$)*\$\{([A-Z0-9_]+):\?", path.read_text(encoding="utf-8")))
    (path.parent / ".env").write_text("".join(f"{name}=given\n" for name in sorted(needed)))
    done = tools.run(
        tools.find("docker-compose"),
        *("-f", path.name, "--profile", "*", "config", "--quiet"),
        cwd=path.parent,
    )
    if done.code or done.err:
        yield f"{path.parent.name}/{path.name}: docker-compose config: {done.err}{done.out}"


def batch(start: int, count: int) -> tuple[list[Made], int]:
    """The accepted ones of `count` drawn stacks, and how many were refused."""
    with tempfile.TemporaryDirectory(prefix="stackgen-fuzz-") as folder:
        some = [made(spec, f"{start}-{number}", Path(folder)) for number, spec in enumerate(drawn(start, count))]
    return [one for one in some if one], sum(one is None for one in some)
