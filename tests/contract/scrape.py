"""Real scrapes as data, and PromQL evaluated over series by the real promtool."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stackgen.catalog import registry
from stackgen.document import Document
from stackgen.load import load
from stackgen.resolve.plan import Plan
from stackgen.resolve.resolver import resolve
from stackgen.spec import parse

SCRAPES = Path(__file__).resolve().parents[1] / "scrapes"
MOMENT = "25m"
_LINE = re.compile(r"([\w:]+)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_GOT = re.compile(r"(\{[^{}]*\}|[\w:]+\{[^{}]*\}) (\S+?)(?:,|$)", re.MULTILINE)


@dataclass(frozen=True)
class Sample:
    """One line of a scrape."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Scrape:
    """One answer of one exporter."""

    types: Mapping[str, str]
    samples: tuple[Sample, ...]

    def of(self, name: str) -> list[Sample]:
        """The samples of one name."""
        return [sample for sample in self.samples if sample.name == name]


def read(name: str) -> Scrape:
    """The scrape in tests/scrapes/<name>.prom."""
    return parsed((SCRAPES / f"{name}.prom").read_text())


def parsed(text: str) -> Scrape:
    """An exporter's answer."""
    types, samples = {}, []
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split()
            types[family] = kind
        elif match := _LINE.fullmatch(line):
            samples.append(Sample(match[1], dict(_LABEL.findall(match[2] or "")), float(match[3])))
    return Scrape(types, tuple(samples))


def names(prefix: str) -> list[str]:
    """Every scrape whose file name begins so."""
    return sorted(path.stem for path in SCRAPES.glob(f"{prefix}*.prom"))


def evidence(source: str, version: str = "") -> list[str]:
    """The scrapes of a source, found by their names: <source>-…, or <source>-<version>-… of one version.

    A name belongs to the longest id that it begins with: redis-… is not a scrape of a source called red.
    """
    found = names(f"{source}-{version}-" if version else f"{source}-")
    longer = tuple(f"{other}-" for other in registry.sources() if other.startswith(f"{source}-"))
    return [name for name in found if not name.startswith(longer)]


def at_work(source: str) -> str:
    """The scrape of a source under load; its last where none is called so."""
    found = evidence(source)
    return ([name for name in found if name.endswith("-load")] or found)[-1]


def planned(folder: Path, text: str) -> tuple[Plan, Document]:
    """The plan of a stack.yaml with this text."""
    path = folder / "stack.yaml"
    path.write_text(text)
    document = load(path)
    return resolve(parse(document), document), document


def series(samples: Iterable[Sample], job: str, growth: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    """promtool's input series: each sample as it was scraped every 30 s for half an hour, from one target that is up.

    A name in `growth` grows from sample to sample by the number given.
    """
    target = {"job": job, "instance": f"{job}:1"}
    fed = [{"series": f"up{_braced(target)}", "values": "1x60"}]
    for sample in samples:
        step = (growth or {}).get(sample.name, "0")
        fed.append(
            {"series": sample.name + _braced({**sample.labels, **target}), "values": f"{sample.value!r}+{step}x60"}
        )
    return fed


def _braced(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def evaluate(
    promtool: Path,
    folder: Path,
    rules: Sequence[object],
    fed: Sequence[object],
    query: str,
    *,
    at: str = MOMENT,
    every: str = "30s",
) -> dict[tuple[tuple[str, str], ...], float]:
    """What `query` gives at a moment, with rules evaluated so often: labels (without the name) -> value.

    promtool says what it got when it is told to expect nothing. It evaluates all groups alike, whatever their interval.
    """
    (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "interval": every, "rules": rules}]}))
    test = {
        "interval": "30s",
        "input_series": fed,
        "promql_expr_test": [{"expr": query, "eval_time": at, "exp_samples": []}],
    }
    content = {"rule_files": ["rules.yml"], "evaluation_interval": every, "tests": [test]}
    (folder / "test.yml").write_text(json.dumps(content))
    done = subprocess.run(
        [promtool, "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return {}
    got = done.stderr.rpartition("got:")[2]
    found = {
        tuple(sorted((k, v) for k, v in _LABEL.findall(labels) if k != "__name__")): float(value)
        for labels, value in _GOT.findall(got)
    }
    assert found, done.stderr
    return found
