"""Flower, logs and compose as values: secrets stay outside, tags stand once, Flower's path follows its prefix."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from stackgen import pipeline
from stackgen.catalog import images, registry
from stackgen.cli import main
from stackgen.emitters import compose
from stackgen.write.secret_files import Wanted, write_missing

STACK = """\
version: 1
stack: {name: shop}
celery: {app: proj, broker: {kind: redis, url_env: SHOP_BROKER_URL}}
queues: {celery: {}, dead: {role: dead_letter}}
sources: [celery-exporter, worker, redis, flower, process-exporter, cadvisor]
logs: {shippers: [filebeat], elasticsearch: {hosts: ["https://es.example.com"], ca_file: /run/secrets/es_ca}}
alerting:
  receivers:
    team: {slack: {api_url_file: /run/secrets/slack_url, channel: "#celery"}}
  default: team
"""


def _made(folder: Path, text: str = STACK) -> pipeline.Stage:
    stack = folder / "stack.yaml"
    stack.write_text(text, encoding="utf-8")
    return pipeline.stage(stack)


@pytest.mark.parametrize(("prefix", "path"), [("''", "/metrics"), ("/flower", "/flower/metrics")])
def test_the_scrape_of_flower_follows_its_prefix_and_port(prefix: str, path: str, tmp_path: Path) -> None:
    made = _made(tmp_path, STACK + f"flower: {{url_prefix: {prefix}, port: 5999}}\n")
    job = made.files["prometheus/prometheus.yml"].partition("job_name: flower")[2][:200]
    assert f"metrics_path: {path}\n" in job
    assert "flower:5999" in job


def test_addresses_follow_stack_yaml_wherever_they_stand(tmp_path: Path) -> None:
    moved = """\
prometheus: {address: "metrics:9095", alertmanagers: ["am-1:9093", "am-2:9094"]}
links: {alertmanager: https://alerts.example.com/}
compose: {ports: {prometheus: 9190, grafana: 3100}}
"""
    files = _made(tmp_path, STACK + moved).files
    assert "targets: ['localhost:9095']" in files["prometheus/prometheus.yml"]
    assert files["prometheus/prometheus.yml"].count("am-2:9094") == 2  # told, and scraped
    assert "url: http://metrics:9095\n" in files["grafana/provisioning/datasources/celery.yml"]
    assert "http://localhost:9190/api/v1/rules" in files["runbooks/CeleryRuleEvaluationFailing.md"]
    assert (
        "amtool --alertmanager.url=https://alerts.example.com alert" in files["runbooks/CeleryNotificationsFailing.md"]
    )
    assert (
        "http://localhost:3100/d/celery-queues-shop-production"
        in files["prometheus/rules/celery-queues-shop-production.yml"]
    )
    assert "--web.external-url=https://alerts.example.com'" in files["docker-compose.yml"]
    assert not [name for name, text in files.items() if "localhost:9093" in text or "localhost:3000" in text]


@pytest.mark.parametrize("listed", [True, False])
def test_workers_serve_metrics_where_they_are_a_source_and_are_scraped_at_their_port(
    listed: bool, tmp_path: Path
) -> None:
    text = STACK if listed else STACK.replace(" worker,", "")
    files = _made(tmp_path, text + "app: {metrics: {port: 9900}}\n").files
    served = f"        enabled={listed},\n        host='0.0.0.0',\n        port=9900,\n"
    assert served.replace("'", '"') in files["celery/celery_monitoring.py"]
    assert ("{names: [worker], type: A, port: 9900" in files["prometheus/prometheus.yml"]) is listed


@pytest.mark.parametrize(
    ("app", "message"),
    [
        ("", "shippers read files, and app.logs.path names none: workers write to standard output"),
        ("app: {logs: {path: /srv/w.txt}}", "no shipper reads this file: logs.path is '/var/log/celery/*.log'"),
        ("app: {logs: {path: /srv/logs/worker.log}}", ""),
        ("app: {logs: {enabled: false}}", ""),
    ],
)
def test_logs_that_no_shipper_would_find_are_noticed(app: str, message: str, tmp_path: Path) -> None:
    notices = _made(tmp_path, f"{STACK}{app}\n").prepared.notices()
    assert [one.message for one in notices if one.rule == "nothing-to-read"] == ([message] if message else [])


CANARY = "canary-5f1d2a"


def test_no_secret_of_the_environment_or_a_file_gets_into_an_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SHOP_BROKER_URL", "ELASTICSEARCH_API_KEY", "CELERY_BROKER_URL", "FLOWER_BASIC_AUTH"):
        monkeypatch.setenv(name, f"redis://:{CANARY}@host/0")
    folder = tmp_path / "output" / compose.SECRETS
    folder.mkdir(parents=True)
    (tmp_path / ".env").write_text(f"SHOP_BROKER_URL={CANARY}\n", encoding="utf-8")
    made = _made(tmp_path)
    for secret in compose.secrets(made.prepared.plan):
        (folder / secret.name).write_text(CANARY, encoding="utf-8")
    pipeline.generate(tmp_path / "stack.yaml", tmp_path / "output")
    written = [p for p in (tmp_path / "output").rglob("*") if p.is_file() and p.parent != folder]
    assert [p for p in written if CANARY in p.read_text(encoding="utf-8")] == []
    assert len(written) > 20


def test_every_secret_that_a_container_mounts_is_named_once(tmp_path: Path) -> None:
    names = [s.name for s in compose.secrets(_made(tmp_path).prepared.plan)]
    assert sorted(names) == [
        *("elasticsearch_api_key", "es_ca", "flower_basic_auth", "grafana_admin_password", "slack_url"),
    ]


WANTED = [Wanted("password", "random"), Wanted("users", "users"), Wanted("webhook", "given")]


def test_missing_secrets_are_made_and_others_kept(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("mine", encoding="utf-8")
    done = write_missing(WANTED, tmp_path)
    assert (done.created, done.kept, done.missing) == (("users",), ("password",), ("webhook",))
    assert (tmp_path / "password").read_text(encoding="utf-8") == "mine"
    assert re.fullmatch(r"admin:[\w-]{32}\n", (tmp_path / "users").read_text(encoding="utf-8"))


def test_secret_files_keep_others_out_and_stay_out_of_git(tmp_path: Path) -> None:
    write_missing(WANTED, tmp_path / "new")
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in [tmp_path / "new", *(tmp_path / "new").iterdir()]}
    assert modes == {"new": 0o700, "password": 0o644, "users": 0o644, ".gitignore": 0o644}
    assert (tmp_path / "new" / ".gitignore").read_text(encoding="utf-8") == "*\n"


def test_random_values_differ(tmp_path: Path) -> None:
    write_missing(WANTED, tmp_path / "a")
    write_missing(WANTED, tmp_path / "b")
    assert (tmp_path / "a/password").read_bytes() != (tmp_path / "b/password").read_bytes()


def test_placeholders_are_written_only_when_asked_for(tmp_path: Path) -> None:
    assert write_missing(WANTED, tmp_path, placeholders=True).created == ("password", "users", "webhook")


EVERY_IMAGE = (*images.IMAGES, *(i for s in registry.sources().values() for i in s.versions.values()))


def test_every_tag_is_pinned_or_asked_for_and_somebody_saw_it() -> None:
    assert [i.component for i in EVERY_IMAGE if not i.tag or i.tag == "latest"] == ["celery-exporter"]
    assert [i for i in EVERY_IMAGE if not re.fullmatch(r"20\d\d-\d\d-\d\d", i.seen) or not i.evidence] == []


def test_a_tag_stands_only_where_its_image_does() -> None:
    code = {
        path: path.read_text(encoding="utf-8")
        for folder in ("generator", "templates")
        for path in (Path(__file__).parents[2] / folder).rglob("*.*")
        if path.suffix in (".py", ".j2") and path.name != "images.py"
    }
    tags = [f"{i.name}:{i.tag}" for i in EVERY_IMAGE if i.tag]
    assert [(path.name, tag) for path, text in code.items() for tag in tags if tag in text] == []


def test_a_tag_of_stack_yaml_is_used_everywhere(tmp_path: Path) -> None:
    made = _made(tmp_path, STACK + 'versions: {celery-exporter: "9.9.9", grafana: 14.0.0, prometheus: v9}\n')
    text = made.files["docker-compose.yml"] + made.files["exporters/celery-exporter.yml"]
    assert text.count("danihodovic/celery-exporter:9.9.9") == 2
    assert "grafana/grafana:14.0.0 # tag from stack.yaml, versions.grafana" in text
    assert "prom/prometheus:v9 #" in text


def test_the_command_names_files_and_never_their_text(tmp_path: Path) -> None:
    _made(tmp_path)
    stack, output = str(tmp_path / "stack.yaml"), tmp_path / "output"
    first = CliRunner().invoke(main, ["secrets", "--stack", stack, "--output", str(output)])
    second = CliRunner().invoke(main, ["secrets", "--stack", stack, "--output", str(output)])
    password = (output / compose.SECRETS / "grafana_admin_password").read_text(encoding="utf-8")
    assert "grafana_admin_password: created" in first.stderr
    assert "grafana_admin_password: kept" in second.stderr
    assert "slack_url: missing: only you know it" in second.stderr
    assert password not in first.output + second.output
