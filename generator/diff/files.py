"""Which reader understands which file. A new kind of output adds one function and one row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import NamedTuple

from pydantic_core import PydanticCustomError

from generator.diff import rules
from generator.diff.fact import Fact, Key
from generator.diff.read import documents, facts_of, items, mapping, said
from generator.emitters.prometheus import SCRAPE_TIMEOUT
from generator.spec.scalars import Duration

Found = Iterator[tuple[Key, Fact]]
Reader = Callable[[str, str], Found]


def prometheus(path: str, text: str) -> Found:
    """prometheus.yml: how often is looked, and where."""
    for document in map(mapping, documents(path, text)):
        times = dict(mapping(document.get("global")))
        if seconds(times.get("scrape_timeout")) == min(seconds(times.get("scrape_interval")), SCRAPE_TIMEOUT):
            del times["scrape_timeout"]  # follows from the interval
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
        image = said(document.get("image"))
        yield Key(subject, "", ""), Fact(value=image, files=(path,), kind="presence", group="exporter")
        for argument in map(said, items(document.get("command"))):
            flag, _, value = argument.partition("=")
            yield Key(subject, "", flag), Fact(value=value.replace(",", "\n"), files=(path,), kind="members")
        own = {k: v for k, v in document.items() if k not in ("command", "scraped_at", "metrics_path")}
        yield from facts_of(own, subject, path).items()


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
    Row("prometheus/tests/*", nothing),
    Row("prometheus/prometheus.yml", prometheus),
    Row("exporters/*.yml", exporter),
    Row("*.yml", structured),
    Row("*.yaml", structured),
    Row("*.json", structured),
    Row("*", lines),
)
"""The first row whose pattern fits is used; `*` also matches slashes."""


def reader(path: str) -> Reader:
    """What understands the file."""
    return next(row.reader for row in TABLE if fnmatchcase(path, row.pattern))
