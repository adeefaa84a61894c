"""Rules across fields of stack.yaml. Each is a small function that yields Faults: the guilty value's path, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import NamedTuple

from stackgen.catalog import entries, images
from stackgen.catalog.entries import Entries
from stackgen.catalog.source import Source
from stackgen.document import Trail, shown
from stackgen.spec.model import StackSpec
from stackgen.spec.sources import SourceSpec

COMPONENTS = frozenset(image.component for image in images.IMAGES)
"""Programs in the generated files whose version a person may change, besides the sources."""

RESERVED_LABELS = frozenset(
    {"alertname", "alertstate", "environment", "owner", "severity", "signal", "stack"}  # what every alert carries
    | {
        "alarm",
        "entry",
        "integration",
        "missing",
        "program",
        "queue",
        "rule_group",
        "source",
        "task",
        "timeout",
        "witness",
        "worker",
    }
)
"""Labels that alerts already have: those of every one, and those that say what a signal is about."""
_READ = frozenset({"exception", "family", "hold", "hostname", "instance", "job", "le", "name", "queue_name", "state"})
"""Labels that rules read or make beside these, so that they tell no copies."""
MOST_COPIES = 32
"""Each has its own series in rules and in every generated test."""

REFUSED = {
    "celery-prometheus-exporter": "after one restart of the broker its queue length never changes again",
    "ovalmoney": "OvalMoney's exporter is abandoned, knows no queue length and needs Python 3.8 or older",
}
"""Exporters that must not be used, and what they do wrong (seen in the lab: reference/exporters.md, 1 and 3)."""


class Fault(NamedTuple):
    """A rule that is broken. `at_key`: the key of the path is guilty, not its value. `other`: what it contradicts."""

    path: Trail
    rule: str
    message: str
    hint: str = ""
    at_key: bool = False
    other: Trail = ()


def nearest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint that names the most similar known word; no hint is better than a wrong one."""
    from difflib import SequenceMatcher, get_close_matches  # of use to a wrong file only

    word = word[:100]
    for found in get_close_matches(word, list(known), n=3, cutoff=0.6):
        if found[0] == word[0] or SequenceMatcher(None, word, found).ratio() >= 0.8:
            return f"did you mean {shown(found)}?"
    return otherwise


def check(spec: StackSpec, sources: Mapping[str, Source]) -> Iterator[Fault]:
    """Every broken rule that does not concern a signal; those are in thresholds.py."""
    yield from _labels(spec)
    yield from _copies(spec)
    yield from _broker(spec)
    yield from _queues(spec, sources)
    yield from _wildcards(spec)
    yield from _ignored(spec)
    yield from _sources(spec, sources)
    yield from _components(spec, sources)


def _labels(spec: StackSpec) -> Iterator[Fault]:
    for name in spec.stack.labels:
        if name in RESERVED_LABELS:
            reason = f"the label {shown(name)} is already used by alerts or by Prometheus"
            yield Fault(("stack", "labels", name), "reserved-label", reason, f"call it my_{name}", at_key=True)


def _copies(spec: StackSpec) -> Iterator[Fault]:
    copies, at = spec.stack.copies, ("stack", "copies")
    listed = [name for name, values in copies.items() if values]
    for name, values in copies.items():
        path: Trail = (*at, name)
        if name in RESERVED_LABELS | _READ:
            reason = f"the label {shown(name)} is already used by rules or alerts"
            yield Fault(path, "copy-label", reason, "such as cluster, namespace or region", at_key=True)
        if name in spec.stack.labels:
            reason = f"{shown(name)} tells copies apart, and `labels` gives all of them one value"
            yield Fault(("stack", "labels", name), "copy-label", reason, "remove one of the two", True, path)
        for i, source in enumerate(spec.sources):
            if name in source.labels:
                reason = f"{shown(name)} tells copies apart, and this source is taken from one of them only"
                yield Fault(("sources", i, "labels", name), "copy-label", reason, "remove one of the two", True, path)
        for i, value in enumerate(values):
            if value in values[:i]:
                yield Fault((*path, i), "duplicate-copy", f"the copy {shown(value)} is listed twice", "remove one")
        if listed and not values:
            reason = f"expected the values of {shown(name)} as well, since {shown(listed[0])} has its own"
            hint = "every combination is a copy; write values for all labels or for none"
            yield Fault(path, "copy-values", reason, hint, at_key=True, other=(*at, listed[0]))
    if spec.namespace and "namespace" in copies:
        reason = "every alert carries the namespace of the objects on Kubernetes"
        yield Fault((*at, "namespace"), "copy-label", reason, "tell copies by another label", at_key=True)
    unlabelled = next((s.name for s in spec.sources if not _labelled(s)), None)
    if copies and unlabelled and not spec.shares("prometheus"):
        reason = f"the generated prometheus.yml would scrape {unlabelled} without the label {next(iter(copies))}"
        hint = f"name a file that has it, targets: [file:/etc/prometheus/{unlabelled}.json], or shared: [prometheus]"
        yield Fault(at, "copy-targets", reason, hint, at_key=True)
    if listed and prod(map(len, copies.values())) > MOST_COPIES:
        reason = f"expected at most {MOST_COPIES} copies, got {prod(map(len, copies.values()))}"
        yield Fault(at, "many-copies", reason, "name the labels without values: {cluster: }", at_key=True)


def _labelled(source: SourceSpec) -> bool:
    """Whether its targets may have labels of their own, which only lists of targets in files can give them."""
    return bool(source.targets) and all(target.startswith("file:") for target in source.targets or ())


def _broker(spec: StackSpec) -> Iterator[Fault]:
    broker = spec.celery.broker
    if broker.url_env and broker.url_file:
        reason = "expected either url_env or url_file, got both"
        path = ("celery", "broker", "url_file")
        yield Fault(path, "broker-address", reason, "keep one of the two", True, (*path[:2], "url_env"))
    at: Trail = ("celery", "broker")
    for key, kind in (
        ("database", "redis"),
        ("cluster", "redis"),
        ("transport_options", "redis"),
        ("vhost", "rabbitmq"),
    ):
        if key in broker.model_fields_set and broker.kind != kind:
            reason = f"{key} is {kind}'s, and celery.broker.kind is {broker.kind}"
            hint = "RabbitMQ has vhost" if kind == "redis" else "Redis has database"
            yield Fault((*at, key), "other-broker", reason, hint, True, (*at, "kind"))
    if broker.cluster and broker.database:
        reason = f"a Redis Cluster has database 0 only, got {broker.database}"
        yield Fault((*at, "database"), "cluster", reason, "remove one of the two", other=(*at, "cluster"))
    if broker.cluster and broker.transport_options.master_name:
        reason = "Redis is either a Cluster or behind Sentinel, not both"
        place = (*at, "transport_options", "master_name")
        yield Fault(place, "cluster", reason, "remove one of the two", other=(*at, "cluster"))
    if broker.tls and (broker.tls.cert_file is None) != (broker.tls.key_file is None):
        key, other = ("cert_file", "key_file") if broker.tls.cert_file else ("key_file", "cert_file")
        yield Fault((*at, "tls", key), "tls-pair", f"expected {other} as well", f"add {other}", at_key=True)


def _queues(spec: StackSpec, sources: Mapping[str, Source]) -> Iterator[Fault]:
    listed = (source.name for source in spec.sources if source.name in sources)
    by_comma = next((name for name in listed if sources[name].names_by_comma), None)
    for kind, names in (("queues", spec.queues), ("tasks", spec.tasks)):
        for name in names:
            if entries.meant(name) and not entries.well_formed(name):
                reason = f"expected a name, or one * at its start or end, got {shown(name)}"
                hint = "such as tenant-*; what holds for all stands under `thresholds`"
                yield Fault((kind, name), "pattern", reason, hint, at_key=True)
    if not Entries(spec.queues).names:
        reason = "expected the name of at least one queue, got patterns only"
        yield Fault(("queues",), "only-patterns", reason, "exporters ask for queues by name; add one", at_key=True)
    yield from _dead(Entries(spec.queues), spec)
    for name, task in spec.tasks.items():
        if task.weekdays and task.period is None:
            reason = "days say which time counts towards a period, and this task has none"
            yield Fault(("tasks", name, "weekdays"), "no-period", reason, "add period, such as 25h", at_key=True)
    for name, queue in spec.queues.items():
        path = ("queues", name)
        if "," in name and by_comma:
            reason = f"{by_comma}'s list of queues is separated by commas, and this name has one"
            yield Fault(path, "comma", reason, "rename the queue, or use another source", at_key=True)
        if queue.role == "dead_letter" and queue.min_workers is not None:
            reason = "no worker consumes a dead letter queue, so it cannot have too few"
            hint = "remove min_workers, or the role"
            yield Fault((*path, "min_workers"), "dead-letter", reason, hint, True, (*path, "role"))


def _dead(known: Entries, spec: StackSpec) -> Iterator[Fault]:
    """Rules leave dead letter queues out by a pattern, from which nothing can be taken away again."""
    for pattern in known.patterns:
        winning = known.winning(pattern) if spec.queues[pattern].role == "dead_letter" else ()
        other = next((name for name in winning if spec.queues[name].role != "dead_letter"), None)
        if other is not None:
            reason = f"all that {shown(pattern)} means are dead letter queues, and {shown(other)} is none"
            path: Trail = ("queues", pattern, "role")
            hint = "a longer pattern wins: write more of the names into it"
            yield Fault(path, "dead-letter", reason, hint, other=("queues", other))


def _wildcards(spec: StackSpec) -> Iterator[Fault]:
    for kind, patterns in (("tasks", spec.ignore.tasks), ("queues", spec.ignore.queues)):
        for i, pattern in enumerate(patterns):
            if not entries.well_formed(pattern):
                reason = f"expected a name, or one * at its start or end, got {shown(pattern)}"
                yield Fault(("ignore", kind, i), "wildcard", reason, "such as shop.debug.* or *.pidbox")


def _ignored(spec: StackSpec) -> Iterator[Fault]:
    tasks = [name for name, task in spec.tasks.items() if task.period is not None or task.thresholds]
    for kind, patterns, names in (("tasks", spec.ignore.tasks, tasks), ("queues", spec.ignore.queues, spec.queues)):
        for i, pattern in enumerate(patterns):
            fits = (name for name in names if entries.matches(pattern, name))
            name = next(fits, None) if entries.well_formed(pattern) else None
            if name is not None:
                reason = f"{shown(pattern)} is ignored, but {shown(name)} under `{kind}` is to be watched"
                path: Trail = ("ignore", kind, i)
                yield Fault(path, "ignored-and-watched", reason, "remove one of the two", other=(kind, name))


def _sources(spec: StackSpec, sources: Mapping[str, Source]) -> Iterator[Fault]:
    known = sorted(name for name, source in sources.items() if not source.always)
    seen: set[str] = set()
    for i, chosen in enumerate(spec.sources):
        path: Trail = ("sources", i)
        plain, name = chosen.name, (*path, "name")
        if plain in REFUSED:
            yield Fault(name, "refused-source", f"{plain} is refused: {REFUSED[plain]}", "use celery-exporter")
        elif plain == "celery-exporter" and (chosen.version or "").startswith(("1.", "2.")):
            hint = 'that is another program of the same name; use a version such as "0.12.2", or remove it'
            yield Fault(
                (*path, "version"),
                "refused-source",
                f"version {chosen.version} is refused: {REFUSED['ovalmoney']}",
                hint,
            )
        elif plain not in known:
            yield Fault(
                name,
                "unknown-source",
                f"no source named {shown(plain)}",
                _source_called(plain, sources) or nearest(plain, known, f"known: {', '.join(known)}"),
            )
        elif plain in seen:
            yield Fault(
                name,
                "duplicate-source",
                f"the source {shown(plain)} is listed twice",
                "give all its addresses in one `targets`",
            )
        else:
            seen.add(plain)
            yield from _source(spec, path, sources[plain], i)


def _source_called(name: str, sources: Mapping[str, Source]) -> str:
    """A hint for the name of a source's job, container or image, which people know better."""
    for own, source in sources.items():
        images_ = {image.name.rpartition("/")[2] for image in source.versions.values()}
        if not source.always and name.replace("_", "-") in {source.job, source.host, *images_}:
            return f"here it is called {shown(own)}"
    return ""


def _source(spec: StackSpec, path: Trail, source: Source, position: int) -> Iterator[Fault]:
    chosen, kind = spec.sources[position], spec.celery.broker.kind
    if source.broker and source.broker != kind:
        reason = f"the source {chosen.name} measures {source.broker}, and celery.broker.kind is {kind}"
        hint = f"remove it, or set celery.broker.kind to {source.broker}"
        yield Fault((*path, "name"), "wrong-broker", reason, hint, other=("celery", "broker", "kind"))
    versions = list(source.versions)
    if chosen.version is not None and versions and chosen.version not in versions:
        reason = f"version {chosen.version} of {chosen.name} is not known"
        yield Fault((*path, "version"), "unknown-version", reason, f"known: {', '.join(versions)}")
    if chosen.kubernetes and chosen.targets:
        reason = "expected either targets or kubernetes, got both"
        yield Fault((*path, "kubernetes"), "two-places", reason, "keep one of the two", True, (*path, "targets"))
    elif chosen.kubernetes and spec.wants("compose") and not spec.shares("prometheus"):
        reason = "the Prometheus of docker-compose runs in no cluster, and finds nothing there"
        hint = "list outputs without compose, or say shared: [prometheus]"
        yield Fault((*path, "kubernetes"), "no-cluster", reason, hint, True)


def _components(spec: StackSpec, sources: Mapping[str, Source]) -> Iterator[Fault]:
    known = sorted({*COMPONENTS, *sources})
    for name in spec.versions:
        if name not in known:
            hint = nearest(name, known, f"known: {', '.join(known)}")
            yield Fault(("versions", name), "unknown-component", f"no component named {shown(name)}", hint, at_key=True)
