"""Asks the real VictoriaMetrics what promtool is asked: how many evaluations later it says the same.

There a rule does not see what its own evaluation recorded, so each link of a chain of rules is one evaluation late. The
answer that is expected at a moment is asked again one, two, three evaluations later; what never comes is a difference.

A fact of MetricsQL: `round`, `count` of one and others keep the name of a series, which promtool's answers do not have.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stackgen.verify import tools

LATEST = 3
"""Evaluations after which an answer counts as another one."""
RULES = "vmalert.yml"
"""What the file with the rules is called, beside a test."""
_KINDS = ("promql_expr_test", "alert_rule_test")
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_ALERTS = re.compile(r"count by (\([^)]*\)) \((ALERTS\{.*\})\)")
_WRONG = re.compile(r'\s+expr: ".* # (\d+)", time:|\s+groupname: .*, alertname: (.*), time: (\S+),')
Data = dict[str, Any]


@dataclass(frozen=True, order=True)
class Asked:
    """One expectation of a promtool file: its test, an expression or the name of an alert, and when, in seconds."""

    test: str
    what: str
    at: int


def lateness(path: Path, tool: Path) -> dict[Asked, int | None]:
    """Evaluations until each expectation of the file holds in VictoriaMetrics; None for those that never do.

    The file's folder is written to.
    """
    # PyYAML reads forty zeros as a hexadecimal number.
    text = re.sub(r"(?<=values: )0x\d+(?=\s*[}\n])", r"'\g<0>'", path.read_text(encoding="utf-8"))
    file = yaml.safe_load(text)
    _narrow(path.parent / RULES, [str(each) for each in file["rule_files"]])
    file["rule_files"] = [RULES]
    every = _seconds(file.get("evaluation_interval", "1m"))
    found: dict[Asked, int | None] = {}
    for late in range(LATEST + 1):
        written, asked = _later(file, late * every, found)
        if not asked:
            break
        (path.parent / "late.yml").write_text(yaml.safe_dump(written, allow_unicode=True, width=1000), encoding="utf-8")
        wrong = _wrong(path.parent, tool, asked)
        found |= {one: late for one in asked.values() if one not in wrong}
    return {one: found.get(one) for one in _later(file, 0, {})[1].values()}


def _narrow(rules: Path, wanted: list[str]) -> None:
    """Leaves the groups that a promtool file loads, as `../rules/celery-queues-shop-production.yml` or with a `*`."""
    data = yaml.safe_load(rules.read_text(encoding="utf-8"))
    patterns = [re.escape(Path(each).stem).replace(r"\*", ".*") for each in wanted]
    kept = [one for one in data["groups"] if any(re.match(pattern, one["name"]) for pattern in patterns)]
    data["groups"] = kept or data["groups"]  # what tests/counting loads has a name of its own
    rules.write_text(yaml.safe_dump(data, width=1000, sort_keys=False), encoding="utf-8")


def _later(file: Data, delay: int, known: Mapping[Asked, Any]) -> tuple[Data, dict[str, Asked]]:
    """The file with everything that is not known yet asked later; and the expectations, by what tells them apart."""
    file, asked = deepcopy(file), dict[str, Asked]()
    for number, test in enumerate(file["tests"]):
        test["name"] = f"{number} {test.get('name', '')}"
        _lengthened(test, delay)
        values, alerts = test.pop("promql_expr_test", ()), test.pop("alert_rule_test", ())
        kept: dict[str, list[Data]] = {"metricsql_expr_test": [], "alert_rule_test": []}
        for one in (*values, *alerts):
            at = _seconds(one["eval_time"])
            expectation = Asked(test["name"], one.get("expr") or one["alertname"], at)
            if expectation in known:
                continue
            one["eval_time"] = f"{at + delay}s"
            if "expr" in one:
                mark = str(len(asked))
                one["expr"] = f"{_asked(one)} # {mark}"
            else:
                mark = f"{test['name']} {one['alertname']} {at + delay}"
            asked[mark] = expectation
            kept["metricsql_expr_test" if "expr" in one else "alert_rule_test"].append(one)
        test |= {key: found for key, found in kept.items() if found}
    file["tests"] = [test for test in file["tests"] if {"metricsql_expr_test", "alert_rule_test"} & test.keys()]
    return file, asked


def _asked(one: Data) -> str:
    """The question as VictoriaMetrics must be asked it for the same answer."""
    # vmalert-tool writes ALERTS twice, with the name of the group and without, whatever its flag says.
    expr: str = _ALERTS.sub(r"count by \1 (count without (alertgroup) (\2))", one["expr"])
    named = [str(each["labels"])[:1] not in ("{", "") for each in one.get("exp_samples") or ()]
    return expr if all(named) else f'label_del({expr}, "__name__")'


def _lengthened(test: Data, delay: int) -> None:
    """Series that are there at the last question are so when it is asked later."""
    step = _seconds(test.get("interval", "1m"))
    last = max(_seconds(one["eval_time"]) for key in _KINDS for one in test.get(key, ()))
    for series in test.get("input_series") or ():
        *rest, end = str(series["values"]).split()
        if sum(map(_samples, (*rest, end))) * step > last and re.match(r"[-\d.]", end):
            head, _, times = end.rpartition("x") if "x" in end else (end, "", "0")
            series["values"] = " ".join((*rest, f"{head}x{int(times) + delay // step + 1}"))


def _samples(token: str) -> int:
    return int(token.rpartition("x")[2]) + 1 if "x" in token else 1


def _wrong(folder: Path, tool: Path, asked: Mapping[str, Asked]) -> set[Asked]:
    """The expectations that VictoriaMetrics does not fulfil; fails on an answer that names none."""
    done = tools.run(tool, "unittest", "--disableAlertgroupLabel", "--files=late.yml", cwd=folder)
    found, test = set(), ""
    for line in (done.out + done.err).splitlines():
        if line.startswith("testGroupName: "):
            test = line.removeprefix("testGroupName: ").removesuffix(",")
        elif match := _WRONG.match(line):
            found.add(asked[match[1] or f"{test} {match[2]} {_seconds(match[3])}"])
    assert bool(found) == bool(done.code), done.out + done.err
    return found


def _seconds(text: str) -> int:
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(d|h|m|s)", str(text)))


def files(rules: Mapping[str, str], tests: Mapping[str, str], folder: Path) -> Iterator[Path]:
    """Each test file, in a folder with the rules."""
    for name, text in tests.items():
        home = folder / Path(name).stem
        home.mkdir(parents=True, exist_ok=True)
        for path, rule in rules.items():
            (home / path).write_text(rule, encoding="utf-8")
        target = home / Path(name).name
        target.write_text(text, encoding="utf-8")
        yield target
    shutil.rmtree(folder, ignore_errors=True)
