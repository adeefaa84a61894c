"""prometheus/: the server's configuration and one file for each group of rules."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.artefact import Artefact
from stackgen.catalog import promql
from stackgen.catalog.source import Source
from stackgen.emitters.prometheus import discovery
from stackgen.resolve.plan import Plan, Scraped
from stackgen.rules.build import groups, printed
from stackgen.rules.model import Group, Recording
from stackgen.rules.plain import laid_out


def artefacts(plan: Plan) -> list[Artefact]:
    """prometheus.yml, or what is merged into that of others, and the rule files."""
    return [_config(plan), *_rules(plan)]


def _config(plan: Plan) -> Artefact:
    if plan.spec.shares("prometheus"):
        return Artefact(
            path="prometheus/scrape.yml",
            template="prometheus/scrape.yml.j2",
            syntax="yaml",
            context={"jobs": [job for scraped in plan.scraped for job in _jobs(scraped, plan)]},
        )
    return Artefact(
        path="prometheus/prometheus.yml",
        template="prometheus/prometheus.yml.j2",
        syntax="yaml",
        context={
            "scrape_interval": promql.seconds(plan.site.scrape),
            "scrape_timeout": promql.seconds(plan.site.scrape_timeout),
            "evaluation_interval": promql.seconds(plan.site.evaluation),
            "stack": plan.spec.stack.name,
            "environment": plan.spec.stack.environment,
            "alertmanagers": list(plan.spec.prometheus.alertmanagers),
            "jobs": [job for scraped in plan.scraped for job in _jobs(scraped, plan)],
        },
    )


def _params(source: Source, plan: Plan) -> dict[str, tuple[str, ...]]:
    vhost = plan.site.corner.vhost
    narrowed = {source.vhost_param: (vhost,)} if source.vhost_param and vhost is not None else {}
    return {**source.params, **narrowed}


def _jobs(scraped: Scraped, plan: Plan) -> Iterator[dict[str, object]]:
    """The job of a source, and that of its second page, of which what is kept counts as the source's."""
    first, beside = _job(scraped, plan), scraped.source.beside
    yield first
    if beside:
        why = f"{scraped.source.title}, its other page; its metrics are the source's."
        relabelings = discovery.relabelings(scraped, beside.job if plan.spec.shares("prometheus") else None) or None
        page = {"name": _name(beside.job, plan), "path": beside.path, "params": None, "relabelings": relabelings}
        yield {**first, **page, "why": why, "kept": beside.keeps, "job": scraped.job}


def _name(job: str, plan: Plan) -> str:
    """What a job is called: beside those of other stacks in one Prometheus no name may come twice."""
    return f"{plan.site.slug}/{job}" if plan.spec.shares("prometheus") else job


def _job(scraped: Scraped, plan: Plan) -> dict[str, object]:
    source, shared = scraped.source, plan.spec.shares("prometheus")
    return {
        "why": f"{source.title}: {source.link}",
        "name": _name(scraped.job, plan),
        "path": scraped.path,
        "params": [(name, list(values)) for name, values in _params(source, plan).items()] or None,
        **discovery.places(scraped),
        "relabelings": discovery.relabelings(scraped, scraped.job if shared else None) or None,
        "dropped": ".+_created",
        "kept": source.keeps,
        "job": None,
    }


def _rules(plan: Plan) -> Iterator[Artefact]:
    """One file for each group."""
    for group in groups(plan):
        context = {"groups": [_group(group)]}
        yield Artefact(path=group.path, template="prometheus/rules.yml.j2", syntax="yaml", context=context)


def _group(group: Group) -> dict[str, object]:
    return {
        "name": group.name,
        "interval": promql.seconds(group.interval),
        "recordings": [_recording(rule) for rule in group.recordings],
        "alerts": [printed(rule, laid_out(rule.expr)) for rule in group.alerts],
    }


def _recording(rule: Recording) -> dict[str, object]:
    return {
        "why": rule.why or None,
        "record": rule.record,
        "expr": laid_out(rule.expr),
        "labels": dict(rule.labels) or None,
    }
