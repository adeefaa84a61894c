"""Alloy, and the profile `loki`: one Loki that keeps the logs, judges them, and is shown in Grafana."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.catalog.launch import Limits, Mount
from stackgen.emitters.compose.parts import Condition, Health, Service, literal, log_files, pinned
from stackgen.emitters.compose.secrets import loki_secrets
from stackgen.resolve.plan import Plan
from stackgen.spec.logs import Logs

LOKI = ("loki",)
_STORAGE = "/var/lib/alloy/data"
_CONFIG = "/etc/alloy/config.alloy"
_READY = (
    "exec 3<>/dev/tcp/127.0.0.1/12345; printf 'GET /-/ready HTTP/1.0\\r\\n\\r\\n' >&3; "
    'read -r _ code _ <&3; [ "$code" = 200 ]'
)
"""The image has bash, and neither curl nor wget."""


def services(plan: Plan, logs: Logs) -> Iterator[Service]:
    """Alloy, and its Loki when there is no other."""
    yield _alloy(plan, logs)
    if logs.loki.bundled:
        yield _loki(plan)


def _alloy(plan: Plan, logs: Logs) -> Service:
    image, seen = pinned("alloy", plan.site.tags)
    ours = logs.loki.bundled
    after: dict[str, Condition] = {"loki": "service_healthy"} if ours else {}
    return Service(
        name="alloy",
        why="Sends the workers' logs to Loki. Its user owns the logs, its group what the image keeps for Alloy's user.",
        image=image,
        seen=seen,
        profiles=LOKI if ours else (),
        user="1000:473",
        expose=(12345,),
        command=(
            "run",
            f"--storage.path={_STORAGE}",
            "--server.http.listen-addr=0.0.0.0:12345",
            "--server.http.enable-pprof=false",
            "--server.http.disable-support-bundle",
            "--disable-reporting",
            _CONFIG,
        ),
        mounts=(
            Mount("bind", "./logs/alloy", "/etc/alloy"),
            log_files(logs),
            Mount("volume", "alloy", _STORAGE, read_only=False),
        ),
        secrets=loki_secrets(plan),
        networks=("logs", "backend"),
        depends=after,
        health=Health(("CMD", "bash", "-c", literal(_READY))),
        limits=Limits("0.5", "256M"),
    )


def _loki(plan: Plan) -> Service:
    image, seen = pinned("loki", plan.site.tags)
    return Service(
        name="loki",
        why="Keeps the logs and judges them. Grafana shows them; it has no password, so its port stays on this host.",
        image=image,
        seen=seen,
        profiles=LOKI,
        user="10001:10001",
        command=("-config.file=/etc/loki/loki.yaml",),
        expose=(3100,),
        ports={plan.spec.compose.ports.loki: 3100},
        mounts=(
            Mount("bind", "./logs/loki", "/etc/loki"),
            Mount("volume", "loki", "/loki", read_only=False),
        ),
        networks=("frontend", "logs"),
        health=Health(("CMD", "/usr/bin/loki", "-health"), start_period="60s"),
        limits=Limits("1.0", "1G", 200),
    )
