"""Objects of Kubernetes: found here is what a cluster refuses, and what it takes and then silently leaves out."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from stackgen.emitters.alertmanager import route_tests
from stackgen.problem import Mark, Problem
from stackgen.resolve.plan import Plan
from stackgen.resolve.routing import called
from stackgen.spec.alerting import NOBODY
from stackgen.verify.objects import operator, relations, schemas
from stackgen.verify.objects.found import FOLDER, Found, read
from stackgen.verify.subject import Subject
from stackgen.verify.written import amtool, promtool


def problems(subject: Subject) -> list[Problem]:
    """What is wrong with the written objects."""
    pattern = (path for path in subject.files if path.startswith(f"{FOLDER}/") and path.endswith(".yaml"))
    return asked(subject.output, [*pattern], subject.plan)


def asked(output: Path, paths: Sequence[str], plan: Plan) -> list[Problem]:
    """The same of these files, which are relative to `output`; raises ToolMissing without promtool or amtool."""
    if not paths:
        return []
    found, wrong = read(output, paths)
    wrong += relations.problems(found, plan.spec.namespace, plan.spec.kubernetes)
    for one in found:
        wrong += alone(one, plan)
    return sorted(wrong)


def alone(one: Found, plan: Plan) -> Iterator[Problem]:
    """What is wrong with one object, whatever stands beside it."""
    yield from schemas.problems(one)
    if one.kind == "PrometheusRule":
        yield from _rules(one)
    elif one.kind == "AlertmanagerConfig":
        yield from _routes(one, plan)


def _rules(one: Found) -> Iterator[Problem]:
    """promtool about the rules inside: the operator leaves out a whole object for one bad rule."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "rules.yml").write_text(json.dumps({"groups": one.spec.get("groups")}), encoding="utf-8")
        for problem in promtool.asked(Path(folder), {"rules": ["rules.yml"]}):
            yield one.problem("object-rules", problem.message)


def _routes(one: Found, plan: Plan) -> Iterator[Problem]:
    """amtool about what the operator makes of it: whether it is read, and whether each alert reaches its receiver."""
    strategy: operator.Strategy = "global" if plan.spec.kubernetes.routing == "global" else "OnNamespace"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "am.yml").write_text(json.dumps(operator.configuration(one, strategy)), encoding="utf-8")
        cases = [case(each, one, plan) for each in route_tests.cases(plan)]
        Path(folder, "cases.yml").write_text(json.dumps({"config": "am.yml", "cases": cases}), encoding="utf-8")
        for problem in amtool.asked(Path(folder), ["am.yml"], ["cases.yml"]):
            yield Problem(Mark(one.path), "object-routes", problem.where, problem.message)


def case(written: route_tests.Case, one: Found, plan: Plan) -> dict[str, object]:
    """The same alert, and its receivers as the operator names them."""
    ours = {called(name, plan): name for name in (NOBODY, *plan.spec.alerting.receivers)}
    told = [f"{one.metadata.get('namespace')}/{one.name}/{ours[name]}" for name in written["receivers"]]
    return {"name": written["name"], "labels": dict(written["labels"]), "receivers": told}
