"""Real brokers with a corner for us, and what each source says of it: every program is of this machine, on loopback."""

from __future__ import annotations

import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from stackgen.catalog import registry
from stackgen.catalog.series import QUEUE_LENGTH
from stackgen.catalog.sources import celery_exporter_launch, redis
from stackgen.resolve.plan import Plan
from tests.contract.scrape import MOMENT, evaluate, parsed, series
from tests.live.brokers import libraries, program
from tests.live.exporters import celery_exporter_command, module
from tests.live.processes import LOOPBACK, Programs, answers, free_ports, listens

PROMTOOL = Path(__file__).resolve().parents[2] / ".tools/v3/usr/bin/promtool"


@contextmanager
def running(folder: Path) -> Iterator[Programs]:
    """Programs that end with the test."""
    programs = Programs(folder)
    try:
        yield programs
    finally:
        programs.kill_all()


def start_redis(programs: Programs, name: str, *options: str) -> int:
    """A Redis that keeps nothing; its port, on which it listens in plain unless the options say otherwise."""
    (port,) = free_ports(1)
    listen = ("--tls-port", str(port), "--port", "0") if "--tls-cert-file" in options else ("--port", str(port))
    keep = ("--bind", LOOPBACK, "--save", "", "--appendonly", "no", "--dir", str(programs.folder))
    programs.start(name, [program("redis", "redis-server"), *listen, *keep, *options], libraries("redis"))
    programs.wait(name, partial(listens, port))
    return port


def start_sentinel(programs: Programs, master: int) -> int:
    """A Sentinel that watches one master, called shop."""
    (port,) = free_ports(1)
    config = programs.folder / "sentinel.conf"
    config.write_text(f"port {port}\nbind {LOOPBACK}\nsentinel monitor shop {LOOPBACK} {master} 1\n")
    command = [program("redis", "redis-server"), str(config), "--sentinel"]
    programs.start("sentinel", command, libraries("redis"))
    programs.wait("sentinel", partial(listens, port))
    return port


def certificates(folder: Path) -> Mapping[str, Path]:
    """An authority, and the certificate that it gave to localhost, for a server and its clients.

    Python 3.13 asks for what RFC 5280 asks for: what the authority's key is for, and whose key signed.
    """
    files = {name: folder / f"{name}.pem" for name in ("ca", "ca-key", "cert", "key", "request")}
    subject = ("-subj", "/CN=localhost", "-addext", f"subjectAltName=DNS:localhost,IP:{LOOPBACK}")
    made = ("-newkey", "rsa:2048", "-nodes")
    authority = ("-CA", files["ca"], "-CAkey", files["ca-key"], "-CAcreateserial", "-days", "2")
    (folder / "extensions").write_text("authorityKeyIdentifier = keyid\n")
    signed = ("-copy_extensions", "copy", "-extfile", folder / "extensions")
    for command in (
        (
            "req",
            "-x509",
            *made,
            "-days",
            "2",
            "-subj",
            "/CN=authority",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
            "-keyout",
            files["ca-key"],
            "-out",
            files["ca"],
        ),
        ("req", *made, *subject, "-keyout", files["key"], "-out", files["request"]),
        ("x509", "-req", "-in", files["request"], *authority, *signed, "-out", files["cert"]),
    ):
        subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)
    return files


def told(source: str, plan: Plan, broker: str, programs: Programs) -> dict[str, float]:
    """The length of each queue, as the recording rule of the plan reads it from what the source's program says."""
    (port,) = free_ports(1)
    command, environment = _started(source, plan, broker, port, programs.folder)
    programs.start(source, command, environment)
    url = f"http://{LOOPBACK}:{port}/metrics"
    programs.wait(source, partial(answers, url))
    programs.wait(source, lambda: _asked(url).count("queue") + _asked(url).count("key_size") > 0)
    return recorded(source, plan, _asked(url), programs.folder)


def _started(source: str, plan: Plan, broker: str, port: int, folder: Path) -> tuple[Sequence[str], Mapping[str, str]]:
    match source:
        case "redis":
            flags = redis.launch(plan.site, next(iter(redis.SOURCE.versions))).command
            listen = f"--web.listen-address={LOOPBACK}:{port}"
            return [program("redis-exporter", "prometheus-redis-exporter"), *flags, listen], {"REDIS_ADDR": broker}
        case "celery-exporter":
            flags = celery_exporter_launch.launch(plan.site, "0.12.2").command
            return celery_exporter_command(port, *flags), {"CE_BROKER_URL": broker}
        case _:
            command, environment = module(folder, broker, "exporter", "--host", LOOPBACK, "--port", str(port))
            return command, {**environment, "CELERY_BROKER_URL": broker}


def recorded(source: str, plan: Plan, text: str, folder: Path) -> dict[str, float]:
    """What the source's reading of a scrape records, by queue."""
    known = registry.sources()[source]
    reading = next(one for one in known.readings if one.series is QUEUE_LENGTH)
    rules = [{"record": QUEUE_LENGTH.name, "expr": rule.expr} for rule in reading.rules(plan.site)]
    fed = series(parsed(text).samples, known.job)
    found = evaluate(PROMTOOL, folder, rules, fed, QUEUE_LENGTH.name, at=MOMENT)
    return {dict(labels)["queue"]: value for labels, value in found.items()}


def _asked(url: str) -> str:
    with closing(urllib.request.urlopen(url, timeout=20)) as answer:
        text: str = answer.read().decode()
        return text
