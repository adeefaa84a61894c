"""A real API server takes the objects, and the real operator makes of them what `check` foresees: `make kubernetes`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, get_args

import promql_parser
import pytest
import yaml

from stackgen import pipeline
from stackgen.doctor import rules
from stackgen.emitters.kubernetes import monitors, routing
from stackgen.verify import lints, tools
from stackgen.verify.objects import operator
from stackgen.verify.objects.found import Found
from stackgen.verify.written import promtool
from tests.kubernetes import told
from tests.kubernetes.real.cluster import PATIENCE, Cluster, Refused, running
from tests.kubernetes.teams import STACKS, as_loaded, by_name, groups, helm_command, named, objects, of_kind, rule_files

MONITORING = "monitoring"
STRATEGIES = [one for one in get_args(operator.Strategy) if one != "global"]
SHOP = next(path for path in STACKS if named(path) == "kube-prometheus-stack/stack.yaml")
BILLING = next(path for path in STACKS if named(path) == "argo-cd/stack.yaml")
TEAMS = {"shop": ({"release": "kps"}, SHOP), "billing": ({"prometheus": "main"}, BILLING)}
every = pytest.mark.parametrize("stack", STACKS, ids=named)


@cache
def made(stack: Path) -> pipeline.Stage:
    return pipeline.stage(stack)


def _taken(stack: Path) -> list[Mapping[str, Any]]:
    """What this cluster knows: definitions of Grafana's operator are in no registry of ours."""
    return [one for one in objects(made(stack).files) if one["kind"] != "GrafanaDashboard"]


@pytest.fixture(scope="module")
def cluster(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Everything of all teams is there, and the operator has made something of it."""
    with running(tmp_path_factory.mktemp("cluster"), repository / ".tools/kubernetes/real") as found:
        for one in _of_the_cluster():
            found.apply(one)
        for stack in STACKS:
            plan = made(stack).prepared.plan
            found.apply(_secret(plan.spec.namespace, plan.spec.kubernetes.secret, dict(routing.secrets(plan)).values()))
            for each in _taken(stack):
                found.apply(each)
        for name in TEAMS:
            for prometheus in (name, f"{name}-enforced"):
                found.programs.wait(prometheus, partial(_is_whole, found, prometheus), PATIENCE)
        yield found


def _of_the_cluster() -> Iterator[Mapping[str, Any]]:
    """What a platform team has there: a Prometheus for each team, without and with enforcement, and Alertmanagers."""
    spaces = {made(stack).prepared.plan.spec.namespace for stack in STACKS}
    for space in sorted({MONITORING, *spaces}):
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
    for name, (labels, _) in TEAMS.items():
        yield _prometheus(name, labels, {"version": "v2.42.0"})
        yield _prometheus(f"{name}-enforced", labels, {"version": "v3.5.0", "enforcedNamespaceLabel": "namespace"})
    for strategy in STRATEGIES:
        selected = {"alertmanagerConfigSelector": {"matchLabels": TEAMS["shop"][0]}}
        selected |= {"alertmanagerConfigNamespaceSelector": {}, "alertmanagerConfigMatcherStrategy": {"type": strategy}}
        yield _alertmanager(strategy.lower(), MONITORING, selected)
    (ours,) = of_kind(made(BILLING).files, "AlertmanagerConfig")
    whole = {"alertmanagerConfiguration": {"name": ours["metadata"]["name"]}}
    yield _alertmanager("global", ours["metadata"]["namespace"], whole)


def _prometheus(name: str, labels: Mapping[str, str], more: Mapping[str, Any]) -> Mapping[str, Any]:
    kinds = ("rule", "serviceMonitor", "podMonitor", "scrapeConfig")
    spec = {f"{kind}Selector": {"matchLabels": labels} for kind in kinds}
    spec |= {f"{kind}NamespaceSelector": {} for kind in kinds}
    return _monitoring("Prometheus", name, MONITORING, {"replicas": 1, **spec, **more})


def _alertmanager(name: str, namespace: str, more: Mapping[str, Any]) -> Mapping[str, Any]:
    return _monitoring("Alertmanager", name, namespace, {"replicas": 1, "version": "v0.28.1", **more})


def _monitoring(kind: str, name: str, namespace: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _secret(namespace: str | None, name: str, keys: Any) -> Mapping[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    data = dict.fromkeys(keys, "http://secret.invalid/")
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def _stacks(prometheus: str) -> list[Path]:
    """The stacks whose objects a Prometheus selects: both environments of its team."""
    return [path for path in STACKS if path.parent == TEAMS[prometheus.partition("-")[0]][1].parent]


def _is_whole(cluster: Cluster, prometheus: str) -> bool:
    """Whether all objects that it selects are in its configuration; one that the operator skips never is."""
    ours = [made(stack).files for stack in _stacks(prometheus)]
    wanted = {group["name"] for files in ours for group in groups(files)}
    if wanted != {group["name"] for group in cluster.rule_groups(MONITORING, prometheus)}:
        return False
    config = cluster.packed(MONITORING, f"prometheus-{prometheus}", "prometheus.yaml.gz")
    found = {job["job_name"] for job in (config or {}).get("scrape_configs", ())}
    return found == {name for files in ours for name in _jobs(files)}


def _jobs(files: Mapping[str, str]) -> Iterator[str]:
    for one in of_kind(files, "ServiceMonitor", "PodMonitor", "ScrapeConfig"):
        yield from monitors.pools(one)


def test_what_is_misspelt_is_refused(cluster: Cluster) -> None:
    (one,) = of_kind(made(SHOP).files, "AlertmanagerConfig")
    with pytest.raises(Refused, match="field not declared in schema"):
        cluster.apply({**one, "spec": {**one["spec"], "reciever": "x"}})


@pytest.mark.parametrize("team", TEAMS)
def test_rules_without_enforcement_are_the_rule_files(team: str, cluster: Cluster) -> None:
    written = {name: group for stack in _stacks(team) for name, group in by_name(rule_files(made(stack).files)).items()}
    assert by_name(cluster.rule_groups(MONITORING, team)) == written


@pytest.mark.parametrize("team", TEAMS)
@pytest.mark.parametrize("enforced", ["", "-enforced"])
def test_promtool_reads_the_configuration(team: str, enforced: str, cluster: Cluster, tmp_path: Path) -> None:
    config = cluster.packed(MONITORING, f"prometheus-{team}{enforced}", "prometheus.yaml.gz")
    config["rule_files"] = []  # the folder of its pod
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    done = tools.run(tools.find("promtool"), "check", "config", "--syntax-only", "prometheus.yml", cwd=tmp_path)
    assert done.code == 0, done.err


@pytest.mark.parametrize("stack", [SHOP, BILLING], ids=named)
def test_generated_tests_pass_where_enforcement_rewrote_every_selector(
    stack: Path, cluster: Cluster, tmp_path: Path
) -> None:
    files, plan = made(stack).files, made(stack).prepared.plan
    enforced = by_name(cluster.rule_groups(MONITORING, f"{plan.spec.stack.name}-enforced"))
    assert all(
        _namespaces(group) == {f'namespace="{plan.spec.namespace}"'}
        for group in enforced.values()
        if plan.spec.stack.environment in group["name"]
    )
    ours = f'stack="{plan.spec.stack.name}"'
    for path, text in files.items():
        if path.startswith(("prometheus/rules/", "prometheus/tests/")):
            data = yaml.safe_load(
                re.sub(f'(namespace="[^"]*",)?{ours}', f'namespace="{plan.spec.namespace}",{ours}', text)
            )
            if "/rules/" in path:
                data = {"groups": [enforced[group["name"]] for group in data["groups"]]}
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(yaml.safe_dump(data), encoding="utf-8")
    tests = [path for path in files if path.startswith("prometheus/tests/")]
    assert len(tests) > 20
    assert promtool.asked(tmp_path, {"rule-tests": tests}) == []


@pytest.mark.parametrize("enforced", ["", "-enforced"])
@pytest.mark.parametrize("stack", [SHOP, BILLING], ids=named)
def test_doctor_finds_no_difference_in_rules_that_the_operator_wrote(
    stack: Path, enforced: str, cluster: Cluster
) -> None:
    plan = made(stack).prepared.plan
    there = rules.loaded(as_loaded(cluster.rule_groups(MONITORING, f"{plan.spec.stack.name}{enforced}")), plan)
    assert rules.differing(rules.generated(plan), there, plan.spec.namespace) == (set(), set())


@every
def test_helm_makes_the_same_objects_of_the_escaped_template(stack: Path, repository: Path, tmp_path: Path) -> None:
    files, templates = made(stack).files, tmp_path / "chart/templates"
    templates.mkdir(parents=True)
    (tmp_path / "chart/Chart.yaml").write_text("{apiVersion: v2, name: celery, version: 0.1.0}\n", encoding="utf-8")
    texts = [text for path, text in files.items() if re.fullmatch(r"kubernetes/(?!kustomization).*\.yaml", path)]
    (tmp_path / "objects.yaml").write_text("---\n".join(texts), encoding="utf-8")
    command = f"{helm_command(files)} < objects.yaml > chart/templates/celery-monitoring.yaml"
    assert tools.run(tools.find("sh"), "-c", command, cwd=tmp_path).code == 0
    done = tools.run(repository / ".tools/kubernetes/real/helm", "template", "celery", "chart", cwd=tmp_path)
    assert done.code == 0, done.err
    assert sorted(yaml.safe_load_all(done.out), key=str) == sorted(objects(files), key=str)


@pytest.mark.parametrize("team", TEAMS)
def test_every_target_has_the_namespace_that_enforced_rules_ask_for(team: str, cluster: Cluster) -> None:
    config = cluster.packed(MONITORING, f"prometheus-{team}-enforced", "prometheus.yaml.gz")
    for job in config["scrape_configs"]:
        rules = [one for one in job["relabel_configs"] if one.get("target_label") == "namespace"]
        given = [one["replacement"] for one in rules if "replacement" in one]
        assert given[-1:] == [job["job_name"].split("/")[1]], job["job_name"]


def _namespaces(group: Mapping[str, Any]) -> set[str]:
    """The matchers of namespaces in all selectors, and what stands there instead."""
    found = set()
    for rule in group["rules"]:
        for node in lints.walk(promql_parser.parse(str(rule["expr"]))):
            if isinstance(node, promql_parser.VectorSelector):
                match = re.search(r'namespace="[^"]*"', str(node))
                found.add(match[0] if match else str(node))
    return found


# Enforced, the operator gives every alert the namespace of its rules, which is the same.
@pytest.mark.parametrize("enforced", [{}, {"namespace": "shop"}], ids=["as generated", "enforced"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_alert_reaches_its_receiver(
    strategy: operator.Strategy, enforced: Mapping[str, str], cluster: Cluster, tmp_path: Path
) -> None:
    config, plan = _routes(cluster, strategy), made(SHOP).prepared.plan
    cases = told.cases(plan, _object(SHOP), enforced)
    assert len(cases) > 80
    assert told.asked(config, cases, tmp_path) == []
    missed = told.asked(config, told.cases(plan, _object(SHOP), {"namespace": ""}), tmp_path)
    assert bool(missed) is (strategy != "None"), "without the label"


def test_an_alertmanager_of_ones_own_tells_everybody(cluster: Cluster, tmp_path: Path) -> None:
    config = cluster.packed("billing", "alertmanager-global-generated", "alertmanager.yaml.gz")
    assert told.asked(config, told.cases(made(BILLING).prepared.plan, _object(BILLING), {}), tmp_path) == []
    foreseen = operator.configuration(_object(BILLING), "global")
    for part in ("route", "inhibit_rules", "mute_time_intervals"):
        assert _bare(config.get(part)) == _bare(foreseen[part]), part


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_check_foresees_what_the_operator_makes(strategy: operator.Strategy, cluster: Cluster) -> None:
    (ours,) = [one for one in _routes(cluster, strategy)["route"]["routes"] if "shop/" in one["receiver"]]
    foreseen = operator.configuration(_object(SHOP), strategy)
    assert _bare(ours) == _bare(foreseen["route"]["routes"][0])


def _routes(cluster: Cluster, strategy: operator.Strategy) -> Any:
    return cluster.packed(MONITORING, f"alertmanager-{strategy.lower()}-generated", "alertmanager.yaml.gz")


def _object(stack: Path) -> Found:
    (one,) = of_kind(made(stack).files, "AlertmanagerConfig")
    return Found("kubernetes/alertmanagerconfig.yaml", one)


def _bare(value: Any) -> Any:
    """Without what is empty and what stands for secrets."""
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if item not in (None, [], {})}
    if isinstance(value, list):
        return [_bare(item) for item in value]
    return re.sub("^(http://secret.invalid/|secret)$", "", value) if isinstance(value, str) else value
