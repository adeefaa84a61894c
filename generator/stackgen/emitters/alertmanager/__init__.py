"""alertmanager/: the configuration, and tests of its routes."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.emitters.alertmanager import configuration, route_tests
from stackgen.resolve.plan import Plan


def artefacts(plan: Plan) -> list[Artefact]:
    """alertmanager.yml and what each alert must reach."""
    return [*configuration.artefacts(plan), *route_tests.artefacts(plan)]
