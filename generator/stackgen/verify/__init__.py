"""What can be wrong because of this stack.yaml or of files beside it. A module of plan/, files/ or written/ is a judge.

A judge is asked because it stands there, by its function `problems(subject)`; the folder says when.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Literal

from stackgen.problem import Mark, Problem, ToolMissing
from stackgen.verify.origin import at_origin
from stackgen.verify.subject import Subject

Phase = Literal["plan", "files", "written"]


def problems(phase: Phase, subject: Subject) -> Iterator[Problem]:
    """What every judge of this phase says, at its place in stack.yaml where that can be known.

    One whose program is missing says so, and the others are asked all the same. Raises AttributeError for a module
    that is no judge.
    """
    for module in pkgutil.iter_modules([str(Path(__file__).parent / phase)]):
        try:
            found = import_module(f"stackgen.verify.{phase}.{module.name}").problems(subject)
            yield from (at_origin(problem, subject) for problem in found)
        except ToolMissing as missing:
            yield Problem(Mark(str(subject.output)), "tool-missing", "", str(missing))
