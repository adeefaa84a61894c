"""Are there workers, and do they have room to work?"""

from __future__ import annotations

from fractions import Fraction

from stackgen.catalog import input_shapes, promql
from stackgen.catalog.runbook import Command
from stackgen.catalog.series import (
    QUEUE_LENGTH,
    WORKER_CPU,
    WORKER_MEMORY,
    WORKER_START,
    WORKERS_ACTIVE,
    WORKERS_SERVING,
)
from stackgen.catalog.signal import Level, Signal, guide
from stackgen.catalog.site import Site
from stackgen.catalog.source import RecordingRule

_DASHBOARD = "celery-workers"

_AT_ZERO = "no worker is normal while nothing waits (celery.fleet.scales_to_zero); workers_needed judges"


def _waiting(site: Site) -> str:
    return promql.select(QUEUE_LENGTH.name, site.working())


WORKERS_ACTIVE_SIGNAL = Signal(
    id="workers_active",
    alert="CeleryNoWorkersRunning",
    title="Active workers",
    family="workers",
    unit="workers",
    by=(),
    needs=(WORKERS_ACTIVE,),
    expr=lambda site: WORKERS_ACTIVE.name,
    shape=input_shapes.Value(WORKERS_ACTIVE),
    bad_when="below",
    levels={
        "critical": Level(
            Fraction(1),
            hold=120,
            source=guide("Worker Health Metrics", "Critical Alerts"),
            hold_source=guide("Critical Alerts"),
        )
    },
    summary="No Celery worker is running ({value} of at least {limit})",
    action="Start the workers; look at why they stopped: deploy, out of memory, lost broker.",
    meaning="No worker answers, so no background task is processed and every queue grows.",
    causes=(
        "a deployment stopped the old workers and the new ones do not start",
        "the kernel killed them for memory",
        "they cannot reach the broker, or its password changed",
    ),
    applies=lambda site: _AT_ZERO if site.scales_to_zero else "",
    dashboard=_DASHBOARD,
)

WORKERS_NEEDED = WORKERS_ACTIVE_SIGNAL._replace(
    id="workers_needed",
    title="Active workers while tasks wait",
    family="queues",
    needs=(WORKERS_ACTIVE, QUEUE_LENGTH),
    record="celery:workers_active:needed",
    expr=lambda site: f"{WORKERS_ACTIVE.name} and on () sum({_waiting(site)}) > 0",
    shape=input_shapes.Value(
        WORKERS_ACTIVE, beside=((QUEUE_LENGTH, Fraction(1)),), silenced_by=((QUEUE_LENGTH, Fraction(0)),)
    ),
    # As long as it may take to start the first worker.
    levels={"critical": Level(Fraction(1), hold=300)},
    summary="Tasks wait and no Celery worker is running",
    action="See why the autoscaler starts none: its trigger, its quota, an image that cannot be pulled.",
    causes=("the autoscaler does not see the queue", "no room in the cluster", "workers crash at start"),
    applies=lambda site: "" if site.scales_to_zero else "the fleet does not scale to zero (celery.fleet)",
)

_FLEET = "celery:workers_active:steady"


def _fleet(site: Site) -> tuple[tuple[str, RecordingRule], ...]:
    """The number of workers that there were all the time: it follows a loss at once, and a gain when it has lasted."""
    return ((_FLEET, RecordingRule(f"min_over_time({WORKERS_ACTIVE.name}[{promql.seconds(site.fleet_settles)}])")),)


WORKERS_MISSING = Signal(
    id="workers_missing",
    alert="CeleryWorkersMissing",
    title="Active workers, of the most in the last hour",
    family="workers",
    unit="ratio",
    by=(),
    needs=(WORKERS_ACTIVE,),
    record="celery:workers_active:ratio1h",
    before=_fleet,
    expr=lambda site: f"{WORKERS_ACTIVE.name} / (max_over_time({_FLEET}[1h]) > 0)",
    shape=input_shapes.Fleet(WORKERS_ACTIVE),
    bad_when="below",
    levels={"warning": Level(Fraction(75, 100), hold=600)},
    applies=lambda site: "the fleet scales on purpose (celery.fleet.scales, min_workers)" if site.scales else "",
    summary="Only {value} of the last hour's Celery workers are left",
    action="Find the workers that are gone. If it is an autoscaler's work, say so: `celery.fleet.scales`.",
    meaning="Part of the fleet is gone, the rest works on, more slowly. A deployment's extra workers do not count.",
    causes=(
        "one host or pod died and was not replaced",
        "workers crash at start on some hosts only",
        "the fleet was made smaller on purpose (ends by itself within an hour)",
    ),
    dashboard=_DASHBOARD,
)

WORKERS_SERVING_SIGNAL = Signal(
    id="workers_serving",
    alert="CeleryWorkerMetricsMissing",
    title="Workers that serve their metrics, while workers are active",
    family="workers",
    unit="workers",
    by=(),
    needs=(WORKERS_ACTIVE, WORKERS_SERVING),
    record="celery:workers_serving:needed",
    expr=lambda site: f"{WORKERS_SERVING.name} and on () {WORKERS_ACTIVE.name} > 0",
    shape=input_shapes.Value(
        WORKERS_SERVING,
        beside=((WORKERS_ACTIVE, Fraction(1)),),
        silenced_by=((WORKERS_ACTIVE, Fraction(0)),),
    ),
    bad_when="below",
    levels={"warning": Level(Fraction(1), hold=600)},
    one_source="workers are counted by their own endpoints; CeleryNoWorkersRunning says it",
    commands=(
        Command("curl -sS {prometheus}/api/v1/targets", "Where Prometheus looks for workers: see `lastError`."),
        Command("curl -sS http://<worker>:<port>/metrics", "What one worker serves; its log names the port."),
    ),
    summary="Celery workers run, and not one of them serves metrics",
    action="Open a worker's `/metrics`. See that celery_monitoring is set up in the application, and the port is open.",
    meaning="Workers work, but what only they themselves can tell is not measured: alerts on it stay silent.",
    causes=(
        "the application does not call `celery_monitoring.setup`, or a release lost it",
        "Prometheus looks at another host or port than the workers listen on",
        "a firewall or network policy is between them",
    ),
    dashboard=_DASHBOARD,
)

WORKER_CPU_SIGNAL = Signal(
    id="worker_cpu",
    alert="CeleryWorkerHighCPU",
    title="Worker CPU",
    family="workers",
    unit="ratio",
    by=("worker",),
    needs=(WORKER_CPU,),
    # After a missed scrape `increase` sees less than the whole window and would dip; see it through.
    record="celery:worker_cpu:bridged_ratio5m",
    expr=lambda site: f"max_over_time({WORKER_CPU.name}[{site.bridge}])",
    shape=input_shapes.Value(WORKER_CPU, Fraction(1, 6000)),
    levels={
        "warning": Level(
            Fraction(90, 100),
            hold=600,
            source=guide("Worker Health Metrics", "Warning Alerts"),
            hold_source=guide("Warning Alerts"),
        )
    },
    summary="Worker {worker} uses {value} of its CPU (limit {limit})",
    action="See whether its queues grow; if so add workers, else leave it: busy is what workers are for.",
    meaning="The pool's processes compute nearly all the time; new tasks will wait.",
    causes=("more work than before", "a task in an endless loop", "concurrency above the CPU limit of the container"),
    dashboard=_DASHBOARD,
)

WORKER_MEMORY_SIGNAL = Signal(
    id="worker_memory",
    alert="CeleryWorkerHighMemory",
    title="Worker memory",
    family="workers",
    unit="ratio",
    by=("worker",),
    needs=(WORKER_MEMORY,),
    expr=lambda site: WORKER_MEMORY.name,
    shape=input_shapes.Value(WORKER_MEMORY, Fraction(1, 1000)),
    levels={
        "warning": Level(
            Fraction(85, 100),
            hold=600,
            source=guide("Worker Health Metrics", "Warning Alerts"),
            hold_source=guide("Warning Alerts"),
        )
    },
    summary="Worker {worker} uses {value} of its memory limit (limit {limit})",
    action="Restart it before the kernel kills it in the middle of a task; set worker_max_memory_per_child.",
    meaning="The worker is close to its limit; beyond it the kernel kills a pool process and its task is lost.",
    causes=("a leak in a task", "one task that loads too much at once", "a limit too small for the concurrency"),
    dashboard=_DASHBOARD,
)

WORKER_UPTIME = Signal(
    id="worker_uptime",
    alert="CeleryWorkerRestarted",
    title="Worker uptime",
    family="workers",
    unit="seconds",
    by=("worker",),
    needs=(WORKER_START,),
    record="celery:worker_uptime:seconds",
    expr=lambda site: f"time() - {WORKER_START.name}",
    shape=input_shapes.Age(WORKER_START),
    bad_when="below",
    levels={
        "info": Level(Fraction(300), source=guide("Worker Health Metrics")),
    },
    summary="Worker {worker} started {value} ago",
    action="After a deployment this is normal; else look at why it stopped.",
    meaning="The worker has just started.",
    causes=("a deployment", "a crash", "killed for memory"),
    dashboard=_DASHBOARD,
)

WORKER_RESTARTS = Signal(
    id="worker_restarts",
    alert="CeleryWorkerRestarted",
    title="Worker starts in an hour",
    family="workers",
    unit="count",
    by=("worker",),
    needs=(WORKER_START,),
    # What restarts it waits longer each time, up to five minutes: no start is young for long, so starts are counted.
    record="celery:worker_restarts:changes1h",
    expr=lambda site: f"changes({WORKER_START.name}[1h])",
    shape=input_shapes.Tally(WORKER_START, window=3600),
    levels={"warning": Level(Fraction(3))},
    summary="Worker {worker} started again {value:time} within an hour (limit {limit})",
    action="It is a restart loop: read the worker's last log lines, and why its container ended.",
    meaning="The worker starts, stops and is started again. What it was doing is lost or done twice.",
    causes=("a crash at start: import error, missing setting", "killed for memory by the same task again and again"),
    dashboard=_DASHBOARD,
)
