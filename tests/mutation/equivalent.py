"""Mutants that no test can kill because they mean the same, each with the proof."""

from __future__ import annotations

import re
from typing import NamedTuple

from tests.mutation.mutants import Mutant


class Equivalent(NamedTuple):
    """Mutants whose rule and change match are the same rule in other words, because of `proof`."""

    rule: str
    what: str
    proof: str


EQUIVALENT: tuple[Equivalent, ...] = ()


def reason(mutant: Mutant) -> str:
    """The proof that a mutant cannot be killed; "" when there is none."""
    for one in EQUIVALENT:
        if re.fullmatch(one.rule, mutant.rule) and re.fullmatch(one.what, mutant.what, re.DOTALL):
            return one.proof
    return ""
