"""The profile `demo`: a broker, a Celery application that does everything the dashboards show, and its traffic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from stackgen.artefact import Artefact
from stackgen.catalog.images import default, from_demo
from stackgen.catalog.launch import Limits, Mount
from stackgen.emitters.compose.parts import LOGS, Health, Service, literal, pinned
from stackgen.resolve.plan import Plan

DEMO = ("demo",)
BROKERS: Mapping[str, str] = {"redis": "redis", "rabbitmq": "rabbitmq"}
"""The demo's broker by celery.broker.kind."""
PACKAGES = ("celery[redis]==5.7.0",)
"""What the demo's image installs; seen on PyPI 2026-11-22."""
_BY_PRIORITY = {"priority_steps": [0, 3, 6, 9], "queue_order_strategy": "priority"}
_FOLDER = "/var/log/celery"
_MODULE = "/monitoring"
"""Where the demo finds celery_monitoring.py."""
_WHY_NO_HEALTH = "nothing asks it, and it is started again when it ends"


def url(plan: Plan) -> str:
    """The address of the demo's broker, which has no password and is reachable by the demo only."""
    corner = plan.site.corner
    vhost = "/" if corner.vhost in (None, "/") else quote(str(corner.vhost), safe="")
    known = {"redis": f"redis://redis:6379/{corner.database or 0}", "rabbitmq": f"amqp://rabbitmq:5672/{vhost}"}
    return known[plan.spec.celery.broker.kind]


def fits(plan: Plan) -> bool:
    """Whether it is like the team's own broker: it has no certificate, no Sentinel, and is no Cluster."""
    corner = plan.site.corner
    return not (corner.tls or corner.cluster or "master_name" in corner.options)


def services(plan: Plan) -> Iterator[Service]:
    """The broker, one worker, beat, and what sends the tasks; nothing where its broker does not fit."""
    if not fits(plan):
        return
    yield _redis(plan) if plan.spec.celery.broker.kind == "redis" else _rabbitmq(plan)
    working = [q for q in plan.site.queues if q not in plan.site.dead_letter]
    yield _celery(
        plan,
        "worker",
        "A worker for every queue but the dead letters. One more: docker compose up -d --scale worker=2",
        ("worker", "--concurrency=2", f"--queues={','.join(working)}", "--loglevel=INFO", *_logfile(plan, "%h")),
        health=Health(
            ("CMD-SHELL", "celery -A app inspect ping -d celery@$$HOSTNAME"), "60s", "20s", start_period="60s"
        ),
    )
    options = ("--schedule=/tmp/beat", "--pidfile=", "--loglevel=INFO", *_logfile(plan, "beat"))
    yield _celery(plan, "beat", "Sends the periodic task.", ("beat", *options))
    yield _celery(plan, "traffic", "Sends tasks of every kind, for ever.", ())


def files(plan: Plan) -> list[Artefact]:
    """The application and the image it runs in."""
    working = [q for q in plan.site.queues if q not in plan.site.dead_letter]
    priorities = plan.spec.celery.broker.priorities
    context = {
        "queues": working,
        "dead_letter": list(plan.site.dead_letter),
        "priorities": priorities or None,
        "events": plan.spec.celery.events,
        "sent_events": plan.spec.celery.sent_events,
        "monitored": _monitored(plan) or None,
        "options": {**(_BY_PRIORITY if priorities else {}), **plan.site.corner.options} or None,
    }
    parts = ("app.py", "tasks.py", "traffic.py") if fits(plan) else ()
    return [
        *(
            Artefact(path=f"demo/{name}", template=f"compose/demo/{name}.j2", syntax="python", context=context)
            for name in parts
        ),
        Artefact(
            path="demo/Dockerfile",
            template="compose/demo/Dockerfile.j2",
            syntax="text",
            context={"image": default("python").reference(plan.site.tags), "packages": list(PACKAGES)},
        ),
    ]


def _monitored(plan: Plan) -> bool:
    return plan.spec.wants("celery")


def _logfile(plan: Plan, name: str) -> tuple[str, ...]:
    """A file for the shipper where there is one; else `docker compose logs` shows the lines."""
    written = plan.spec.logs is not None or plan.spec.app.logs.path is not None
    return (f"--logfile={_FOLDER}/{name}.log",) if written else ()


def _celery(plan: Plan, name: str, why: str, arguments: tuple[str, ...], health: Health | None = None) -> Service:
    limit = plan.site.worker_memory_limit
    worker = name == "worker"
    serves = worker or (name == "beat" and plan.spec.beat_serves)
    port = plan.spec.app.metrics.port if worker else plan.spec.app.beat.port
    return Service(
        name=name,
        why=why,
        image=from_demo(plan.site.slug).reference({}),
        seen="built here from demo/Dockerfile",
        build="./demo",
        profiles=DEMO,
        user="1000:1000",
        command=tuple(map(literal, ("celery", "-A", "app", *arguments) if arguments else ("python", "traffic.py"))),
        environment={"CELERY_BROKER_URL": url(plan), **({"PYTHONPATH": _MODULE} if _monitored(plan) else {})},
        expose=(port,) if serves else (),
        mounts=(
            Mount("bind", "./demo", "/app"),
            *((Mount("bind", "./celery", _MODULE),) if _monitored(plan) else ()),
            Mount("volume", LOGS, _FOLDER, read_only=False),
        ),
        networks=("backend", "broker") if serves else ("broker",),
        depends={BROKERS[plan.spec.celery.broker.kind]: "service_healthy"},
        health=health,
        exceptions={} if health else {"health": _WHY_NO_HEALTH},
        limits=Limits("1.0", f"{limit // 2**20}M" if worker and limit else "512M", 200),
    )


def _redis(plan: Plan) -> Service:
    image, seen = pinned("redis-server", plan.site.tags)
    return Service(
        name="redis",
        why="The demo's broker. It keeps nothing.",
        image=image,
        seen=seen,
        profiles=DEMO,
        user="999:1000",
        command=("redis-server", "--save", "", "--appendonly", "no"),
        expose=(6379,),
        networks=("broker",),
        tmpfs=("/tmp", "/data"),
        health=Health(("CMD", "redis-cli", "ping"), "10s", "5s"),
        limits=Limits("0.5", "256M"),
    )


def _rabbitmq(plan: Plan) -> Service:
    image, seen = pinned("rabbitmq", plan.site.tags)
    return Service(
        name="rabbitmq",
        why="The demo's broker; its Prometheus plugin is on in this image. It keeps nothing.",
        image=image,
        seen=seen,
        profiles=DEMO,
        user="999:999",
        environment={"RABBITMQ_DEFAULT_VHOST": literal(vhost)} if (vhost := plan.site.corner.vhost) else {},
        expose=(5672, 15692),
        networks=("backend", "broker"),
        tmpfs=("/tmp", "/var/lib/rabbitmq:uid=999,gid=999,mode=0700"),
        health=Health(("CMD", "rabbitmq-diagnostics", "-q", "ping"), timeout="20s", start_period="60s"),
        exceptions={"read_only": "its start script writes below /etc/rabbitmq"},
        limits=Limits("1.0", "512M", 300),
    )
