"""grafana_managed/: what Grafana provisions where it evaluates the rules itself, and where it also tells people."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.emitters.grafana_managed import notifying, rules
from stackgen.resolve.plan import Plan


def artefacts(plan: Plan) -> list[Artefact]:
    """Files for provisioning/alerting of Grafana 12 or newer."""
    return [*rules.artefacts(plan), *notifying.artefacts(plan)]
