"""How Prometheus finds the targets of a source, and the labels that it gives them."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.resolve.plan import LOOKED_UP, Scraped
from stackgen.spec.kubernetes import Discovery

Relabeling = dict[str, object]

_META = "__meta_kubernetes_"


def places(scraped: Scraped) -> dict[str, object]:
    """Targets that are written, names of DNS, files and Kubernetes's objects; None for each there is nothing of."""
    cluster = scraped.kubernetes
    return {
        "targets": [t for t in scraped.targets if not t.startswith(LOOKED_UP)] or None,
        "names": [
            {"names": [host], "type": "A", "port": int(port), "refresh_interval": "15s"}
            for _, host, port in (t.split(":") for t in scraped.targets if t.startswith("dns:"))
        ]
        or None,
        "files": [t.removeprefix("file:") for t in scraped.targets if t.startswith("file:")] or None,
        "clusters": [_cluster(cluster)] if cluster else None,
    }


def _cluster(cluster: Discovery) -> dict[str, object]:
    within = {"namespaces": {"names": [cluster.namespace]}} if cluster.namespace else {}
    return {"role": cluster.role, **within, "selectors": [{"role": cluster.role, "label": cluster.selector}]}


def relabelings(scraped: Scraped, job: str | None) -> list[Relabeling]:
    """What makes targets of what was found, and the labels by which the rules tell them; `job`: None for its name."""
    made = list(_of_cluster(scraped.kubernetes, scraped.targets[0])) if scraped.kubernetes else []
    own = {**({"job": job} if job else {}), **scraped.labels}
    if scraped.kubernetes and scraped.kubernetes.namespace == own.get("namespace"):
        own.pop("namespace", None)
    given: list[Relabeling] = [{"target_label": name, "replacement": own[name].replace("$", "$$")} for name in own]
    return made + given


def _of_cluster(cluster: Discovery, target: str) -> Iterator[Relabeling]:
    """One target for each object, whatever ports it declares: as many that are equal are one."""
    port = target.rpartition(":")[2]
    if cluster.role == "pod":
        yield {"source_labels": [f"{_META}pod_phase"], "regex": "Pending|Succeeded|Failed", "action": "drop"}
        for regex, address in (("[^:]+", "$0"), (".+:.+", "[$0]")):
            yield _address(f"{_META}pod_ip", regex, f"{address}:{port}")
    else:
        yield _address("__address__", r"(.+):\d+", f"$1:{port}")
    yield {"source_labels": [f"{_META}namespace"], "target_label": "namespace"}
    if cluster.role != "service":
        yield {"source_labels": [f"{_META}pod_name"], "target_label": "pod"}


def _address(label: str, regex: str, address: str) -> Relabeling:
    return {"source_labels": [label], "regex": regex, "target_label": "__address__", "replacement": address}
