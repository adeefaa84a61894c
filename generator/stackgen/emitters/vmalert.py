"""vmalert/: the same rules for VictoriaMetrics' vmalert, in groups that follow each other within one evaluation.

Facts: vmalert writes what a rule records asynchronously, so no rule of the same group sees it before the next
evaluation (its docs, "Limitations"). With `eval_offset` a group is evaluated at that moment of each interval, without
vmalert's delay of 30 s, and `latency_offset` lets it see samples that are younger than that.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from stackgen.artefact import Artefact
from stackgen.catalog import promql
from stackgen.resolve.plan import Plan
from stackgen.rules.build import groups
from stackgen.rules.plain import plain

STAGES = 5
"""Steps of one interval, in each of which rules read what the steps before recorded; no chain of ours has more."""
_WORD = re.compile(r"[a-zA-Z_][\w:]*")
_SEEN = "1s"
"""Age from which a sample is read; VictoriaMetrics' own flag says 30 s."""
Data = dict[str, Any]


def artefacts(plan: Plan) -> list[Artefact]:
    """One file with all groups."""
    made = groups(plan)
    found = [plain(group) for group in made]
    levels, step = _levels(found), min(group.interval for group in made) / STAGES
    notes = [
        "Load it: vmalert -rule=rules.yml -disableAlertgroupLabel -datasource.url=… -remoteWrite.url=…",
        "-remoteRead.url=… -notifier.url=…; without the two remote ones no rule finds what another recorded, and a",
        "restart forgets what waits. The rules are those of prometheus/rules. A group ends in the number of its step,",
        f"for what others recorded is there when it has been written: {promql.seconds(step)} later. Where that is less",
        "than 5 s, a rule may see it one evaluation late.",
    ]
    stages = [one for group in found for one in _staged(group, levels, step)]
    context = {"notes": notes, "data": {"groups": stages}}
    return [Artefact("vmalert/rules.yml", "_shared/data.yml.j2", syntax="yaml", context=context)]


def _levels(found: Sequence[Data]) -> Mapping[str, int]:
    """How many rules must have been evaluated before each series or alert is new, by its name."""
    rules = [rule for group in found for rule in group["rules"]]
    levels = dict.fromkeys(map(_name, rules), 0)
    for _ in range(STAGES):
        for rule in rules:
            levels[_name(rule)] = max(_level(rule, levels), levels[_name(rule)])
    return levels


def _level(rule: Data, levels: Mapping[str, int]) -> int:
    """That of the rule alone; what it recorded itself one evaluation before is no step."""
    read = set(_WORD.findall(rule["expr"])) - {_name(rule)}
    return min(max((levels[name] + 1 for name in read if name in levels), default=0), STAGES - 1)


def _name(rule: Data) -> str:
    name: str = rule.get("record") or rule["alert"]
    return name


def _staged(group: Data, levels: Mapping[str, int], step: Fraction) -> Iterator[Data]:
    by_level: dict[int, list[Data]] = defaultdict(list)
    for rule in group["rules"]:
        by_level[_level(rule, levels)].append(rule)
    for level, rules in sorted(by_level.items()):
        yield {
            "name": f"{group['name']}-{level}",
            "interval": group["interval"],
            "eval_offset": promql.seconds(step * level),
            "params": {"latency_offset": [_SEEN]},
            "rules": rules,
        }
