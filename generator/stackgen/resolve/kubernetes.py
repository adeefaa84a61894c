"""Where each source is found on Kubernetes, and what of stack.yaml cannot be had there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stackgen.catalog import registry
from stackgen.catalog.launch import Launch
from stackgen.document import Document, Trail, shown
from stackgen.problem import Problem
from stackgen.resolve.plan import Plan, Scraped
from stackgen.spec.checks import nearest
from stackgen.spec.kubernetes import Discovery
from stackgen.spec.model import SHARED, StackSpec
from stackgen.spec.sources import SourceSpec

_UNKNOWN = "no source is called so"
_OUTPUTS, _KUBERNETES = ("outputs",), ("kubernetes",)


@dataclass(frozen=True)
class Started:
    """A program that the objects start."""

    scraped: Scraped
    launch: Launch
    image: str
    monitored: bool = True
    """Whether Prometheus scrapes it: Flower may be wanted for people only."""

    @property
    def port(self) -> int:
        """Where it answers."""
        return self.launch.port or self.scraped.source.port


def namespaced(spec: StackSpec) -> StackSpec:
    """The spec whose alerts carry their namespace, without which the operator's routes take none of them."""
    if not spec.namespace:
        return spec
    labels = {**spec.stack.labels, "namespace": spec.namespace}
    return spec.model_copy(update={"stack": spec.stack.model_copy(update={"labels": labels})})


def started(plan: Plan) -> Iterator[Started]:
    """What runs in pods of ours, in the order of `sources`; then what `outputs` names and nobody scrapes."""
    here = [one for one in plan.scraped if _written(one, plan) and not one.elsewhere]
    for scraped in here:
        launch = _launch(scraped, plan)
        if launch and not _found(scraped, plan):
            yield Started(scraped, launch, _image(scraped, launch, plan))
    for source in registry.sources().values():
        if source.output and source.output in (plan.spec.outputs or ()) and not any(s.source is source for s in here):
            scraped = Scraped(source, next(iter(source.versions), ""), (source.target,), source.path)
            launch = _launch(scraped, plan)
            if launch and not source.off(plan.site.facts):
                yield Started(scraped, launch, _image(scraped, launch, plan), monitored=False)


def in_pods(plan: Plan) -> Iterator[tuple[Scraped, Discovery]]:
    """Sources that run in pods of others, and how these are found."""
    return ((scraped, scraped.kubernetes) for scraped in plan.scraped if scraped.kubernetes)


def outside(plan: Plan) -> Iterator[Scraped]:
    """Sources whose addresses stack.yaml names."""
    return (one for one in plan.scraped if one.elsewhere and not one.kubernetes and not _found(one, plan))


def problems(plan: Plan, document: Document) -> Iterator[Problem]:
    """What stack.yaml wants and cannot be had on Kubernetes."""
    spec = plan.spec
    if not spec.wants("kubernetes"):
        return
    if spec.wants("compose"):
        message = "docker-compose.yml brings its own Prometheus, and kubernetes takes the operator's"
        hint = "one of the two; the other stands in an overlay: extends: stack.yaml"
        yield Problem(document.key_mark(_OUTPUTS), "two-homes", "outputs", message, hint)
    if missing := [name for name in SHARED if not spec.shares(name)]:
        message = f"with kubernetes {' and '.join(missing)} cannot be ours: the operator runs them"
        yield Problem(document.key_mark(("shared",)), "not-shared", "shared", message, "remove the line")
    yield from _sources(plan, document)
    yield from _names(plan, document)
    if spec.kubernetes.routing in ("namespaced", "global"):
        for i, mute in enumerate(spec.alerting.mute):
            if mute.location != "UTC":
                path: Trail = ("alerting", "mute", i, "location")
                message = f"an AlertmanagerConfig (v1alpha1) knows UTC only, got {shown(mute.location)}"
                hint = "write the times in UTC, or kubernetes.routing: secret"
                yield Problem(document.mark(path), "time-zone", ".".join(map(str, path)), message, hint)


def notices(plan: Plan, document: Document) -> list[Problem]:
    """Settings that nothing reads."""
    if "kubernetes" not in plan.spec.model_fields_set or plan.spec.wants("kubernetes"):
        return []
    message, hint = "no objects are made of it", "name the kind: outputs: [kubernetes, runbooks]"
    return [Problem(document.key_mark(_KUBERNETES), "kubernetes-unused", "kubernetes", message, hint, "notice")]


def _sources(plan: Plan, document: Document) -> Iterator[Problem]:
    """Every listed source must be found somewhere."""
    places = {name: ("sources", i) for i, name in enumerate(source.name for source in plan.spec.sources)}
    for scraped in plan.scraped:
        name = scraped.source.id
        if name not in places or _found(scraped, plan) or (scraped.elsewhere and not scraped.kubernetes):
            continue
        mark, where = document.mark(document.walk(places[name])[0]), ".".join(map(str, places[name]))
        if scraped.kubernetes:
            if scraped.kubernetes.role != "pod":
                message = f"a PodMonitor finds pods, not {scraped.kubernetes.role}s"
                yield Problem(mark, "no-pods", where, message, "say by which labels the pods are found, without role")
            continue
        launch = _launch(scraped, plan)
        if launch is None:
            message = f"nothing says where {name} runs in the cluster"
            hint = f"{{name: {name}, kubernetes: {{selector: app=…}}}}; or `targets`, or `job` and `labels`"
            yield Problem(mark, "no-pods", where, message, hint)
        elif launch.image.build and name not in plan.spec.kubernetes.images:
            message = f"{name} needs an image that has Celery in it"
            hint = f"kubernetes.images.{name}: the image of your workers, with its tag"
            yield Problem(mark, "no-image", where, message, hint)


def _names(plan: Plan, document: Document) -> Iterator[Problem]:
    known = list(registry.sources())
    for name in plan.spec.kubernetes.images:
        if name not in known:
            path: Trail = ("kubernetes", "images", name)
            hint = nearest(name, known, f"known: {', '.join(known)}")
            yield Problem(document.key_mark(path), "unknown-source", ".".join(map(str, path)), _UNKNOWN, hint)


def _written(scraped: Scraped, plan: Plan) -> SourceSpec | None:
    return next((one for one in plan.spec.sources if one.name == scraped.source.id), None)


def _found(scraped: Scraped, plan: Plan) -> bool:
    """Whether others scrape it, or it is theirs altogether."""
    written = _written(scraped, plan)
    return scraped.shared or written is None or written.is_found


def _launch(scraped: Scraped, plan: Plan) -> Launch | None:
    """How it is started in a pod; None for what needs the host, or what others start."""
    launch = scraped.source.launch and scraped.source.launch(plan.site, scraped.version)
    on_host = launch and (launch.sees_processes or launch.sees_cgroups or "engine" in launch.networks)
    return launch if launch and not on_host else None


def _image(scraped: Scraped, launch: Launch, plan: Plan) -> str:
    return plan.spec.kubernetes.images.get(scraped.source.id) or launch.image.reference(plan.site.tags)
