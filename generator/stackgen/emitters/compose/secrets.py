"""The secret files of the stack, each named once: here."""

from __future__ import annotations

from stackgen.catalog.launch import Secret
from stackgen.resolve.plan import Plan
from stackgen.spec.service_checks import files

ADMIN = Secret.named("grafana_admin_password", "random", "password of Grafana's user admin")
ELASTIC = Secret.named("elastic_password", "random", "password of Elasticsearch's superuser elastic")
KIBANA = Secret.named("kibana_password", "random", "password with which Kibana logs in to Elasticsearch")
KIBANA_KEY = Secret.named("kibana_encryption_key", "random", "key with which Kibana encrypts what it saves")
API_KEY = Secret.named("elasticsearch_api_key", "given", "API key of the log shipper, as id:key")


def alertmanager_secrets(plan: Plan) -> tuple[Secret, ...]:
    """Every file that stack.yaml's section `alerting` names."""
    found = dict.fromkeys(file for _, file in files(plan.spec.alerting))
    return tuple(Secret.at(file, "given", "named in stack.yaml under alerting") for file in found)


def log_secrets(plan: Plan) -> tuple[Secret, ...]:
    """What Filebeat needs for an Elasticsearch that is not ours."""
    logs = plan.spec.logs
    if logs is None or logs.elasticsearch.bundled:
        return ()
    file = logs.elasticsearch.ca_file
    ca = (Secret.at(file, "given", "certificate authority of Elasticsearch (PEM)"),) if file else ()
    return (API_KEY, *ca)


def aws_secrets(plan: Plan) -> tuple[Secret, ...]:
    """The credentials file of the CloudWatch agent, which looks for it in one place only."""
    logs = plan.spec.logs
    file = logs.cloudwatch.credentials_file if logs else None
    why = "AWS credentials with a profile [AmazonCloudWatchAgent], for the CloudWatch agent"
    return (Secret.at(file, "given", why, "/root/.aws/credentials"),) if file else ()


def loki_secrets(plan: Plan) -> tuple[Secret, ...]:
    """What Alloy and Grafana need for a Loki that is not ours."""
    logs = plan.spec.logs
    if logs is None or logs.loki.bundled:
        return ()
    why = {
        logs.loki.password_file: f"password of Loki's user {logs.loki.user}",
        logs.loki.token_file: "bearer token for Loki",
        logs.loki.ca_file: "certificate authority of Loki (PEM)",
    }
    return tuple(Secret.at(file, "given", text) for file, text in why.items() if file)
