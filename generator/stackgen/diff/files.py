"""Which reader understands which file. A new kind of output adds one function and one row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any, NamedTuple

from pydantic_core import PydanticCustomError

from stackgen.catalog import registry
from stackgen.diff import alertmanager, cloudwatch, dashboards, rules
from stackgen.diff.fact import Fact, Key
from stackgen.diff.read import documents, facts_of, items, mapping, said
from stackgen.emitters.prometheus.configuration import SCRAPE_TIMEOUT
from stackgen.spec.scalars import Duration

Found = Iterator[tuple[Key, Fact]]
Reader = Callable[[str, str], Found]


def prometheus(path: str, text: str) -> Found:
    """prometheus.yml: how often is looked, and where."""
    for document in map(mapping, documents(path, text)):
        times = dict(mapping(document.get("global")))
        if seconds(times.get("scrape_timeout")) == min(seconds(times.get("scrape_interval")), SCRAPE_TIMEOUT):
            times.pop("scrape_timeout", None)  # follows from the interval
        labels = mapping(times.pop("external_labels", None))
        yield from facts_of({**times, **{f"label {k}": v for k, v in labels.items()}}, "", path).items()
        for job in map(mapping, items(document.get("scrape_configs"))):
            subject = f"scrape job {job.get('job_name')}"
            targets = [t for config in items(job.get("static_configs")) for t in items(mapping(config).get("targets"))]
            yield Key(subject, "", ""), Fact(value=", ".join(map(said, targets)), files=(path,), kind="presence")
            yield Key(subject, "", "targets"), Fact(value="\n".join(map(said, targets)), files=(path,), kind="members")
            rest = {k: v for k, v in job.items() if k not in ("job_name", "static_configs")}
            yield from facts_of(rest, subject, path).items()
        rest = {k: v for k, v in document.items() if k not in ("global", "scrape_configs")}
        yield from facts_of(rest, path, path).items()


def seconds(text: object) -> Fraction:
    """A duration of a configuration in seconds; 0 for what is none."""
    try:
        return Duration.of(text).seconds if isinstance(text, str) else Fraction(0)
    except PydanticCustomError:
        return Fraction(0)


def exporter(path: str, text: str) -> Found:
    """exporters/<source>.yml: how a source is started. Where it is scraped stands in prometheus.yml."""
    subject = path.rpartition("/")[2].removesuffix(".yml")
    for document in map(mapping, documents(path, text)):
        yield from _started(document, subject, path)
        own = {k: v for k, v in document.items() if k not in ("image", "command", "scraped_at", "metrics_path")}
        yield from facts_of(own, subject, path).items()


def _started(program: dict[str, Any], subject: str, path: str) -> Found:
    """An exporter's image and flags, in the same words wherever it is started from."""
    yield Key(subject, "", ""), Fact(value=said(program.get("image")), files=(path,), kind="presence", group="exporter")
    yield Key(subject, "", "image"), Fact(value=said(program.get("image")), files=(path,))
    flags: dict[str, list[str]] = {}
    for argument in map(said, items(program.get("command"))):
        flag, _, value = argument.partition("=")
        flags.setdefault(flag, []).append(value.replace(",", "\n"))
    for flag, values in flags.items():
        yield Key(subject, "", flag), Fact(value="\n".join(values), files=(path,), kind="members")


def compose(path: str, text: str) -> Found:
    """docker-compose.yml: services by name; those that start an exporter say the same as exporters/ does."""
    exporters = {source.job: source.id for source in registry.sources().values() if source.launch}
    for document in map(mapping, documents(path, text)):
        for name, service in mapping(document.get("services")).items():
            subject, own = f"service {name}", mapping(service)
            if name in exporters:
                yield from _started(own, exporters[name], path)
                own = {k: v for k, v in own.items() if k not in ("image", "command")}
            else:
                yield Key(subject, "", ""), Fact(value=said(own.get("image")), files=(path,), kind="presence")
            for key, fact in facts_of(own, subject, path).items():
                yield key, replace(fact, follows=exporters.get(name, ""))
        rest = {key: value for key, value in document.items() if key != "services"}
        yield from facts_of(rest, path, path).items()


def structured(path: str, text: str) -> Found:
    """Any other YAML or JSON, by path."""
    found = documents(path, text)
    for number, document in enumerate(found):
        name = mapping(mapping(document).get("metadata")).get("name") or number
        kind = mapping(document).get("kind", "document")
        whole = path if len(found) == 1 else f"{path} {kind} {name}"
        yield Key(whole, "", ""), Fact(value="", files=(path,), kind="presence")
        yield from facts_of(document, whole, path).items()


def lines(path: str, text: str) -> Found:
    """Any other text: only how many lines differ."""
    yield Key(path, "", ""), Fact(value="", files=(path,), kind="presence")
    yield Key(path, "", "lines"), Fact(value=text, files=(path,), kind="lines")


def nothing(path: str, text: str) -> Found:
    """A file that follows from what other files say: it is only counted."""
    del path, text
    yield from ()


class Row(NamedTuple):
    """Files of one form and the reader for them."""

    pattern: str
    reader: Reader


TABLE = (
    Row("prometheus/rules/*.yml", rules.read),
    Row("logs/loki/rules/*.yaml", rules.read),
    Row("prometheus/tests/*", nothing),
    Row("alertmanager/tests/*", nothing),
    Row("alertmanager/alertmanager.yml", alertmanager.read),
    Row("prometheus/prometheus.yml", prometheus),
    Row("exporters/*.yml", exporter),
    Row("grafana/dashboards/*.json", dashboards.read),
    Row("grafana/provisioning/datasources/*.yml", dashboards.datasources),
    Row("docker-compose.yml", compose),
    Row("logs/cloudwatch/*", cloudwatch.read),
    Row("docs/*", nothing),
    Row("runbooks/*", nothing),
    Row("demo/*", nothing),
    Row("*.yml", structured),
    Row("*.yaml", structured),
    Row("*.json", structured),
    Row("*", lines),
)
"""The first row whose pattern fits is used; `*` also matches slashes."""


def reader(path: str) -> Reader:
    """What understands the file."""
    return next(row.reader for row in TABLE if fnmatchcase(path, row.pattern))
