"""prometheus/: the configuration, the rules, and their unit tests."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.emitters.prometheus import configuration, rule_tests
from stackgen.resolve.plan import Plan


def artefacts(plan: Plan) -> list[Artefact]:
    """prometheus.yml, the files of rules and the files of tests."""
    return [*configuration.artefacts(plan), *rule_tests.artefacts(plan)]
