"""mimir/: the same rule groups for the ruler of Mimir or Cortex, as mimirtool and cortextool load them."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.resolve.plan import Plan
from stackgen.rules.build import groups
from stackgen.rules.plain import plain


def artefacts(plan: Plan) -> list[Artefact]:
    """One file, which is one namespace of the ruler."""
    found = [plain(group) for group in groups(plan)]
    namespace, largest = plan.site.named("rules"), max(len(group["rules"]) for group in found)
    notes = (
        f"Load it: mimirtool rules sync --address=ADDRESS --id=TENANT --namespaces={namespace} rules.yml",
        f"The largest group has {largest} rules, in an order that matters, and a ruler takes 20 by default: its tenant "
        f"needs ruler_max_rules_per_rule_group: {largest} or more.",
        "Alertmanager is that of the tenant: alertmanager/subtree.yml of this stack is merged into it.",
    )
    data = {"namespace": namespace, "groups": found}
    return [
        Artefact("mimir/rules.yml", "_shared/data.yml.j2", syntax="yaml", context={"notes": list(notes), "data": data})
    ]
