"""What a person sees on a dashboard: each panel's legends, numbers with units, words and colours, of data by hand.

The queries are answered by the real promtool from shown.yaml, where each recorded series has a constant value; beside
each stands one of another stack, which no panel may show.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from stackgen.verify.tools import run

Json = Mapping[str, Any]
Series = dict[tuple[tuple[str, str], ...], float]
"""Labels without the name, and the value."""

DATA: Json = yaml.load(
    Path(__file__).with_name("shown.yaml").read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)
)
IDENTITY = 'stack="lab",environment="production"'
_ELSEWHERE = {'stack="lab",environment="staging"': 1000, 'stack="other",environment="production"': 0.001}
"""Other stacks, and by how much their numbers are larger."""
_SAMPLES = 140
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_GOT = re.compile(r"(\{[^{}]*\}|[\w:]+\{[^{}]*\}) (\S+?)(?:,|$)", re.MULTILINE)
_VARIABLES = {"$__range_s": "3600", "$__range": "1h", "$__rate_interval": "5m"}
_NOTHING = dict.fromkeys(("queue", "task", "worker", "source"), "")
"""What a mark's text leaves out where an alert has no such label."""
_MANY = re.compile(r"many-\d+")
"""Queues, tasks and workers that only make up the number."""


def fed() -> Iterator[dict[str, str]]:
    """The input series of the data, those of other stacks, and many small ones."""
    for text, value in DATA["fed"].items():
        name, _, labels = text.partition("{")
        for series, number in _many(labels.rstrip("}"), value, 2 if "_sum:" in name else 1):
            for identity, times in _stacks(name):
                inside = ",".join(filter(None, (series, identity)))
                values = number if isinstance(number, str) else f"{number * times}x{_SAMPLES}"
                yield {"series": f"{name}{{{inside}}}", "values": values}


def _stacks(name: str) -> Iterator[tuple[str, float]]:
    """Labels of this stack and of others; what is scraped has none of them. Alerts are counted: others have more."""
    if ":" in name:
        yield from ((IDENTITY, 1), *_ELSEWHERE.items())
    elif "ALERTS" in name:
        yield IDENTITY, 1
        copies = (f'{other},copy="{n}"' for other, most in zip(_ELSEWHERE, (2, 4), strict=True) for n in range(most))
        yield from ((one, 1) for one in copies)
    else:
        yield "", 1


def _many(labels: str, value: float | str, falls: int) -> Iterator[tuple[str, float | str]]:
    yield labels, value
    found = re.search(r'(queue|task|worker|source|rule_group|integration|program|missing|witness)="first"', labels)
    if found and not isinstance(value, str):
        for number in range(25):
            # Between the least and the greatest of those with a name: some of them are shown, and not all.
            yield labels.replace(found[0], f'{found[1]}="many-{number:02}"'), value * (99 - falls * number) / 200


Asked = tuple[str, str]
"""A query as Grafana sends it, and the moment."""


def sent(expr: str, scene: str) -> Asked:
    """The query with what is chosen in a scene at the top of the dashboard."""
    chosen = DATA["scenes"][scene]
    for name, value in (*_VARIABLES.items(), *((f"${name}", value) for name, value in chosen.items())):
        expr = expr.replace(name, value)
    return expr, chosen["at"]


def answers(asked: Iterable[Asked], promtool: Path, folder: Path) -> dict[Asked, Series | None]:
    """What each query gives; None where it is not PromQL. All are asked in one process."""
    every = list(dict.fromkeys(asked))
    found: dict[Asked, Series | None] = {}
    able = [one for one in every if _parses(one[0])]
    test = {
        "interval": "30s",
        "input_series": [*fed()],
        # `x or a series of ours` is never nothing, so that promtool, which expects nothing, always says what it got.
        "promql_expr_test": [
            {"expr": f'({expr}) or label_replace(vector(0), "asked", "{n}", "", "")', "eval_time": at}
            for n, (expr, at) in enumerate(able)
        ],
    }
    (folder / "test.yml").write_text(json.dumps({"evaluation_interval": "30s", "tests": [test]}))
    done = run(promtool, "test", "rules", "test.yml", cwd=folder)
    parts = re.split(r"^    expr: ", done.err + done.out, flags=re.MULTILINE)[1:]
    for part in parts:
        got = part.rpartition("got:")[2]
        number = re.search(r'asked=\\?"(\d+)', part)
        assert number, part[:2000]
        found[able[int(number[1])]] = {
            tuple(sorted((k, v) for k, v in _LABEL.findall(labels) if k != "__name__")): float(value)
            for labels, value in _GOT.findall(got)
            if "asked=" not in labels
        }
    return {one: found.get(one) for one in every}


def _parses(expr: str) -> bool:
    import promql_parser

    try:
        promql_parser.parse(expr)
    except ValueError:
        return False
    return True


def queries(board: Json) -> Iterator[Asked]:
    """Every PromQL query of a board, as it is sent in each scene."""
    exprs = [t["expr"] for panel in board["panels"] if panel["type"] != "logs" for t in panel.get("targets", ())]
    exprs += [one["expr"] for one in board["annotations"]["list"]]
    yield from (sent(expr, scene) for expr in exprs for scene in DATA["scenes"])


def seen(board: Json, known: Mapping[Asked, Series | None]) -> dict[str, dict[str, list[str]]]:
    """By panel and scene what it says: `legend: number unit`; those without a name of their own are counted."""
    drawn = [panel for panel in board["panels"] if panel.get("targets") and panel["type"] != "logs"]
    made = {
        scene: {panel["title"]: _counted(_lines(panel, known, scene)) for panel in drawn} | _marks(board, known, scene)
        for scene in DATA["scenes"]
    }
    usual = made["usual"]
    return {
        title: {scene: some[title] for scene, some in made.items() if some is usual or some[title] != usual[title]}
        for title in usual
    }


def _marks(board: Json, known: Mapping[Asked, Series | None], scene: str) -> dict[str, list[str]]:
    return {
        one["name"]: sorted(
            f"{_filled(one['titleFormat'], dict(labels))}: {_filled(one['textFormat'], {**_NOTHING, **dict(labels)})}"
            for labels in known[sent(one["expr"], scene)] or ()
        )
        for one in board["annotations"]["list"]
    }


def _counted(lines: Iterable[str]) -> list[str]:
    every = sorted(lines)
    many = [line for line in every if _MANY.search(line)]
    return [line for line in every if line not in many] + ([f"and {len(many)} of many"] if many else [])


def _lines(panel: Json, known: Mapping[Asked, Series | None], scene: str) -> Iterator[str]:
    for target in panel["targets"]:
        result = known[sent(target["expr"], scene)]
        if result is None:
            yield f"{target['refId']}: no PromQL"
            continue
        for labels, value in result.items():
            name = _named(panel, target, dict(labels))
            said = f"{value:.6g} tasks" if panel["type"] == "heatmap" else _text(panel, target, name, value)
            yield f"{name}: {said}"


def _named(panel: Json, target: Json, labels: Mapping[str, str]) -> str:
    """The legend, or the row and column of a table."""
    if panel["type"] != "table":
        if target["legendFormat"] == "__auto":
            return str(labels)
        unit = f" {panel['options']['yAxis']['unit']}" if panel["type"] == "heatmap" else ""
        return _filled(target["legendFormat"], labels) + unit
    (organised,) = (one["options"] for one in panel["transformations"] if one["id"] == "organize")
    hidden = {name for name, gone in organised["excludeByName"].items() if gone}
    columns = sorted({**labels, "Time": "now"}.items())
    row = " ".join(f"{name}={value}" for name, value in columns if name not in hidden)
    return f"{row}, {_heading(panel, target)}"


def _filled(text: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], f"?{found[1]}"), text)


def _heading(panel: Json, target: Json) -> str:
    (organised,) = (one["options"] for one in panel["transformations"] if one["id"] == "organize")
    column = "Value" if len(panel["targets"]) == 1 else f"Value #{target['refId']}"
    return str(organised["renameByName"].get(column, column))


def _text(panel: Json, target: Json, name: str, value: float) -> str:
    """The number with its unit, or the word that it means, and the colour that it is given."""
    settings = {**panel["fieldConfig"]["defaults"]}
    field = _heading(panel, target) if panel["type"] == "table" else name
    for override in panel["fieldConfig"]["overrides"]:
        if (override["matcher"]["id"], override["matcher"]["options"]) in (
            ("byFrameRefID", target["refId"]),
            ("byName", field),
        ):
            settings |= {one["id"]: one["value"] for one in override["properties"]}
    if "mappings" in settings:
        (mapping,) = settings["mappings"]
        found = mapping["options"].get(f"{value:g}")
        return f"{found['text']} {found['color']}" if found else f"{value:g}"
    colour = settings["color"].get("fixedColor", "")
    if settings["color"]["mode"] == "thresholds":
        steps = settings["thresholds"]["steps"]
        reached = (step["color"] for step in reversed(steps) if step["value"] is None or value >= step["value"])
        colour = next(reached, "none")
    return f"{_number(settings['unit'], value)} {colour}".strip()


def _number(unit: str, value: float) -> str:
    match unit:
        case "short":
            return f"{value:.6g}"
        case "percentunit":
            return f"{100 * value:.6g}%"
        case "s":
            return f"{value:.6g}s"
        case "ops":
            return f"{value:.6g}/s"
        case "dateTimeFromNow":
            return f"moment {value / 1000:.6g}"
        case _:
            return f"{value:.6g} {unit}"


def told_apart(board: Json, known: Mapping[Asked, Series | None]) -> Iterator[str]:
    """Panels in which two lines have one legend."""
    for title, some in (
        (panel["title"], [*_lines(panel, known, "usual")])
        for panel in board["panels"]
        if panel.get("targets") and panel["type"] != "logs"
    ):
        legends = [line.rpartition(": ")[0] for line in some]
        yield from (f"{title}: two lines are called {name}" for name in set(legends) if legends.count(name) > 1)
