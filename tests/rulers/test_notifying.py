"""Where Grafana tells people, each alert reaches whom the plan says, and Grafana knows every word of the files.

No Grafana can be had here: its tree of routes and its times are Alertmanager's own, so amtool is asked.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.alerting import ContactPoint, NotificationPolicy

from stackgen import pipeline
from stackgen.catalog.signal import Severity
from stackgen.emitters import grafana_managed
from stackgen.emitters.alertmanager.matching import text
from stackgen.render.environment import render
from stackgen.resolve.plan import Plan
from stackgen.resolve.routing import Routing
from stackgen.verify.files import reparse
from tests.alertmanager import meant
from tests.alertmanager.test_amtool import HOSTILE
from tests.kubernetes import told

STACK = """\
version: 1
stack: {{name: shop, owner: shop-team}}
celery: {{app: shop, broker: {{kind: redis}}}}
queues:
  celery:
  mail: {{owner: mail-team}}
  ? {hostile}
  : {{owner: other-team}}
sources: [celery-exporter, redis]
outputs: [{outputs}]
shared: [{shared}]
grafana_managed: {{datasource: mimir}}
alerting:
  receivers:
    oncall: {{pagerduty: {{routing_key_file: /run/secrets/pager}}, opsgenie: {{api_key_file: "/run/secrets/$genie"}}}}
    chat:
      slack: {{api_url_file: /run/secrets/slack, channel: "#celery"}}
      msteamsv2: {{webhook_url_file: /run/secrets/teams}}
    post:
      email: {{to: "a@example.com, b@example.com", from: c@example.com, smarthost: "mail:25"}}
      webhook: {{url: "http://hook/$HOME"}}
    deadman: {{webhook: {{url_file: /run/secrets/deadman}}}}
  default: {{{default}}}
  owners: {{mail-team: {{warning: post}}, other-team: {{critical: nobody, warning: nobody}}}}
  queues: {{? {hostile} : {{warning: oncall}}}}
  watchdog: deadman
  mute: [{{name: nights, times: ["00:00-06:00"], weekdays: [saturday, sunday], location: Europe/Berlin}}]
"""
SETTINGS = {
    "pagerduty": {"integrationKey", "severity", "details", "class", "component", "group", "summary", "source"},
    "slack": {"url", "recipient", "text", "title", "color", "username", "token", "footer"},
    "email": {"addresses", "singleEmail", "message", "subject"},
    "webhook": {"url", "httpMethod", "maxAlerts", "title", "message"},
    "teams": {"url", "message", "title", "sectiontitle"},
    "opsgenie": {"apiKey", "apiUrl", "message", "description", "autoClose", "overridePriority", "sendTagsAs"},
}
"""What Grafana reads of each integration: grafana/alerting, receivers/<type>/v1/config.go."""
NEVER = "tell nobody"
TOLD = "critical: oncall, warning: chat"


def _stack(folder: Path, default: str = TOLD, shared: str = "prometheus, grafana", outputs: str = "") -> Plan:
    hostile = yaml.safe_dump(HOSTILE.replace(",", ";"), width=1000).strip()
    text = STACK.format(hostile=hostile, default=default, shared=shared, outputs=outputs or "grafana_managed")
    (folder / "stack.yaml").write_text(text, encoding="utf-8")
    return pipeline.prepare(folder / "stack.yaml").plan


def _files(plan: Plan) -> dict[str, Any]:
    """What stands in the files, by their names; every value that was printed is there."""
    made = {one.path.partition("/")[2]: render(one) for one in grafana_managed.artefacts(plan)}
    assert [problem for one in made.values() for problem in reparse.of_file(one)] == []
    return {path: yaml.safe_load(one.text) for path, one in made.items()}


def _meant(value: Any) -> Any:
    """What Grafana takes a value for: `$$` is a dollar, and a single one begins a file."""
    if isinstance(value, dict):
        return {key: _meant(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_meant(item) for item in value]
    if not isinstance(value, str):
        return value
    assert re.sub(r"\$__file\{[^{}]+\}", "", value).replace("$$", "").count("$") == 0, value
    return value.replace("$$", "$")


def _route(policy: dict[str, Any]) -> dict[str, Any]:
    """The policy as a route of Alertmanager; who is never told is `nobody`."""
    assert policy.keys() <= _KNOWN
    made = {key: value for key, value in policy.items() if key not in ("object_matchers", "routes", "orgId")}
    made["routes"] = [_route(one) for one in policy.get("routes", ())]
    if matchers := policy.get("object_matchers"):
        made["matchers"] = [f"{name}{sign}{text(value)}" for name, sign, value in matchers]
    if [one for one in policy.get("mute_time_intervals", ()) if one.endswith(NEVER)]:
        made["receiver"] = "nobody"
    return made


_KNOWN = {"orgId", "receiver", "object_matchers", "routes", "mute_time_intervals", "group_by"} | {
    f"{name}_{what}" for name, what in (("group", "wait"), ("group", "interval"), ("repeat", "interval"))
}


def _config(plan: Plan) -> dict[str, Any]:
    files = _files(plan)
    (policy,) = _meant(files["policies.yml"]["policies"])
    points = _meant(files["contact-points.yml"])
    names = [one["name"] for one in points["contactPoints"]]
    times = [{key: one[key] for key in ("name", "time_intervals")} for one in points["muteTimes"]]
    others = ["grafana-default-email"] if policy["receiver"] not in names else []
    receivers = [{"name": name} for name in ("nobody", *names, *others)]
    return {"route": _route(policy), "receivers": receivers, "time_intervals": times}


# One severity that nobody hears of, the odd one among them, and none.
@pytest.mark.promtool
@pytest.mark.parametrize("default", [TOLD, "critical: oncall", "critical: oncall, warning: chat, info: post"])
@pytest.mark.parametrize("shared", ["prometheus, grafana", ""])
def test_every_alert_reaches_its_receiver(default: str, shared: str, tmp_path: Path) -> None:
    plan = _stack(tmp_path, default, shared)
    routing, prefix = Routing(plan.spec), "shop-production-" if shared else ""
    cases: list[dict[str, object]] = []
    for labels in meant.alerts(plan):
        receiver = routing.receiver(cast("Severity", labels["severity"]), labels["owner"], labels.get("queue"))
        name = "deadman" if labels["signal"] == meant.WATCHDOG else receiver
        wanted = name if name == "nobody" else f"{prefix}{name}"
        # Grafana adds the folder to every alert.
        cases.append({"name": str(labels), "labels": {**labels, "grafana_folder": "Celery"}, "receivers": [wanted]})
    odd = routing.receiver("warning", "shop-team")
    strange = {"stack": "shop", "environment": "production", "severity": "page", "owner": "shop-team"}
    wanted = odd if odd == "nobody" else f"{prefix}{odd}"
    cases.append({"name": "of no severity of ours", "labels": strange, "receivers": [wanted]})
    if shared:
        cases.append({"name": "others", "labels": {"stack": "billing"}, "receivers": ["grafana-default-email"]})
    assert len(cases) > 60
    assert {str(one["receivers"]) for one in cases} >= {"['nobody']", str([f"{prefix}oncall"]), str([f"{prefix}post"])}
    assert told.asked(_config(plan), cases, tmp_path) == []


def test_times_and_paces_are_those_of_alertmanager(tmp_path: Path) -> None:
    plan = _stack(tmp_path, outputs="grafana_managed, alertmanager", shared="prometheus")
    made = pipeline.stage(tmp_path / "stack.yaml").files
    assert "grafana_managed/policies.yml" not in made  # Alertmanager tells people here
    theirs = yaml.safe_load(made["alertmanager/alertmanager.yml"])
    theirs["route"]["routes"] += theirs["route"]["routes"].pop()[
        "routes"
    ]  # those without a queue or owner of their own
    ours = _config(_stack(tmp_path, shared="prometheus"))
    assert plan.spec.alerting.receivers
    assert _paced(ours["route"]) == _paced(theirs["route"])
    assert [one for one in ours["time_intervals"] if one["name"] != NEVER] == theirs["time_intervals"]


def _paced(route: dict[str, Any]) -> list[Any]:
    """Who is told how often and when not, route by route."""
    muted = [one for one in route.get("mute_time_intervals", ()) if one != NEVER]
    here = [route.get(key) for key in ("receiver", "group_wait", "group_interval", "repeat_interval")]
    return [*here, sorted(route.get("group_by", ())), muted, [*map(_paced, route.get("routes", ()))]]


def test_grafana_knows_every_key_of_the_files(tmp_path: Path) -> None:
    files = _files(_stack(tmp_path))
    (policy,) = files["policies.yml"]["policies"]
    sent = {key: value for key, value in policy.items() if key != "orgId"}
    assert json.loads(JSONEncoder(sort_keys=True).encode(NotificationPolicy.from_json(sent))) == sent
    uids = []
    for point in files["contact-points.yml"]["contactPoints"]:
        assert point.keys() == {"orgId", "name", "receivers"}
        for one in point["receivers"]:
            assert json.loads(JSONEncoder(sort_keys=True).encode(ContactPoint.from_json(one))) == one
            assert one["settings"].keys() <= SETTINGS[one["type"]]
            uids.append(one["uid"])
    assert len(uids) == len(set(uids)) == 7
    assert all(len(uid) <= 40 for uid in uids)


def test_secrets_are_files_and_the_rest_is_as_in_alertmanager_yml(tmp_path: Path) -> None:
    points = _meant(_files(_stack(tmp_path))["contact-points.yml"])["contactPoints"]
    settings = {one["type"]: one["settings"] for point in points for one in point["receivers"]}
    assert settings["pagerduty"]["integrationKey"] == "$__file{/run/secrets/pager}"
    assert settings["opsgenie"]["apiKey"] == "$__file{/run/secrets/$genie}"
    assert settings["slack"]["url"] == "$__file{/run/secrets/slack}"
    assert settings["teams"]["url"] == "$__file{/run/secrets/teams}"
    assert settings["webhook"]["url"] == "$__file{/run/secrets/deadman}"
    assert settings["email"]["addresses"] == "a@example.com,b@example.com"
    made = pipeline.stage(tmp_path / "stack.yaml").files
    assert "$HOME" not in made["grafana_managed/contact-points.yml"].replace("$$HOME", "")
    alertmanager = _stack(tmp_path, outputs="alertmanager")
    (text,) = (
        one for path, one in pipeline.stage(tmp_path / "stack.yaml").files.items() if path.endswith("alertmanager.yml")
    )
    theirs = {key: one[key][0] for one in yaml.safe_load(text)["receivers"] for key in one if key.endswith("_configs")}
    assert alertmanager.spec.alerting.receivers
    assert settings["slack"]["text"] == theirs["slack_configs"]["text"]
    assert settings["pagerduty"]["details"] == theirs["pagerduty_configs"]["details"]
    assert settings["teams"]["message"] == theirs["msteamsv2_configs"]["text"]
