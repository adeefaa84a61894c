"""toy/: the names of the queues, for children."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.resolve.plan import Plan


def artefacts(plan: Plan) -> list[Artefact]:
    """One file with one queue a line."""
    context = {"queues": list(plan.site.queues)}
    return [Artefact(path="toy/queues.yml", template="toy/queues.yml.j2", syntax="yaml", context=context)]
