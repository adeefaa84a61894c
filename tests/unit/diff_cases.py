"""Changes of stack.yaml, and the lines that are said of each: one a cause."""

from __future__ import annotations

STACK = """\
version: 1
stack: {name: shop}
celery:
  app: shop
  broker: {kind: redis}
queues:
  celery:
  priority:
sources: [celery-exporter]
"""
ALERTING = """\
alerting:
  receivers:
    oncall: {pagerduty: {routing_key_file: /run/secrets/key}}
    chat: {slack: {api_url_file: /run/secrets/slack, channel: "#celery"}}
  default: {critical: oncall, warning: chat}
"""


def thresholds(text: str) -> str:
    """With these thresholds."""
    return f"{STACK}thresholds:\n  {text}\n"


def queue(text: str) -> str:
    """With these settings of a queue."""
    return STACK.replace("  priority:\n", f"  priority: {text}\n")


def sources(listed: str) -> str:
    """With these sources."""
    return STACK.replace("[celery-exporter]", f"[{listed}]")


def celery(text: str) -> str:
    """With this line about Celery."""
    return STACK.replace("  app: shop\n", f"  app: shop\n  {text}\n")


def alerting(before: str, after: str) -> str:
    """With receivers and routes, and one thing of them changed."""
    assert before in ALERTING
    return STACK + ALERTING.replace(before, after)


def _owned(owner: str, priority: str) -> str:
    """With a route of an owner, and one of a queue of this owner."""
    routes = f"  owners: {{data: {owner}}}\n  queues: {{priority: {priority}}}\n"
    return queue("{owner: data}") + ALERTING + routes


OWN = "{thresholds: {queue_length: {warning: 100, critical: 300}}}"
TASK = "tasks: {report: {period: 1h}}\n"

CASES = [
    (STACK, thresholds("queue_length: {critical: 8000}"), ["CeleryQueueBacklog critical 5000 → 8000"]),
    (STACK, thresholds("task_failure_ratio: {critical: 30%}"), ["CeleryHighFailureRate critical 20% → 30%"]),
    (STACK, thresholds("queue_growth: {warning: 20/s}"), ["CeleryQueueGrowing warning 10/s → 20/s"]),
    (STACK, thresholds("task_duration_p95: {warning: 7200s}"), ["CelerySlowTasks warning 5m → 2h"]),
    (
        STACK,
        thresholds("task_duration_p95: {for: 2m}"),
        ["CelerySlowTasks warning for 15m → 2m", "rule group tasks_durations evaluated every 4m → 1m"],
    ),
    # A limit of a queue's own is told from what held for the queue before, and to what holds then.
    (
        STACK,
        queue("{thresholds: {queue_length: {critical: 8000}}}"),
        ["CeleryQueueBacklog[priority] critical 5000 → 8000"],
    ),
    (
        queue("{thresholds: {queue_length: {critical: 7000}}}"),
        queue("{thresholds: {queue_length: {critical: 8000}}}"),
        ["CeleryQueueBacklog[priority] critical 7000 → 8000"],
    ),
    (
        queue("{thresholds: {queue_length: {critical: 8000}}}"),
        STACK,
        ["CeleryQueueBacklog[priority] critical 8000 → 5000"],
    ),
    (
        queue("{thresholds: {queue_length: {critical: 8000}}}"),
        queue("{thresholds: {queue_length: {critical: 8000}}}") + "thresholds: {queue_length: {critical: 6000}}\n",
        ["CeleryQueueBacklog critical 5000 → 6000"],
    ),
    (
        STACK,
        queue("{thresholds: {queue_length: {critical: 8000}}}").replace(
            "  celery:\n", "  celery: {thresholds: {queue_length: {critical: 8000}}}\n"
        ),
        ["CeleryQueueBacklog[celery, priority] critical 5000 → 8000"],
    ),
    (STACK, queue("{thresholds: {queue_length: {critical: 5000}}}"), []),
    (STACK, thresholds("queue_length: {for: 15m}"), ["CeleryQueueBacklog for 10m → 15m"]),
    (STACK, thresholds("queue_length: {warning: {for: 15m}}"), ["CeleryQueueBacklog warning for 10m → 15m"]),
    (STACK, thresholds("queue_length: {keep_firing_for: 5m}"), ["CeleryQueueBacklog keeps firing 0s → 5m"]),
    (STACK, thresholds("task_failure_ratio: {min_tasks: 50}"), ["CeleryHighFailureRate min_tasks 20 → 50"]),
    # So many tasks make the guard on failures needless: that is no second cause.
    (STACK, thresholds("task_failure_ratio: {min_tasks: 500}"), ["CeleryHighFailureRate min_tasks 20 → 500"]),
    (
        thresholds("queue_length: {warning: 1000}"),
        thresholds("queue_length: {enabled: false}"),
        ["CeleryQueueBacklog: removed: switched off in stack.yaml"],
    ),
    (
        STACK,
        thresholds("queue_growth: {critical: 50/s}"),
        ["CeleryQueueGrowing critical: now pages (above 50/s for 10m)"],
    ),
    (
        STACK,
        thresholds("queue_length: {critical: never}"),
        ["CeleryQueueBacklog critical: no longer pages (above 5000 for 10m)"],
    ),
    (STACK, STACK + TASK, [
            "CeleryTaskOverdue: new alert (warning above its own limit (report 1h))",
            "CeleryTaskTooOften: new alert (warning above 5)",
        ]),
    (
        STACK + TASK,
        STACK + TASK.replace("report", "mail: {period: 2h}, report"),
        ["CeleryTaskOverdue[mail] warning not judged → 2h"],
    ),
    (STACK + TASK, STACK + TASK.replace("1h", "90m"), ["CeleryTaskOverdue[report] warning 1h → 1h30m"]),
    # What many alerts lose for one reason is one line a severity.
    (
        STACK,
        celery("events: false"),
        [
            "CeleryHighFailureRate: removed: celery-exporter: the workers send no events (celery.events is false)",
            "CeleryEvidenceContradicted (consumers_evidence): removed: no second source can tell",
            "CeleryQueueStuck, CeleryQueueDrainsTooSlowly, CeleryLowSuccessRate and 6 more: removed: celery-exporter: "
            "the workers send no events (celery.events is false)",
            "celery.events true → false",
        ],
    ),
    # Sources, shippers and queues bring what they bring.
    (
        STACK,
        sources("celery-exporter, redis"),
        [
            "source redis: new (v1.88.0, redis-exporter:9121), and with it CeleryBrokerDown (critical below 1 for 1m), "
            "CeleryEvidenceContradicted (broker_evidence) (warning below 1 for 2m), "
            "CeleryEvidenceContradicted (length_evidence) (warning below 1 for 5m)",
            # What two sources say is not blind without the one, so it is not muted with it.
            "CeleryQueueBacklog, CeleryQueueGrowing silenced by: −CeleryExporterDown of celery-exporter",
        ],
    ),
    (
        sources("celery-exporter, redis"),
        STACK,
        [
            "source redis: removed, and with it CeleryBrokerDown (critical below 1 for 1m), "
            "CeleryEvidenceContradicted (broker_evidence) (warning below 1 for 2m), "
            "CeleryEvidenceContradicted (length_evidence) (warning below 1 for 5m)",
            # What two sources say is not blind without the one, so it is not muted with it.
            "CeleryQueueBacklog, CeleryQueueGrowing silenced by: +CeleryExporterDown of celery-exporter",
        ],
    ),
    (
        STACK,
        sources("{name: celery-exporter, targets: ['a:1', 'b:2']}"),
        ["source celery-exporter targets: +a:1 +b:2 −celery-exporter:9808"],
    ),
    (
        sources("celery-exporter, redis"),
        sources("redis, celery-exporter"),
        ["recorded series celery:queue_length:max source celery-exporter → redis"],
    ),
    (
        STACK,
        STACK + "logs: {shippers: [alloy]}\n",
        [
            "log shipper alloy: new, and with it CeleryLogLinesDropped (warning above 0), CeleryLogsMissing "
            "(warning above 15m for 2m), CeleryTaskFailuresLogged (warning above 100) and 2 more"
        ],
    ),
    (
        STACK,
        STACK.replace("  priority:\n", f"  priority:\n  bulk: {OWN}\n"),
        ["queue bulk: new, and with it CeleryQueueBacklog critical 300, CeleryQueueBacklog warning 100"],
    ),
    (STACK.replace("  priority:\n", f"  priority:\n  bulk: {OWN}\n"), STACK, ["queue bulk: removed"]),
    (
        STACK,
        STACK.replace("  priority:\n", "  priority:\n  dead: {role: dead_letter, owner: data}\n"),
        [
            "CeleryDeadLetters: new alert (warning above 100 for 5m)",
            "queue dead: new (role dead_letter, owner data)",
        ],
    ),
    # Who is told.
    (STACK, STACK.replace("{name: shop}", "{name: shop, owner: sre}"), ["every alert owner platform → sre"]),
    (STACK, queue("{owner: payments}"), ["queue priority owner platform → payments"]),
    (STACK, STACK + "tasks: {report: {owner: data}}\n", ["task report owner platform → data"]),
    (
        STACK,
        STACK.replace("{name: shop}", "{name: shop, environment: test, labels: {team: red}}"),
        ["every alert label environment production → test", "every alert label team none → red"],
    ),
    (
        STACK + ALERTING,
        alerting("critical: oncall", "critical: chat"),
        ["route of critical alerts receiver oncall → chat"],
    ),
    (
        STACK + ALERTING,
        alerting("{critical: oncall, warning: chat}", "{info: chat}"),
        [
            "route of critical alerts receiver oncall → nobody",
            "route of warning alerts receiver chat → nobody",
            "route of info alerts receiver nobody → chat",
        ],
    ),
    (STACK + ALERTING, alerting('"#celery"', '"#other"'), ["receiver chat slack.channel #celery → #other"]),
    (
        STACK + ALERTING,
        alerting("  default", "    hook: {webhook: {url: 'http://hook'}}\n  default"),
        ["receiver hook: new (webhook)"],
    ),
    (
        STACK + ALERTING,
        alerting("  default", "  queues: {priority: {critical: chat}}\n  default"),
        ["route of queue priority: new (critical alerts: chat, warning alerts: chat, info alerts: nobody)"],
    ),
    # Nor one that follows its owner.
    (
        _owned("{critical: chat}", "{warning: oncall}"),
        _owned("{critical: oncall}", "{warning: oncall}"),
        ["route of owner data critical chat → oncall"],
    ),
    # A queue that follows the default in a severity does not repeat it.
    (
        alerting("  default", "  queues: {priority: {critical: chat}}\n  default"),
        alerting("  default", "  queues: {priority: {critical: chat}}\n  default").replace("ng: chat", "ng: oncall"),
        ["route of warning alerts receiver chat → oncall"],
    ),
    (
        STACK + ALERTING,
        alerting("  default", "  watchdog: chat\n  default"),
        ["route of CeleryWatchdog receiver nobody → chat"],
    ),
    (
        STACK + ALERTING,
        alerting("  default", "  timing: {critical: {repeat_interval: 2h}}\n  default"),
        ["route of critical alerts repeat_interval 1h → 2h"],
    ),
    (
        STACK + ALERTING,
        alerting("  default", "  mute: [{name: night, times: ['00:00-06:00']}]\n  default"),
        ["mute time night: new (00:00-06:00, UTC, info, warning)"],
    ),
    # Everything else is told by its place in stack.yaml.
    (STACK, STACK + "prometheus: {scrape_interval: 15s}\n", ["prometheus.scrape_interval 30s → 15s"]),
    (STACK, STACK + "prometheus: {evaluation_interval: 15s}\n", ["prometheus.evaluation_interval 30s → 15s"]),
    (STACK, STACK + "links: {grafana: 'https://graphs.example.com'}\n", ["links.grafana none → https://graphs.example.com"]),
    (STACK, STACK + "ignore: {queues: ['*.pidbox']}\n", ["ignore.queues: +*.pidbox"]),
    (STACK, STACK + "versions: {grafana: '12.0.0'}\n", ["versions.grafana none → 12.0.0"]),
    (STACK, celery("worker_memory_limit: 1536MiB"), ["celery.worker_memory_limit none → 1.5GiB"]),
    (
        STACK + "outputs: [prometheus]\n",
        STACK + "outputs: [prometheus, grafana]\n",
        ["outputs: +grafana"],
    ),
]  # fmt: skip
