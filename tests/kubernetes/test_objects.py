"""The objects hold what the other files hold, are found by each other, and keep to what a cluster takes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # has no stubs
import pytest
import yaml

from stackgen import pipeline
from stackgen.emitters.kubernetes.rules import MOST
from stackgen.problem import SpecError
from stackgen.verify.objects import schemas
from stackgen.verify.objects.found import Found
from tests.kubernetes import teams
from tests.kubernetes.teams import STACKS, by_name, groups, named, objects, of_kind, rule_files

CORE = {"ConfigMap", "Deployment", "NetworkPolicy", "PersistentVolumeClaim", "Secret", "Service"}
CLUSTERS = ("1.25", "1.37")

every = pytest.mark.parametrize("stack", STACKS, ids=named)


@cache
def made(stack: Path) -> pipeline.Stage:
    return pipeline.stage(stack)


def test_the_examples_are_short() -> None:
    assert len(STACKS) == 4
    assert max(len(path.read_text(encoding="utf-8").splitlines()) for path in STACKS) <= 20


@every
def test_unwrapped_rules_are_the_rule_files(stack: Path) -> None:
    files = made(stack).files
    assert by_name(groups(files)) == by_name(rule_files(files))
    assert len(groups(files)) == len(rule_files(files)) > 0


@every
def test_core_objects_pass_the_strict_schemas_of_kubernetes(stack: Path) -> None:
    found = of_kind(made(stack).files, *CORE)
    assert {one["kind"] for one in found} >= {"ConfigMap", "Deployment", "NetworkPolicy", "Service"}
    for one in found:
        for version in CLUSTERS:
            kubernetes_validate.validate(one, version, strict=True)


@every
def test_the_kustomization_lists_every_file(stack: Path) -> None:
    files = made(stack).files
    listed = yaml.safe_load(files["kubernetes/kustomization.yaml"])["resources"]
    there = [path.removeprefix("kubernetes/") for path in files if path.startswith("kubernetes/")]
    assert sorted([*listed, "README.md", "kustomization.yaml"]) == sorted(there)


@every
def test_targets_get_the_labels_that_rules_select_by(stack: Path) -> None:
    plan, files = made(stack).prepared.plan, made(stack).files
    given = []
    for one in of_kind(files, "ServiceMonitor", "PodMonitor", "ScrapeConfig"):
        spec = one["spec"]
        for page in spec.get("endpoints") or spec.get("podMetricsEndpoints") or [spec]:
            labels = {rule["targetLabel"]: rule["replacement"] for rule in page["relabelings"]}
            if one["kind"] == "ScrapeConfig":
                assert labels.pop("namespace") == plan.spec.namespace
            kept = {r["targetLabel"]: r["replacement"] for r in page["metricRelabelings"] if "targetLabel" in r}
            given.append({**labels, **kept})
    assert given
    assert all(labels in [dict(told.labels) for told in plan.site.told.values()] for labels in given)
    scraped = [one for one in plan.scraped if one.source.id in plan.site.jobs or one.source.part]
    assert {labels["job"] for labels in given} == {one.job for one in scraped}


@every
def test_every_object_has_the_labels_and_annotations_of_the_team(stack: Path) -> None:
    settings = made(stack).prepared.plan.spec.kubernetes
    for one in objects(made(stack).files):
        metadata = one["metadata"]
        assert metadata["namespace"] == made(stack).prepared.plan.spec.namespace
        assert settings.labels.items() <= metadata["labels"].items()
        assert settings.annotations.items() <= metadata.get("annotations", {}).items()
        assert max(map(len, metadata["labels"].values())) <= 63


@every
def test_pods_are_hardened(stack: Path) -> None:
    for one in of_kind(made(stack).files, "Deployment"):
        pod = one["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert (pod["automountServiceAccountToken"], pod["securityContext"]["runAsNonRoot"]) == (False, True)
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"limits", "requests"} <= container["resources"].keys()
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()


@every
def test_secrets_are_references_and_the_page_names_every_one(stack: Path) -> None:
    files = made(stack).files
    assert of_kind(files, "Secret") == []
    page = files["kubernetes/README.md"]
    wanted = {key for one in objects(files) for key in _secret_keys(one)}
    assert wanted
    for secret, key in wanted:
        assert f"| `{secret}` | `{key}` |" in page


def _secret_keys(value: Any) -> set[tuple[str, str]]:
    if isinstance(value, list):
        return set().union(*map(_secret_keys, value))
    if not isinstance(value, dict):
        return set()
    if "secretName" in value:
        return {(value["secretName"], item["key"]) for item in value["items"]}
    if value.keys() == {"name", "key"}:
        return {(value["name"], value["key"])}
    return set().union(*map(_secret_keys, value.values()))


@pytest.mark.parametrize("entry", ["", ", entry: shop/celery", ", kind: SecretStore"])
def test_external_secrets_fetch_every_key_that_objects_refer_to(entry: str, tmp_path: Path) -> None:
    (stack,) = (path for path in STACKS if named(path) == "kube-prometheus-stack/stack.yaml")
    outside = f"  secret: shop-env\n  alerting_secret: shop-told\n  external_secrets: {{store: vault{entry}}}\n"
    text = stack.read_text(encoding="utf-8").replace("  secret: shop-env\n", outside)
    files = teams.staged(text, tmp_path).files
    made = of_kind(files, "ExternalSecret")
    others = [one for one in objects(files) if one["kind"] != "ExternalSecret"]
    held = {(one["spec"]["target"]["name"], each["secretKey"]) for one in made for each in one["spec"]["data"]}
    assert held == {key for one in others for key in _secret_keys(one)} != set()
    assert {secret for secret, _ in held} == {one["metadata"]["name"] for one in made} == {"shop-env", "shop-told"}
    for one in made:
        assert one["spec"]["secretStoreRef"]["name"] == "vault"
        entries = {each["remoteRef"]["key"] for each in one["spec"]["data"]}
        assert entries == {"shop/celery" if "entry" in entry else one["metadata"]["name"]}
        assert [*schemas.problems(Found("kubernetes/external-secrets.yaml", one))] == []
        misspelt = {**one, "spec": {**one["spec"], "secretStore": {}}}
        assert [*schemas.problems(Found("kubernetes/external-secrets.yaml", misspelt))]
    assert "`external-secrets.yaml` makes these of what the" in files["kubernetes/README.md"]


def test_a_dollar_in_a_queues_name_is_no_variable() -> None:
    (stack,) = (path for path in STACKS if named(path) == "kube-prometheus-stack/stack.yaml")
    exporter = next(one for one in of_kind(made(stack).files, "Deployment") if "exporter" in one["metadata"]["name"])
    assert "--queues=celery,mail,priority.$$(HIGH)" in exporter["spec"]["template"]["spec"]["containers"][0]["args"]


def test_dashboards_are_the_files_of_grafana(tmp_path: Path) -> None:
    for kind in ("sidecar", "grafana-operator"):
        text = (
            teams.SMALL.replace("outputs: [", "outputs: [grafana, ") + f"kubernetes: {{dashboards: {{kind: {kind}}}}}\n"
        )
        files = teams.staged(text, tmp_path).files
        boards = [text for path, text in files.items() if path.startswith("grafana/dashboards/")]
        maps = [one for one in of_kind(files, "ConfigMap") if one["metadata"]["labels"].get("grafana_dashboard") == "1"]
        held = [text for one in maps for text in one["data"].values()]
        held += [one["spec"]["json"] for one in of_kind(files, "GrafanaDashboard")]
        assert held == boards != []


def test_a_thousand_queues_with_limits_of_their_own_are_cut_into_objects_that_fit(tmp_path: Path) -> None:
    own = "{thresholds: {queue_length: {warning: %d, critical: %d}}}"
    queues = "".join(f"  q{n}: {own % (n + 1, n + 2)}\n" for n in range(1000))
    files = teams.staged(teams.SMALL.replace("queues: {celery: }", f"queues:\n{queues}"), tmp_path).files

    sizes = [len(text.encode()) for path, text in files.items() if path.startswith("kubernetes/")]
    assert max(sizes) < MOST
    found, files_ = by_name(groups(files)), by_name(rule_files(files))
    cut = [name for name in found if name not in files_]
    assert [name.rpartition("-limits-")[0] for name in cut] == ["celery-queues-shop-production"] * len(cut) != []
    whole = [rule for name in (*cut, "celery-queues-shop-production") for rule in found[name]["rules"]]
    key = str
    assert sorted(whole, key=key) == sorted(files_["celery-queues-shop-production"]["rules"], key=key)
    assert {one["record"] for name in cut for one in found[name]["rules"]} == {"celery:threshold_override"}


WRONG = {
    "sources: [worker]": "error[no-pods]: sources.0: nothing says where worker runs in the cluster",
    "sources: [celery-exporter, cadvisor]": "error[no-pods]: sources.1: nothing says where cadvisor runs",
    "sources: [probe]": "error[no-image]: sources.0: probe needs an image that has Celery in it",
    "shared: [grafana]": "error[not-shared]: shared: with kubernetes prometheus and alertmanager cannot be ours",
    "kubernetes: {images: {prob: 'a:1'}}": "error[unknown-source]: kubernetes.images.prob: no source is called so",
    "sources: [{name: worker, kubernetes: {selector: a=b, role: service}}]": "a PodMonitor finds pods, not services",
    "alerting: {mute: [{name: n, times: ['00:00-06:00'], location: Europe/Berlin}]}": (
        "error[time-zone]: alerting.mute.0.location: an AlertmanagerConfig (v1alpha1) knows UTC only"
    ),
}


@pytest.mark.parametrize("line", WRONG)
def test_what_cannot_be_had_on_kubernetes_is_an_error_with_a_hint(line: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as refused:
        teams.staged(f"{teams.SMALL}{line}\n", tmp_path)
    assert WRONG[line] in str(refused.value)
    assert all(problem.hint for problem in refused.value.problems)


def test_compose_and_kubernetes_are_two_stack_files(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as refused:
        teams.staged(teams.SMALL.replace("prometheus]", "compose]"), tmp_path)
    assert "error[two-homes]: outputs: docker-compose.yml brings its own Prometheus" in str(refused.value)


def test_settings_without_the_kind_are_told(tmp_path: Path) -> None:
    text = teams.SMALL.replace("outputs: [kubernetes, prometheus]", "kubernetes: {namespace: shop}")
    made = teams.staged(text, tmp_path)
    assert objects(made.files) == []
    assert "kubernetes-unused" in {problem.rule for problem in made.prepared.notices()}


def test_what_others_scrape_already_gets_no_object(tmp_path: Path) -> None:
    found = "sources: [{name: celery-exporter, job: apps/celery-exporter, labels: {namespace: apps}}]\n"
    files = teams.staged(teams.SMALL + found, tmp_path).files
    assert of_kind(files, "Deployment", "ServiceMonitor", "PodMonitor", "ScrapeConfig") == []
    assert 'job="apps/celery-exporter",namespace="apps"' in files["kubernetes/rules/celery-queues-shop-production.yaml"]


@pytest.mark.parametrize("section", ["## Kubernetes", "## Other rulers"])
def test_the_examples_of_the_readme_are_short_and_accepted(section: str, repository: Path, tmp_path: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8").partition(f"\n{section}\n")[2]
    example = text.partition("```yaml\n")[2].partition("```")[0]
    made = teams.staged(example, tmp_path)
    assert example.count("\n") <= 10
    assert set(yaml.safe_load(example)["outputs"]) - {path.partition("/")[0] for path in made.files} == set()
