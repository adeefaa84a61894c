"""The shape of a witness: what one source says of a fact that others can tell too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from stackgen.catalog.site import Fact as SiteFact
from stackgen.catalog.site import Site
from stackgen.catalog.source import Stimulus

FactName = Literal["broker", "workers", "consumers", "length", "starts"]
"""The broker answers; workers are alive; a queue has consumers; tasks wait in it; workers begin tasks at all."""


@dataclass(frozen=True)
class Witness:
    """What one source says of a fact: 1 is yes, 0 is no, and no result is silence."""

    fact: FactName
    name: str
    """Value of the label `witness`."""
    source: str
    """Id of the source whose metrics it reads."""
    says: Callable[[Site], str]
    """The expression; "" where it can say nothing on this stack."""
    feed: Stimulus
    """What makes it say the amount of each segment; None: nothing. 0 of one that never denies is silence."""
    yes: str
    """What its yes proves."""
    no: str
    """What its no means; "" for one that never denies."""
    silence: str
    late: str
    """How long after the fact its word follows."""
    look: str = ""
    """What to look at when the others contradict its no; "" where its source is blind then."""

    at_least: Mapping[SiteFact, str] = field(default_factory=dict)
    """Facts of the stack under which its no proves nothing, each with the reason."""

    @property
    def id(self) -> str:
        """What tells it from all others."""
        return f"{self.fact}/{self.name}"
