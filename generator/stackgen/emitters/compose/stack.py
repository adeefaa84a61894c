"""The containers that are always there: Prometheus, Alertmanager, Grafana, Flower and the exporters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from stackgen.catalog.sources.flower import CONFIG as FLOWER_CONFIG
from stackgen.emitters.compose.demo import BROKERS
from stackgen.emitters.compose.parts import (
    Condition,
    Health,
    Limits,
    Mount,
    Secret,
    Service,
    asked,
    evidence,
    literal,
    pinned,
)
from stackgen.emitters.compose.secrets import ADMIN, alertmanager_secrets, flower_secrets, loki_secrets
from stackgen.resolve.plan import Plan, Scraped

SCRATCH = "the image holds one program and nothing that could ask it"


def services(stack: Plan) -> Iterator[Service]:
    """In the order in which a person reads them."""
    outputs = stack.spec.outputs
    made = {"prometheus": prometheus, "alertmanager": alertmanager, "grafana": grafana, "flower": flower}
    for name, make in made.items():
        if outputs is None or name in outputs:
            yield make(stack)
    for scraped in stack.scraped:
        if scraped.source.launch and scraped.source.id != "flower":
            yield exporter(scraped, stack)
        elif scraped.source.id in _FROM_OUTSIDE:
            yield _FROM_OUTSIDE[scraped.source.id](scraped, stack)


def broker_url(stack: Plan) -> str:
    """The reference to the broker's address; the address itself stands in .env."""
    name = stack.spec.celery.broker.env or "CELERY_BROKER_URL"
    return f"${{{name}:?set it in .env, see .env.example}}"


def _outside(service: Literal["prometheus", "alertmanager"], stack: Plan) -> tuple[str, ...]:
    """Flags by which links in messages lead to where people reach it; its own paths stay at the root."""
    return (literal(f"--web.external-url={stack.spec.reached(service)}"), "--web.route-prefix=/")


def prometheus(stack: Plan) -> Service:
    """Prometheus with the generated configuration and rules."""
    image, seen = pinned("prometheus", stack.site.tags)
    port = int(stack.spec.prometheus.address.rpartition(":")[2])
    return Service(
        name="prometheus",
        why="Measures and judges. Reload after a change: docker compose kill -s HUP prometheus",
        image=image,
        seen=seen,
        user="65534:65534",
        command=(
            "--config.file=/etc/prometheus/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            f"--storage.tsdb.retention.time={stack.spec.compose.retention}",
            *_outside("prometheus", stack),
            *((f"--web.listen-address=:{port}",) if port != 9090 else ()),
        ),
        expose=(port,),
        ports={stack.spec.compose.ports.prometheus: port},
        mounts=(
            Mount("bind", "./prometheus", "/etc/prometheus"),
            Mount("volume", "prometheus", "/prometheus", read_only=False),
        ),
        networks=("frontend", "backend"),
        health=Health(("CMD", "promtool", "check", "ready", f"--url=http://127.0.0.1:{port}")),
        limits=Limits("1.0", "1G"),
    )


def alertmanager(stack: Plan) -> Service:
    """Alertmanager with the generated routes; its network reaches out to the receivers."""
    image, seen = pinned("alertmanager", stack.site.tags)
    return Service(
        name="alertmanager",
        why="Tells people.",
        image=image,
        seen=seen,
        user="65534:65534",
        command=(
            "--config.file=/etc/alertmanager/alertmanager.yml",
            "--storage.path=/alertmanager",
            *_outside("alertmanager", stack),
        ),
        expose=(9093,),
        ports={stack.spec.compose.ports.alertmanager: 9093},
        mounts=(
            Mount("bind", "./alertmanager", "/etc/alertmanager"),
            Mount("volume", "alertmanager", "/alertmanager", read_only=False),
        ),
        secrets=alertmanager_secrets(stack),
        networks=("frontend", "backend"),
        health=Health(("CMD", "wget", "-q", "--spider", "http://127.0.0.1:9093/-/ready")),
        limits=Limits("0.25", "128M"),
    )


def grafana(stack: Plan) -> Service:
    """Grafana with the generated data source and dashboards; nobody gets in without the password."""
    image, seen = pinned("grafana", stack.site.tags)
    return Service(
        name="grafana",
        why=f"Shows. Log in as admin with the password in {ADMIN.name}.",
        image=image,
        seen=seen,
        user="472:0",
        environment={
            "GF_SECURITY_ADMIN_PASSWORD__FILE": ADMIN.target,
            "GF_SERVER_ROOT_URL": literal(stack.spec.reached("grafana")),
            "GF_USERS_ALLOW_SIGN_UP": "false",
            "GF_AUTH_ANONYMOUS_ENABLED": "false",
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_PLUGINS_PREINSTALL_DISABLED": "true",
            "GF_LOG_MODE": "console",
        },
        expose=(3000,),
        ports={stack.spec.compose.ports.grafana: 3000},
        mounts=(
            Mount("bind", "./grafana/provisioning", "/etc/grafana/provisioning"),
            Mount("bind", "./grafana/dashboards", "/etc/grafana/dashboards"),
            Mount("volume", "grafana", "/var/lib/grafana", read_only=False),
        ),
        secrets=(ADMIN, *(loki_secrets(stack) if stack.has_loki else ())),
        networks=("frontend", "backend"),
        depends={"prometheus": "service_healthy"},
        health=Health(("CMD", "wget", "-q", "--spider", "http://127.0.0.1:3000/api/health"), start_period="60s"),
        limits=Limits("0.5", "512M", 200),
    )


def flower(stack: Plan) -> Service:
    """Flower with the generated settings; who may log in stands in a secret file or in the environment."""
    image, seen = pinned("flower", stack.site.tags)
    settings = stack.spec.flower
    name = settings.basic_auth.users_env
    users = {name: f"${{{name}:?user:password, several with commas}}"} if name else {}
    address = f"http://127.0.0.1:{settings.port}{settings.url_prefix}/healthcheck"
    return Service(
        name="flower",
        why="Shows tasks and workers live, and can stop them: never publish its port without a proxy in front.",
        image=image,
        seen=seen,
        user="1000:1000",
        command=("celery", "flower", f"--conf={FLOWER_CONFIG}"),
        environment={"CELERY_BROKER_URL": broker_url(stack), **users},
        expose=(settings.port,),
        ports={stack.spec.compose.ports.flower: settings.port},
        mounts=(
            Mount("bind", "./flower/flowerconfig.py", FLOWER_CONFIG),
            Mount("volume", "flower", settings.database.rpartition("/")[0] or "/data", read_only=False),
        ),
        secrets=flower_secrets(stack),
        networks=("frontend", "backend", "broker"),
        depends=broker_first(stack),
        health=Health(asked(address), timeout="15s"),
        limits=Limits("0.5", "512M"),
    )


def exporter(scraped: Scraped, stack: Plan) -> Service:
    """An exporter as its source says that it must be started."""
    source = scraped.source
    assert source.launch
    launch = source.launch(stack.site, scraped.version)
    port = int(source.target.rpartition(":")[2])
    of = {
        "celery-exporter": ("1000:1000", Health(asked(f"http://127.0.0.1:{port}/health"), timeout="15s")),
        "redis": ("59000:59000", Health(("CMD", "wget", "-q", "--spider", f"http://127.0.0.1:{port}/health"))),
    }
    user, health = of[source.id]
    return Service(
        name=source.target.partition(":")[0],
        why=f"{source.title}: {source.link}",
        image=literal(launch.image),
        seen=evidence(source.versions[scraped.version], stack.site.tags),
        user=user,
        command=tuple(map(literal, launch.command)),
        environment={k: broker_url(stack) if v == "${CELERY_BROKER_URL}" else v for k, v in launch.environment.items()},
        expose=(port,),
        networks=("backend", "broker"),
        depends=broker_first(stack),
        health=health,
        limits=Limits("0.5", "256M"),
    )


def cadvisor(scraped: Scraped, stack: Plan) -> Service:
    """cAdvisor reads the host's cgroups and asks the container engine for names."""
    source = scraped.source
    host = (("/", "/rootfs"), ("/sys", "/sys"), ("/var/run", "/var/run"), ("/var/lib/docker", "/var/lib/docker"))
    return Service(
        name="cadvisor",
        why=f"{source.title}: {source.link}",
        image=source.versions[scraped.version].reference(stack.site.tags),
        seen=evidence(source.versions[scraped.version], stack.site.tags),
        user="0:0",
        command=("--docker_only=true", "--store_container_labels=false", "--housekeeping_interval=15s"),
        expose=(8080,),
        mounts=tuple(Mount("bind", source, target) for source, target in host),
        networks=("backend",),
        health=Health(("CMD", "wget", "-q", "--spider", "http://127.0.0.1:8080/healthz")),
        exceptions={"user": "it reads other users' cgroups and the engine's socket, which only root may"},
        limits=Limits("0.5", "256M"),
    )


def process_exporter(scraped: Scraped, stack: Plan) -> Service:
    """process-exporter reads the host's list of processes."""
    source = scraped.source
    config = "/etc/process-exporter/config.yml"
    return Service(
        name="process-exporter",
        why=f"{source.title}: {source.link}",
        image=source.versions[scraped.version].reference(stack.site.tags),
        seen=evidence(source.versions[scraped.version], stack.site.tags),
        user="65534:65534",
        command=(f"-config.path={config}", "-procfs=/host/proc", "-recheck", "-threads=false"),
        expose=(9256,),
        mounts=(
            Mount("bind", "./process-exporter.yml", config),
            Mount("bind", "/proc", "/host/proc"),
        ),
        networks=("backend",),
        pid="host",
        exceptions={"health": SCRATCH, "pid": "it must see the host's processes"},
        limits=Limits("0.5", "128M"),
    )


def probe(scraped: Scraped, stack: Plan) -> Service:
    """Our own probe: one file on an image that has Celery; the team's application is not in it."""
    port, module = int(scraped.source.target.rpartition(":")[2]), "/app/celery_monitoring.py"
    return Service(
        name=scraped.source.target.partition(":")[0],
        why="Asks the broker for queue depths and the workers whether they answer.",
        image=f"{stack.spec.stack.name}-demo:1",
        seen="built here from demo/Dockerfile",
        build="./demo",
        user="1000:1000",
        command=("python", module, "exporter", f"--port={port}"),
        environment={stack.spec.celery.broker.env or "CELERY_BROKER_URL": broker_url(stack)},
        expose=(port,),
        mounts=(Mount("bind", "./celery/celery_monitoring.py", module),),
        networks=("backend", "broker"),
        depends=broker_first(stack),
        health=Health(asked(f"http://127.0.0.1:{port}/livez"), timeout="15s"),
        limits=Limits("0.25", "128M"),
    )


_FROM_OUTSIDE = {"cadvisor": cadvisor, "process-exporter": process_exporter, "probe": probe}


def broker_first(stack: Plan) -> dict[str, Condition]:
    """The demo's broker, when the demo runs."""
    return {BROKERS[stack.spec.celery.broker.kind]: "service_healthy"}


__all__ = ["Secret", "services"]
