"""What can be wrong because of this stack.yaml or of files beside it. A module of plan/, files/ or written/ is a judge.

A judge is asked because it stands there, by its function `problems(subject)`; the folder says when.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Literal

from stackgen.problem import Problem
from stackgen.verify.subject import Subject

Phase = Literal["plan", "files", "written"]


def problems(phase: Phase, subject: Subject) -> Iterator[Problem]:
    """What every judge of this phase says, one after the other; raises AttributeError for a module that is no judge."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent / phase)]):
        yield from import_module(f"stackgen.verify.{phase}.{module.name}").problems(subject)
