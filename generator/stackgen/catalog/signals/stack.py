"""Can the other alerts be believed? The monitoring watches itself."""

from __future__ import annotations

from fractions import Fraction

from stackgen.catalog import input_shapes
from stackgen.catalog.runbook import Command
from stackgen.catalog.series import (
    BROKER_BLOCKED,
    BROKER_EXPIRED,
    BROKER_UP,
    LOG_LINES_DROPPED,
    NOTIFICATION_FAILURES,
    RULE_FAILURES,
    SOURCE_FAILED_SCRAPES,
    SOURCE_UP,
)
from stackgen.catalog.signal import Level, Signal
from stackgen.catalog.site import Site
from stackgen.catalog.sources.prometheus import FAILURES_IN_A_ROW
from stackgen.catalog.sources.rabbitmq import ALARMS
from stackgen.catalog.sources.shippers import ALLOY, DISCARDED, DROPPED, LOKI

_DASHBOARD = "celery-stack"


def _missed(site: Site) -> str:
    return "" if site.jobs else "only workers are scraped, and other alerts miss those"


EXPORTER_DOWN = Signal(
    id="exporter_down",
    alert="CeleryExporterDown",
    title="Sources of metrics up",
    family="stack",
    unit="count",
    by=("source",),
    only_names=lambda site: tuple(site.jobs),
    applies=_missed,
    needs=(SOURCE_UP,),
    expr=lambda site: SOURCE_UP.name,
    shape=input_shapes.Value(SOURCE_UP),
    bad_when="below",
    levels={"critical": Level(Fraction(1), hold=120)},
    commands=(
        Command("curl -sS {prometheus}/api/v1/targets", "What Prometheus says of each target: see `lastError`."),
    ),
    summary="No metrics from {source}: its alerts are blind",
    action="See whether it runs and reaches the broker; celery-exporter also goes down with its broker.",
    meaning="Prometheus cannot scrape this source. Alerts that depend on it say nothing, good or bad.",
    causes=(
        "the exporter crashed",
        "the broker is down",
        "the network or its address changed",
        "a scrape times out",
        "it runs, and Prometheus refuses its answer: since 3.0 one whose Content-Type is blank or unknown; "
        "`lastError` says so (`fallback_scrape_protocol` accepts it)",
    ),
    dashboard=_DASHBOARD,
)

BROKER_DOWN = Signal(
    id="broker_down",
    alert="CeleryBrokerDown",
    title="Broker up",
    family="stack",
    unit="count",
    by=(),
    needs=(BROKER_UP,),
    expr=lambda site: BROKER_UP.name,
    shape=input_shapes.Value(BROKER_UP),
    bad_when="below",
    levels={"critical": Level(Fraction(1), hold=60)},
    asks_broker=True,
    summary="The Celery broker does not answer",
    action="Bring the broker back; workers reconnect by themselves. Then look for tasks that were lost.",
    meaning="No task can be sent or received.",
    causes=("the broker crashed or ran out of memory", "its disk is full", "the network"),
    dashboard=_DASHBOARD,
)

BROKER_BLOCKED_SIGNAL = Signal(
    id="broker_blocked",
    alert="CeleryBrokerDown",
    title="Alarms with which the broker blocks publishers",
    family="stack",
    unit="count",
    by=("alarm",),
    only_names=lambda site: tuple(ALARMS),
    needs=(BROKER_BLOCKED,),
    expr=lambda site: BROKER_BLOCKED.name,
    shape=input_shapes.Value(BROKER_BLOCKED),
    applies=lambda site: "" if site.broker == "rabbitmq" else "only RabbitMQ blocks publishers",
    levels={"critical": Level(Fraction(0), hold=60)},
    commands=(
        Command("rabbitmq-diagnostics alarms", "Which alarms are in effect, and on which node."),
        Command("rabbitmq-diagnostics memory_breakdown", "What holds the memory."),
    ),
    summary="RabbitMQ takes no messages: its alarm for {alarm} is on",
    action="Free what the alarm is about: let workers drain queues, add memory or disk. Publishers wait or time out.",
    meaning="RabbitMQ stopped reading from everybody who publishes: tasks are lost or hang in the application, "
    "workers' heartbeats and answers do not arrive. Workers are alive, whatever else says that they are not.",
    causes=(
        "queues grew until their messages filled the memory",
        "the disk is nearly full: logs, persistent messages",
        "the watermark is set too low for this load",
    ),
    dashboard=_DASHBOARD,
)

BROKER_EXPIRED_SIGNAL = Signal(
    id="broker_expired",
    alert="CeleryMessagesExpire",
    title="Messages that RabbitMQ dropped unread, in 10 minutes",
    family="stack",
    unit="tasks",
    by=(),
    needs=(BROKER_EXPIRED,),
    expr=lambda site: BROKER_EXPIRED.name,
    shape=input_shapes.Value(BROKER_EXPIRED),
    applies=lambda site: "" if site.broker == "rabbitmq" else "only RabbitMQ lets messages expire",
    # Longer than the window: events that expired once, while an exporter hung, are no finding.
    levels={"warning": Level(Fraction(0), hold=900)},
    sees_bursts=False,
    commands=(
        Command("rabbitmqctl list_queues name arguments policy", "Which queues have a time to live (x-message-ttl)."),
    ),
    summary="RabbitMQ dropped {value:message} whose time to live had passed, before anybody took them",
    action="Find the queue with a TTL, and see why its tasks wait so long; keep what expires in a dead letter queue.",
    meaning="Tasks that were sent are gone. No worker has heard of them, so none counts, logs or reports them.",
    causes=(
        "a queue or policy has x-message-ttl, or tasks are sent with `expiration`, and workers are too slow or away",
        "a receiver of events hangs (celery-exporter, Flower): those expire after 5 s, and count here too",
    ),
    dashboard=_DASHBOARD,
)

SCRAPE_FAILURES = Signal(
    id="scrape_failures",
    alert="CeleryScrapesFailing",
    title="Failed scrapes in 15 minutes",
    family="stack",
    unit="count",
    by=("source",),
    only_names=lambda site: tuple(site.jobs),
    applies=_missed,
    needs=(SOURCE_FAILED_SCRAPES,),
    expr=lambda site: SOURCE_FAILED_SCRAPES.name,
    shape=input_shapes.Failures(SOURCE_FAILED_SCRAPES, FAILURES_IN_A_ROW),
    # More than a quarter of 15 minutes' scrapes; an interval of 75 s still has so many.
    levels={"warning": Level(Fraction(8))},
    commands=(
        Command(
            "curl -sS {prometheus}/api/v1/targets",
            "How long each scrape takes, `lastScrapeDuration`, beside the timeout of {scrape_timeout}.",
        ),
    ),
    summary="{value:scrape} of {source} failed in 15 minutes (limit {limit})",
    action="Compare its scrape duration with the timeout: celery-exporter needs over 2 s a scrape.",
    meaning="The source comes and goes; counts have holes and alerts react late. "
    "An outage, which CeleryExporterDown tells, counts as three.",
    causes=("the exporter is short of CPU", "it restarts again and again", "a scrape timeout that is too short"),
    dashboard=_DASHBOARD,
)

RULE_FAILURES_SIGNAL = Signal(
    id="rule_failures",
    alert="CeleryRuleEvaluationFailing",
    title="Failed rule evaluations in 5 minutes",
    family="stack",
    unit="count",
    by=("rule_group",),
    only_names=lambda site: (f"/etc/prometheus/rules/{site.named('tasks')}.yml;{site.named('tasks')}",),
    needs=(RULE_FAILURES,),
    expr=lambda site: RULE_FAILURES.name,
    shape=input_shapes.Value(RULE_FAILURES),
    levels={"warning": Level(Fraction(0), hold=300)},
    commands=(Command("curl -sS {prometheus}/api/v1/rules", "Why the rule cannot be evaluated: see `lastError`."),),
    summary="Prometheus cannot evaluate rules of group {rule_group}",
    action="Open /rules in Prometheus: the failing rule shows its error.",
    meaning="An alert of this group is not evaluated, so it cannot fire.",
    causes=("two exporters whose series collide", "a rule edited by hand", "Prometheus is overloaded"),
    dashboard=_DASHBOARD,
)

NOTIFICATION_FAILURES_SIGNAL = Signal(
    id="notification_failures",
    alert="CeleryNotificationsFailing",
    title="Failed notifications in 5 minutes",
    family="stack",
    unit="count",
    by=("integration",),
    needs=(NOTIFICATION_FAILURES,),
    expr=lambda site: NOTIFICATION_FAILURES.name,
    shape=input_shapes.Value(NOTIFICATION_FAILURES),
    levels={"warning": Level(Fraction(0), hold=600)},
    commands=(
        Command("curl -sS {alertmanager}/-/ready", "Whether Alertmanager is up at all."),
        Command("amtool --alertmanager.url={alertmanager} alert", "What it would have told."),
    ),
    summary="Notifications through {integration} do not arrive",
    action="Read Alertmanager's log: a missing secret file or a changed address are the usual reasons.",
    meaning="Alerts fire and nobody is told.",
    causes=("a secret file is missing or expired", "the service refuses or is down", "no route out of the network"),
    dashboard=_DASHBOARD,
)

LINES_DROPPED = Signal(
    id="log_lines_dropped",
    alert="CeleryLogLinesDropped",
    title="Log lines dropped in 5 minutes",
    family="stack",
    unit="count",
    by=("program",),
    only_names=lambda site: tuple(name for name in (ALLOY, LOKI) if name in site.targets),
    needs=(LOG_LINES_DROPPED,),
    expr=lambda site: LOG_LINES_DROPPED.name,
    shape=input_shapes.Value(LOG_LINES_DROPPED),
    levels={"warning": Level(Fraction(0))},
    commands=(
        Command(
            f"curl -sS '{{prometheus}}/api/v1/query?query=sum+by+(reason)+(increase({DROPPED.name}[1h]))'",
            "What Alloy gave up within an hour, by reason; `ingester_error` is an answer of 400 or 413.",
        ),
        Command(
            f"curl -sS '{{prometheus}}/api/v1/query?query=sum+by+(reason)+(increase({DISCARDED.name}[1h]))'",
            "What Loki refused, by reason. It takes again later what is `rate_limited`; all else is lost.",
        ),
    ),
    summary="{program} dropped {value:line} of the log in 5 minutes",
    action="Ask by reason what was refused (see the runbook), and raise that limit in loki.yaml.",
    meaning="Lines were refused for good. They are in the workers' files, and will not be in Loki.",
    causes=(
        "lines older than Loki takes, such as after a long outage",
        "labels or structured metadata over Loki's limits",
        "a Loki that is not ours, with a smaller line size or with streams for which it has no room",
    ),
    dashboard=_DASHBOARD,
)

WATCHDOG = Signal(
    id="watchdog",
    alert="CeleryWatchdog",
    title="Watchdog",
    family="stack",
    unit="count",
    by=(),
    needs=(),
    expr=lambda site: "vector(1)",
    shape=input_shapes.Always(),
    levels={"info": Level(Fraction(0))},
    commands=(
        Command("curl -sS {alertmanager}/api/v2/alerts", "The alert as Alertmanager has it, and its receivers."),
    ),
    summary="Alerting works: this alert always fires",
    action="Route it to a dead man's switch that calls you when it stops.",
    meaning="It proves that Prometheus evaluates rules and that Alertmanager delivers. Silence is the alarm.",
    causes=("none: it always fires",),
    dashboard=_DASHBOARD,
)
