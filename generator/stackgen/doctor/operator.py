"""What the Prometheus Operator made of a stack's objects: a scrape job of each page of a monitor, a group of each rule.

It says nothing of an object that it does not select, or that selects nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from stackgen.doctor import http
from stackgen.doctor.finding import Finding
from stackgen.doctor.seen import Pool, Seen, alerts, fed_by
from stackgen.emitters.kubernetes import monitors, rules
from stackgen.resolve.plan import Plan
from stackgen.rules.build import groups
from stackgen.rules.plain import plain

APPLY = "kubectl apply --server-side -k output/kubernetes; the operator hands it on within two minutes"
_MOST = 5
Data = Mapping[str, Any]


def space(plan: Plan) -> str | None:
    """The namespace of the stack's objects, where it has any."""
    return plan.spec.namespace if plan.spec.wants("kubernetes") else None


def look(url: str, plan: Plan) -> dict[str, Pool] | None:
    """By name: the scrape jobs of this stack's monitors that Prometheus has; None where it does not tell.

    Raises Unreachable.
    """
    if not (wanted := {pool for _, one in _made(plan) for pool in monitors.pools(one)}):
        return None
    try:
        listed = http.ask(f"{url}/api/v1/scrape_pools")
    except http.Unreachable:  # what asks several Prometheus, such as Thanos Query, scrapes nothing itself
        return None
    there = wanted & set(listed.get("scrapePools") or ()) if isinstance(listed, Mapping) else set()
    active = Counter(str(target.get("scrapePool")) for target in _targets(url, "active"))
    return {pool: Pool(active[pool], 0 if active[pool] else _dropped(url, pool)) for pool in there}


def _dropped(url: str, pool: str) -> int:
    found = _targets(url, "dropped", scrapePool=pool)  # which old ones do not know
    return sum(target.get("discoveredLabels", {}).get("job") == pool for target in found)


def _targets(url: str, state: str, **more: str) -> list[Data]:
    answer = http.ask(f"{url}/api/v1/targets", state=state, **more)
    found = answer.get(f"{state}Targets") if isinstance(answer, Mapping) else None
    return found if isinstance(found, list) else []


def _made(plan: Plan) -> list[tuple[str, Data]]:
    """The source and the data of each monitor."""
    return [(scraped.source.id, one.data) for scraped, one in monitors.by_source(plan)] if space(plan) else []


def check(seen: Seen) -> Iterator[Finding]:
    """Monitors that find nothing, and rules that nobody evaluates."""
    for source, one in _made(seen.plan):
        yield from _monitor(source, one, seen)
    if missing := not_loaded(seen):
        objects = [f"{space(seen.plan)}/{rules.called(part)}" for parts in missing.values() for part in parts]
        more = f" and {len(objects) - _MOST} more" if len(objects) > _MOST else ""
        yield Finding(
            "rules-not-loaded",
            f"Prometheus has no rule of the PrometheusRule {', '.join(objects[:_MOST])}{more}",
            _taken("PrometheusRule", objects[0], "rule"),
            tuple(dict.fromkeys(s.alert for s in seen.plan.metric_signals if seen.plan.site.named(s.group) in missing)),
        )


def not_loaded(seen: Seen) -> dict[str, list[str]]:
    """By group: those of the groups that it is cut into of which Prometheus has nothing."""
    if seen.rules is None or not space(seen.plan):
        return {}
    parts = {group.name: [str(part["name"]) for part in rules.cut(plain(group))] for group in groups(seen.plan)}
    missing = {name: [part for part in some if part not in seen.groups] for name, some in parts.items()}
    return {name: some for name, some in missing.items() if some}


def untargeted(seen: Seen) -> set[str]:
    """Sources of which a monitor has no target."""
    return {source for source, one in _made(seen.plan) for _ in _monitor(source, one, seen)}


def _monitor(source: str, one: Data, seen: Seen) -> Iterator[Finding]:
    """What is wrong with the first of its pages that has no target."""
    there = seen.pools or {}
    empty = [name for name in monitors.pools(one) if name not in there or not there[name].targets]
    if seen.pools is None or not empty:
        return
    name, kind = f"{one['metadata']['namespace']}/{one['metadata']['name']}", one["kind"]
    if empty[0] in there:
        dropped = there[empty[0]].dropped
        found = f"it looked at {dropped} and kept none" if dropped else "it found nothing to look at"
        rule, what, fix = "monitor-empty", f"the {kind} {name} selects nothing: {found}", _selecting(one)
    else:
        rule, what = "monitor-missing", f"the {kind} {name} is no scrape job of this Prometheus: {empty[0]}"
        selector = f"{kind[0].lower()}{kind[1:]}"
        fix = _taken(kind, name, selector)
    yield Finding(rule, what, fix, alerts(seen.plan, fed_by(seen.plan, source)))


def _selecting(one: Data) -> str:
    """What must be there for the object to find something."""
    spec = one["spec"]
    if one["kind"] == "ScrapeConfig":
        return "see that the names under targets have an address in the cluster, and that its files are mounted"
    spaces = spec["namespaceSelector"].get("matchNames")
    where, selected = f"-n {spaces[0]}" if spaces else "-A", _selected(spec["selector"])
    may = f"and Prometheus may list these in {spaces[0] if spaces else 'every namespace'} (its Role)"
    if one["kind"] == "PodMonitor":
        port = spec["podMetricsEndpoints"][0]["portNumber"]
        return f"kubectl get pods {where} -l '{selected}' must show pods with {port} among a container's ports; {may}"
    port = spec["endpoints"][0]["port"]
    return (
        f"kubectl get services,endpointslices {where} -l '{selected}' must show a Service with a port named {port} "
        f"and ready addresses; {may}"
    )


def _selected(selector: Data) -> str:
    """Labels as kubectl takes them."""
    said = [f"{key}={text}" for key, text in selector.get("matchLabels", {}).items()]
    for each in selector.get("matchExpressions", ()):
        key, values = each["key"], "".join(each.get("values", ()))
        ways = {"In": f"{key}={values}", "NotIn": f"{key}!={values}", "Exists": key, "DoesNotExist": f"!{key}"}
        said.append(ways[each["operator"]])
    return ",".join(said)


def _taken(kind: str, name: str, selector: str) -> str:
    """What must be so for the operator to make something of an object."""
    where, _, short = name.partition("/")
    return (
        f"see that it is there: kubectl -n {where} describe {kind.lower()} {short}, whose events tell what the "
        f"operator refuses; then its labels (kubernetes.labels in stack.yaml) must be those of {selector}Selector of "
        f"the Prometheus, and its namespace one of {selector}NamespaceSelector"
    )
