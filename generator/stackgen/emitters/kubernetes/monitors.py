"""What tells the operator's Prometheus where to scrape: ServiceMonitor, PodMonitor, and ScrapeConfig for addresses.

Each target gets the job and whose it is by relabeling, for that is what the rules select by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from stackgen.catalog import promql
from stackgen.emitters.kubernetes.objects import Thing, named, thing
from stackgen.emitters.kubernetes.workloads import PORT, selected
from stackgen.resolve import kubernetes
from stackgen.resolve.plan import Plan, Scraped


def things(plan: Plan) -> Iterator[Thing]:
    """One object for each source that is scraped."""
    return (one for _, one in by_source(plan))


def pools(one: Mapping[str, Any]) -> list[str]:
    """What the operator calls the scrape jobs that it makes of an object."""
    name = f"{one['kind'][0].lower()}{one['kind'][1:]}/{one['metadata']['namespace']}/{one['metadata']['name']}"
    pages = one["spec"].get("endpoints") or one["spec"].get("podMetricsEndpoints")
    return [f"{name}/{number}" for number in range(len(pages))] if pages else [name]


def by_source(plan: Plan) -> Iterator[tuple[Scraped, Thing]]:
    """The objects, each with the source that is scraped by it."""
    for one in kubernetes.started(plan):
        if one.monitored:
            yield one.scraped, _service_monitor(one, plan)
    for scraped, pods in kubernetes.in_pods(plan):
        port = int(scraped.targets[0].rpartition(":")[2])
        body = {
            "selector": _selector(pods.selector),
            "namespaceSelector": {"matchNames": [pods.namespace]} if pods.namespace else {"any": True},
            "podMetricsEndpoints": _endpoints(scraped, {"portNumber": port}, plan),
        }
        why = f"{scraped.source.title}, in pods of yours: {scraped.source.link}"
        yield scraped, thing("PodMonitor", named(scraped.source.id, plan), {"spec": body}, plan, why)
    for scraped in kubernetes.outside(plan):
        why = f"{scraped.source.title}, at its addresses: {scraped.source.link}"
        page = _page(scraped, plan)
        # As monitors have it by themselves. Under enforcedNamespaceLabel every rule asks for it, and the operator
        # gives it to the metrics of a ScrapeConfig only, not to its `up`.
        spaced = [*page["relabelings"], {"targetLabel": "namespace", "replacement": str(plan.spec.namespace)}]
        body = {**_addresses(scraped), **page, "relabelings": spaced}
        yield scraped, thing("ScrapeConfig", named(scraped.source.id, plan), {"spec": body}, plan, why)


def _service_monitor(one: kubernetes.Started, plan: Plan) -> Thing:
    body = {
        "selector": {"matchLabels": selected(one, plan)},
        "namespaceSelector": {"matchNames": [plan.spec.namespace]},
        "endpoints": _endpoints(one.scraped, {"port": PORT}, plan),
    }
    why = f"{one.scraped.source.title}: {one.scraped.source.link}"
    return thing("ServiceMonitor", named(one.scraped.source.host, plan), {"spec": body}, plan, why)


def _selector(text: str) -> dict[str, Any]:
    """Labels as kubectl takes them, as objects have them."""
    found: list[dict[str, Any]] = []
    for one in text.split(","):
        name, sign, value = re.fullmatch(r"(!?[^!=]+)(=|==|!=)?([^=]*)", one).groups()  # type: ignore[union-attr]
        if sign:
            found.append({"key": name, "operator": "NotIn" if sign == "!=" else "In", "values": [value]})
        else:
            found.append({"key": name.lstrip("!"), "operator": "DoesNotExist" if name[0] == "!" else "Exists"})
    if all(one["operator"] == "In" for one in found):
        return {"matchLabels": {one["key"]: one["values"][0] for one in found}}
    return {"matchExpressions": found}


def _endpoints(scraped: Scraped, port: Mapping[str, str | int], plan: Plan) -> list[dict[str, Any]]:
    """The page of a source, and its second one, of which what is kept counts as the source's."""
    page = _page(scraped, plan)
    first = {**port, "path": page.pop("metricsPath"), "interval": page.pop("scrapeInterval"), **page}
    beside = scraped.source.beside
    if beside is None:
        return [first]
    kept = [_named(beside.keeps, "keep"), {"targetLabel": "job", "replacement": scraped.job}]
    second = {
        **first,
        "path": beside.path,
        "relabelings": _whose(beside.job, scraped, plan),
        "metricRelabelings": kept,
    }
    return [first, {key: value for key, value in second.items() if key != "params"}]


def _page(scraped: Scraped, plan: Plan) -> dict[str, Any]:
    source, vhost = scraped.source, plan.site.corner.vhost
    params = {name: list(values) for name, values in source.params.items()}
    if source.vhost_param and vhost is not None:
        params[source.vhost_param] = [vhost]
    return {
        "metricsPath": scraped.path,
        **({"params": params} if params else {}),
        "scrapeInterval": promql.seconds(plan.site.scrape),
        "scrapeTimeout": promql.seconds(plan.site.scrape_timeout),
        "relabelings": _whose(scraped.job, scraped, plan),
        # prometheus_client adds a _created series to each counter: no rule or panel reads them.
        "metricRelabelings": [_named(source.keeps, "keep") if source.keeps else _named(".+_created", "drop")],
    }


def _named(regex: str, action: str) -> dict[str, Any]:
    """What becomes of metrics with such names."""
    return {"sourceLabels": ["__name__"], "regex": regex, "action": action}


def _whose(job: str, scraped: Scraped, plan: Plan) -> list[dict[str, str]]:
    """Labels of the targets, by which the rules find them."""
    told = plan.site.told[scraped.source.job]
    labels = {**told.labels, "job": job}
    return [{"targetLabel": name, "replacement": _literal(value)} for name, value in labels.items()]


def _literal(text: str) -> str:
    """What a replacement must be to mean exactly this."""
    return text.replace("$", "$$")


def _addresses(scraped: Scraped) -> dict[str, Any]:
    fixed = [t for t in scraped.targets if not t.startswith(("dns:", "file:"))]
    names = [t.split(":") for t in scraped.targets if t.startswith("dns:")]
    files = [t.removeprefix("file:") for t in scraped.targets if t.startswith("file:")]
    found = [{"names": [host], "type": "A", "port": int(port), "refreshInterval": "15s"} for _, host, port in names]
    return {
        **({"staticConfigs": [{"targets": fixed}]} if fixed else {}),
        **({"dnsSDConfigs": found} if found else {}),
        **({"fileSDConfigs": [{"files": files}]} if files else {}),
    }
