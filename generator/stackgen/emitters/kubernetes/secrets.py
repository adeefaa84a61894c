"""The Secrets that objects refer to: what each must hold, and ExternalSecrets that fetch it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from stackgen.emitters.kubernetes import routing, workloads
from stackgen.emitters.kubernetes.objects import Thing, thing
from stackgen.resolve import kubernetes
from stackgen.resolve.plan import Plan


def keys(plan: Plan) -> dict[tuple[str, str], str]:
    """What each key holds, by Secret and key."""
    settings = plan.spec.kubernetes
    found = {
        (settings.secret, key): why for one in kubernetes.started(plan) for key, why in workloads.secrets(one, plan)
    }
    if settings.routing in ("namespaced", "global"):
        secret = settings.alerting_secret or settings.secret
        found |= {(secret, key): f"what {name} needs" for name, key in routing.secrets(plan)}
    return found


def things(plan: Plan) -> Iterator[Thing]:
    """An object for each Secret, where stack.yaml names a store."""
    outside = plan.spec.kubernetes.external_secrets
    held: dict[str, list[str]] = defaultdict(list)
    for secret, key in keys(plan) if outside else ():
        held[secret].append(key)
    for secret, found in held.items():
        if outside:
            entry = outside.entry or secret
            body = {
                "refreshInterval": "1h",
                "secretStoreRef": {"kind": outside.kind, "name": outside.store},
                "target": {"name": secret, "creationPolicy": "Owner"},
                "data": [{"secretKey": key, "remoteRef": {"key": entry, "property": key}} for key in found],
            }
            why = f"Makes the Secret {secret} of what the store keeps under {entry}."
            yield thing("ExternalSecret", secret, {"spec": body}, plan, why)
