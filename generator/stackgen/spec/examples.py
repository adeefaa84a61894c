"""An example for each section of stack.yaml, for its reference page; a test reads each as part of a small stack."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: Mapping[str, str] = {
    "": """\
version: 1
stack: {name: shop}
celery: {app: proj, broker: {kind: redis}}
queues:
  celery:
outputs: [prometheus, grafana, alertmanager, runbooks]
versions: {prometheus: v3.5.3}
shared: [grafana]
""",
    "stack": """\
stack:
  name: shop
  environment: staging
  owner: team-shop
  labels: {region: eu-west-1}
""",
    "celery": """\
celery:
  app: proj.celery:app
  version: "5.7"
  worker_memory_limit: 1.5GiB
  fleet: {settles: 30m, scales: true}
  broker:
    kind: redis
    url_file: /run/secrets/broker_url
    database: 3
    transport_options: {global_keyprefix: "shop:"}
    tls: {ca_file: /run/secrets/redis_ca.pem}
""",
    "queues": """\
queues:
  celery:
  mail:
    owner: team-mail
    min_workers: 2
    thresholds:
      queue_length: {warning: 100, critical: 500}
  dead_mail: {role: dead_letter}
  tenant-*:
    thresholds:
      queue_length: {warning: 50}
""",
    "tasks": """\
tasks:
  shop.tasks.nightly: {period: 1d, owner: team-reports}
  shop.tasks.report: {period: 25h, weekdays: [monday, tuesday, wednesday, thursday, friday]}
  shop.reports.*: {owner: team-reports}
  shop.tasks.tick: {expires: wanted}
  shop.tasks.pay:
    thresholds:
      task_failure_ratio: {warning: 1%, critical: 5%}
""",
    "thresholds": """\
thresholds:
  queue_length: {warning: 500, critical: 2000, for: 10m}
  task_duration_p95: {warning: {threshold: 5m, keep_firing_for: 10m}}
  task_failure_ratio: {info: 1%, warning: 2%, critical: never, min_tasks: 50, min_failures: 10}
  workers_active: {critical: {threshold: 2, for: 1m}}
  worker_uptime: {enabled: false}
""",
    "ignore": """\
ignore:
  tasks: [shop.debug.*]
  queues: ["*.pidbox"]
  unlisted_queues: true
""",
    "sources": """\
sources:
  - celery-exporter
  - {name: worker, targets: ["dns:shop-worker:9809"]}
  - {name: beat, targets: ["dns:shop-beat:9811"]}
  - {name: redis, targets: ["redis-exporter.example.com:9121"]}
  - {name: flower, kubernetes: {selector: app=flower, namespace: shop}}
shared: [prometheus]
""",
    "prometheus": """\
prometheus: {scrape_interval: 15s, evaluation_interval: 30s}
""",
    "links": """\
links:
  grafana: https://grafana.example.com
  prometheus: https://prometheus.example.com
  alertmanager: https://alerts.example.com
  runbooks: https://github.com/example/shop/blob/main/output/runbooks
""",
    "alerting": """\
alerting:
  receivers:
    oncall: {pagerduty: {routing_key_file: /run/secrets/pagerduty_routing_key}}
    chat: {slack: {api_url_file: /run/secrets/slack_api_url, channel: "#celery"}}
    post: {email: {to: shop@example.com, from: alerts@example.com, smarthost: "smtp.example.com:587"}}
    teams: {msteamsv2: {webhook_url_file: /run/secrets/teams_url}}
    genie: {opsgenie: {api_key_file: /run/secrets/opsgenie_key}}
    deadman: {webhook: {url_file: /run/secrets/deadman_url}}
  default: {critical: oncall, warning: chat, info: nobody}
  owners:
    team-mail: {critical: genie, warning: post}
  queues:
    mail: {warning: teams}
  watchdog: deadman
  timing:
    critical: {group_wait: 10s, repeat_interval: 30m}
  mute:
    - {name: night, times: ["00:00-06:00"], location: Europe/Berlin, severities: [info, warning]}
""",
    "flower": """\
flower:
  url_prefix: /flower
  basic_auth: {users_file: /run/secrets/flower_users}
""",
    "app": """\
app:
  logs: {path: /var/log/celery/worker.log, allow_arguments: {shop.tasks.pay: [order_id]}}
  metrics: {enabled: true, port: 9809}
  beat: {port: 9811}
  sentry: {enabled: true, traces_sample_rate: 5%}
  newrelic: {enabled: true, app_name: shop-workers}
  opentelemetry: {enabled: true}
""",
    "logs": """\
logs:
  shippers: [filebeat, alloy, cloudwatch]
  path: /var/log/celery/*.log
  elasticsearch: {hosts: ["https://es.example.com:9200"], ca_file: /run/secrets/es_ca}
  loki: {url: "https://loki.example.com", tenant: shop}
  cloudwatch: {region: eu-central-1, retention_days: 30}
""",
    "compose": """\
compose:
  project: shop-monitoring
  ports: {prometheus: 19090, grafana: 13000}
  retention: 30d
  engine: {data: /srv/docker}
  services:
    prometheus: {image: mirror.example.com/prom/prometheus, memory: 2GiB, networks: [shop_default]}
    celery-exporter: {extra_hosts: ["host.docker.internal:host-gateway"]}
""",
    "grafana_managed": """\
grafana_managed:
  datasource: grafanacloud-prom
  notifies: true
""",
    "kubernetes": """\
kubernetes:
  namespace: shop
  labels: {release: kube-prometheus-stack}
  annotations: {argocd.argoproj.io/sync-options: ServerSideApply=true}
  secret: shop-env
  external_secrets: {store: vault, entry: shop/celery}
  images: {celery-exporter: "mirror.example.com/celery-exporter:1.0"}
  dashboards: {folder_annotation: grafana_folder}
""",
}
"""By the top-level key; "" is the file itself, with the keys that have no section of their own."""
