"""The containers that are always there: Prometheus, Alertmanager, Grafana, Flower and the exporters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from stackgen.catalog import registry
from stackgen.catalog.launch import HttpHealth, Limits, Mount, Variable
from stackgen.catalog.source import Source
from stackgen.catalog.sources.prometheus import ALERTMANAGER_SOURCE, PROMETHEUS_SOURCE
from stackgen.emitters.compose.demo import BROKERS
from stackgen.emitters.compose.parts import Health, Service, asked, evidence, literal, newest, pinned, reading, required
from stackgen.emitters.compose.secrets import ADMIN, alertmanager_secrets, loki_secrets
from stackgen.resolve.plan import Plan

_NO_FILE = "the program takes the broker's address from its environment only, which docker inspect would show"


def services(plan: Plan) -> Iterator[Service]:
    """In the order in which a person reads them."""
    made = {"prometheus": prometheus, "alertmanager": alertmanager, "grafana": grafana}
    for name, make in made.items():
        if plan.spec.wants(name) and not plan.spec.shares(name):
            yield make(plan)
    for source, version in launched(plan):
        yield from started(source, version, plan)


def launched(plan: Plan) -> Iterator[tuple[Source, str]]:
    """What is started as its source says, with its version: what an output kind configures, then what is scraped."""
    versions = plan.site.versions
    elsewhere = {scraped.source.id for scraped in plan.scraped if scraped.elsewhere}
    for source in registry.sources().values():
        here = source.id not in elsewhere and not source.off(plan.site.facts)
        if source.output and plan.spec.wants(source.output) and here:
            yield source, versions.get(source.id, next(iter(source.versions), ""))
    yield from ((s.source, s.version) for s in plan.scraped if not s.source.output and not s.elsewhere)


def _outside(service: Literal["prometheus", "alertmanager"], plan: Plan) -> tuple[str, ...]:
    """Flags by which links in messages lead to where people reach it; its own paths stay at the root."""
    return (literal(f"--web.external-url={plan.spec.reached(service)}"), "--web.route-prefix=/")


def prometheus(plan: Plan) -> Service:
    """Prometheus with the generated configuration and rules."""
    image, seen = newest(PROMETHEUS_SOURCE.versions, plan.site.tags)
    port = int(plan.spec.prometheus.address.rpartition(":")[2])
    return Service(
        name="prometheus",
        why="Measures and judges. Reads its rules anew: docker compose exec prometheus kill -HUP 1",
        image=image,
        seen=seen,
        user="65534:65534",
        command=(
            "--config.file=/etc/prometheus/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            f"--storage.tsdb.retention.time={plan.spec.compose.retention}",
            *_outside("prometheus", plan),
            *((f"--web.listen-address=:{port}",) if port != 9090 else ()),
        ),
        expose=(port,),
        ports={plan.spec.compose.ports.prometheus: port},
        mounts=(
            Mount("bind", "./prometheus", "/etc/prometheus"),
            Mount("volume", "prometheus", "/prometheus", read_only=False),
        ),
        networks=("frontend", "backend", *(("engine",) if _engine(plan) else ())),
        health=Health(("CMD", "promtool", "check", "ready", f"--url=http://127.0.0.1:{port}")),
        limits=Limits("1.0", "1G"),
    )


def _engine(plan: Plan) -> bool:
    """Whether something that asks the container engine is started."""
    launches = (source.launch(plan.site, version) for source, version in launched(plan) if source.launch)
    return any("engine" in launch.networks for launch in launches)


def alertmanager(plan: Plan) -> Service:
    """Alertmanager with the generated routes; its network reaches out to the receivers."""
    image, seen = newest(ALERTMANAGER_SOURCE.versions, plan.site.tags)
    return Service(
        name="alertmanager",
        why="Tells people.",
        image=image,
        seen=seen,
        user="65534:65534",
        command=(
            "--config.file=/etc/alertmanager/alertmanager.yml",
            "--storage.path=/alertmanager",
            *_outside("alertmanager", plan),
        ),
        expose=(9093,),
        ports={plan.spec.compose.ports.alertmanager: 9093},
        mounts=(
            Mount("bind", "./alertmanager", "/etc/alertmanager"),
            Mount("volume", "alertmanager", "/alertmanager", read_only=False),
        ),
        secrets=alertmanager_secrets(plan),
        networks=("frontend", "backend"),
        health=Health(("CMD", "wget", "-q", "--spider", "http://127.0.0.1:9093/-/ready")),
        limits=Limits("0.25", "128M"),
    )


def grafana(plan: Plan) -> Service:
    """Grafana with the generated data source and dashboards; nobody gets in without the password."""
    image, seen = pinned("grafana", plan.site.tags)
    return Service(
        name="grafana",
        why=f"Shows. Log in as admin with the password in {ADMIN.name}.",
        image=image,
        seen=seen,
        user="472:0",
        environment={
            "GF_SECURITY_ADMIN_PASSWORD__FILE": ADMIN.target,
            "GF_SERVER_ROOT_URL": literal(plan.spec.reached("grafana")),
            "GF_USERS_ALLOW_SIGN_UP": "false",
            "GF_AUTH_ANONYMOUS_ENABLED": "false",
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_PLUGINS_PREINSTALL_DISABLED": "true",
            "GF_LOG_MODE": "console",
        },
        expose=(3000,),
        ports={plan.spec.compose.ports.grafana: 3000},
        mounts=(
            Mount("bind", "./grafana/provisioning", "/etc/grafana/provisioning"),
            Mount("bind", "./grafana/dashboards", "/etc/grafana/dashboards"),
            Mount("volume", "grafana", "/var/lib/grafana", read_only=False),
        ),
        secrets=(ADMIN, *(loki_secrets(plan) if plan.has_loki else ())),
        networks=("frontend", "backend"),
        depends={"prometheus": "service_healthy"},
        health=Health(("CMD", "wget", "-q", "--spider", "http://127.0.0.1:3000/api/health"), start_period="60s"),
        limits=Limits("0.5", "1G", 200),
    )


def started(source: Source, version: str, plan: Plan) -> Iterator[Service]:
    """The container of a source, as the source says that it is started; none for what others start."""
    if source.launch is None:
        return
    launch = source.launch(plan.site, version)
    files = {k: v.file for k, v in launch.environment.items() if isinstance(v, Variable) and v.file}
    port = launch.port or source.port
    image = launch.image
    yield Service(
        name=source.host,
        why=launch.why or f"{source.title}: {source.link}",
        image=literal(image.reference(plan.site.tags)),
        seen=evidence(image, plan.site.tags),
        build=f"./{image.build}" if image.build else "",
        user=launch.user,
        pid="host" if launch.sees_processes else "",
        cgroup="host" if launch.sees_cgroups else "",
        entrypoint=(*reading(files), *launch.entrypoint) if files else (),
        command=tuple(map(literal, launch.command)),
        environment={
            k: v if isinstance(v, str) else required(v) for k, v in launch.environment.items() if k not in files
        },
        expose=(port,),
        ports={getattr(plan.spec.compose.ports, launch.web): port} if launch.web else {},
        mounts=launch.mounts,
        secrets=launch.secrets,
        networks=launch.networks,
        depends={BROKERS[plan.spec.celery.broker.kind]: "service_healthy"} if launch.asks_broker else {},
        health=_asked(launch.health, port) if launch.health else None,
        exceptions={**launch.exceptions, **({"shell": _NO_FILE} if files else {})},
        limits=launch.limits,
    )


def _asked(health: HttpHealth, port: int) -> Health:
    url = f"http://127.0.0.1:{port}{health.path}"
    if health.client == "python":
        return Health(asked(url), timeout="15s")
    return Health(("CMD", "wget", "-q", "--spider", url))
