"""What must be seen of a system in a certain state, besides its alerts; "" when it is, else what is seen instead."""

from __future__ import annotations

from collections.abc import Mapping

from stackgen.catalog.series_schedule import BEATS
from tests.live.answered import ask
from tests.live.cluster import WORKERS, Cluster

Facts = Mapping[str, float]
"""Queries to Prometheus, and their answers when all is well."""
BY_FLOWER: Facts = {
    'sum(flower_worker_online{job="flower"})': len(WORKERS),
    'count(sum by (worker) (flower_events_total{job="flower", type="task-succeeded"}) > 0)': len(WORKERS),
}
BY_PROBE: Facts = {
    'celery_workers_active{job="celery-probe"}': len(WORKERS),
    'celery_queue_consumers{job="celery-probe", queue="bulk"}': len(WORKERS),
}
BY_RABBITMQ: Facts = {
    'celery_queue_consumers{job="celery-probe", queue="orphan"}': 0,
    'sum(rabbitmq_detailed_queue_consumers{job="rabbitmq", queue="bulk"})': len(WORKERS),
}
BY_EXPORTER: Facts = {
    'sum(celery_worker_up{job="celery-exporter"})': len(WORKERS),
    'sum(celery_active_worker_count{job="celery-exporter", queue_name="bulk"})': len(WORKERS),
}
BY_BEAT: Facts = {f"{BEATS.name}": 1}


def value(cluster: Cluster, query: str) -> float | None:
    """The value of a query that has one."""
    found = ask(cluster, "query", query=query)["result"]
    return float(found[0]["value"][1]) if len(found) == 1 else None


def that_facts_hold(cluster: Cluster, facts: Facts) -> list[str]:
    """Every fact that does not hold."""
    found = {query: value(cluster, query) for query in facts}
    return [f"{q} is {found[q]}, not {wanted}" for q, wanted in facts.items() if found[q] != wanted]


def that_depths_agree(cluster: Cluster) -> str:
    """What the probe declares passively is what RabbitMQ itself counts, and what the health check says."""
    ours = value(cluster, 'celery_queue_length{job="celery-probe", queue="orphan"}')
    theirs = value(cluster, 'rabbitmq_detailed_queue_messages_ready{job="rabbitmq", queue="orphan"}')
    if ours != 1 or theirs != 1:
        return f"of one message the probe says {ours}, RabbitMQ {theirs}"
    healthy = cluster.health("queues", "--queue", "orphan", "--queue", "none", "--limit", "1")
    sick = cluster.health("queues", "--queue", "orphan", "--limit", "0")
    if healthy != (0, "orphan 1, none 0; limit 1") or sick != (1, "orphan 1; limit 0; over it: orphan"):
        return f"the health check says {healthy} and {sick}"
    return ""


def that_it_is_flooded(cluster: Cluster) -> str:
    """The health check says which queue is over its limit, and the workers are ready all the same."""
    code, text = cluster.health("queues", "--limit", "100")
    ready = cluster.health("ready", "--timeout", "30", "--worker", WORKERS[0])
    if code != 1 or not text.endswith("over it: bulk") or ready[0]:
        return f"the health checks say {code}: {text}; {ready}"
    return ""


def that_the_broker_is_down(cluster: Cluster) -> str:
    """No check is healthy but that of life, and the doctor names the broker."""
    ready, live = (cluster.health(what, "--worker", WORKERS[0]) for what in ("ready", "live"))
    queues = cluster.health("queues")
    if ready[0] != 1 or queues[0] != 1 or live[0] != 0 or "the broker does not answer" not in queues[1]:
        return f"the health checks say {ready}, {queues}, {live}"
    named = [one.what for one in cluster.examined() if one.rule == "unreachable"]
    return "" if any("broker" in what for what in named) else f"the doctor finds only {named}"
