"""What the subjects of a test are called: as their stories are, as long as the rules then say what the stories say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from stackgen.catalog import promql
from stackgen.catalog.entries import Entries, examples
from stackgen.catalog.signal import Signal
from stackgen.catalog.source import FILLED_IN
from stackgen.resolve.plan import Plan

_ELSE = ("{}", "q-{}", "{}-q", "0{}0")
"""How a subject is called instead, when a pattern means the name that its story would give it."""


@dataclass(frozen=True)
class Names:
    """The names of one signal's subjects."""

    signal: Signal
    plan: Plan
    own: frozenset[str]
    """Queues or tasks with limits of their own, of which stories are told by name."""

    def called(self, name: str) -> str:
        """The value of a subject's labels."""
        site, by = self.plan.site, self.signal.by
        possible = self._possible
        if possible and name not in possible:
            return next((other for other in possible if other not in self.own), possible[0])
        if by == ("worker",):
            source = self.plan.chosen[self.signal.needs[0].name].source.id
            return promql.matching(site.match.get(source, "*"), name)
        if name in self.own:
            return name
        entries = self.plan.entries(self.signal)
        tries = (self._spared(form.format(name)) for form in _ELSE)
        return next((one for one in tries if entries.found(one) in (None, one)), name)

    def _spared(self, name: str) -> str:
        """The name, or one like it that stack.yaml ignores as none of the labels that bear it."""
        for label in self.signal.by:
            name = self.plan.site.spared(label, name)
        return name

    @cached_property
    def somewhere(self) -> dict[str, str]:
        """A queue that workers empty, for a signal that judges all queues together."""
        if self.signal.by or not any(one.labels == ("queue",) for one in self.signal.needs):
            return {}
        queues = self.plan.spec.queues
        found = examples(Entries(queues), (key for key, queue in queues.items() if queue.role == "normal"))
        return {"queue": (*found, FILLED_IN["queue"])[0]}

    @cached_property
    def _possible(self) -> tuple[str, ...]:
        """The values that the label can take, where not every value is possible; none where any is."""
        site = self.plan.site
        if possible := self.signal.only_names(site):
            return possible
        if site.listed_only and self.signal.by == ("queue",):
            dead = {*site.dead_letter, *site.dead_examples}
            listed = (*site.queues, *examples(self.plan.entries(self.signal), site.queue_patterns))
            return tuple(name for name in listed if not (self.signal.skips_dead_letters and name in dead))
        return ()
