"""The brokers of the live proof: real servers on loopback, whose data and settings are in the run's folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from tests.live.processes import LOOPBACK, REPOSITORY, Programs, answers, listens

Kind = Literal["redis", "rabbitmq"]
TOOLS = REPOSITORY / ".tools"
PORTS: Mapping[Kind, tuple[str, ...]] = {
    "redis": ("redis",),
    "rabbitmq": ("rabbitmq", "rabbitmq-metrics", "rabbitmq-nodes", "epmd"),
}
"""Names of the ports that each needs; the first is the broker's own."""
_RABBITMQ = """\
listeners.tcp.1 = {loopback}:{rabbitmq}
prometheus.tcp.ip = {loopback}
prometheus.tcp.port = {rabbitmq-metrics}
log.console = true
log.console.level = warning
log.file = false
"""


def address(kind: Kind, ports: Mapping[str, int]) -> str:
    """Where Celery finds the broker."""
    if kind == "redis":
        return f"redis://{LOOPBACK}:{ports['redis']}/0"
    return f"amqp://guest:guest@{LOOPBACK}:{ports['rabbitmq']}//"


def start(kind: Kind, programs: Programs, ports: Mapping[str, int], more: str = "") -> None:
    """Starts the broker and waits until it accepts connections; `more` are further lines of rabbitmq.conf."""
    if kind == "redis":
        _start_redis(programs, ports)
    else:
        _start_rabbitmq(programs, ports, more)


def _start_redis(programs: Programs, ports: Mapping[str, int]) -> None:
    """Keeps nothing on disk."""
    options = ("--save", "", "--appendonly", "no", "--dir", str(programs.folder))
    listen = ("--bind", LOOPBACK, "--port", str(ports["redis"]))
    programs.start("redis", [program("redis", "redis-server"), *listen, *options], libraries("redis"))
    programs.wait("redis", lambda: listens(ports["redis"]))


def _start_rabbitmq(programs: Programs, ports: Mapping[str, int], more: str) -> None:
    """Starts Erlang itself, for RabbitMQ's scripts want to be installed; epmd is ours, or it would outlive the run."""
    folder = programs.folder / "rabbitmq"
    folder.mkdir(exist_ok=True)
    (folder / "rabbitmq.conf").write_text(_RABBITMQ.format(loopback=LOOPBACK, **ports) + more)
    (folder / "enabled_plugins").write_text("[rabbitmq_prometheus].\n")
    erlang = erlang_environment(ports["epmd"])
    if "epmd" not in programs.running:
        command = [program("rabbitmq", "epmd"), "-address", LOOPBACK, "-port", str(ports["epmd"])]
        programs.start("epmd", command, erlang)
        programs.wait("epmd", lambda: listens(ports["epmd"]))
    command = [f"{erlang['BINDIR']}/erlexec", "-noinput", "-s", "rabbit", "boot"]
    command += ["-boot", f"{erlang['ROOTDIR']}/bin/start_sasl", "-kernel", "inet_dist_use_interface", "{127,0,0,1}"]
    command += ["-syslog", "logger", "[]", "-syslog", "syslog_error_logger", "false"]
    programs.start("rabbitmq", command, {**erlang, **_rabbitmq_environment(folder, ports["rabbitmq-nodes"])})
    metrics = f"http://{LOOPBACK}:{ports['rabbitmq-metrics']}/metrics"
    programs.wait("rabbitmq", partial(answers, metrics))
    programs.wait("rabbitmq", lambda: listens(ports["rabbitmq"]))


def erlang_environment(epmd: int) -> dict[str, str]:
    """What Erlang must know to run from the folder it was unpacked into."""
    root = TOOLS / "rabbitmq/usr/lib/erlang"
    programs = next(root.glob("erts-*")) / "bin"
    return {
        "ROOTDIR": str(root),
        "BINDIR": str(programs),
        "EMU": "beam",
        "PROGNAME": "erl",
        "PATH": f"{programs}:{os.environ['PATH']}",
        "ERL_EPMD_PORT": str(epmd),
        "ERL_EPMD_ADDRESS": LOOPBACK,
    }


def _rabbitmq_environment(folder: Path, nodes: int) -> dict[str, str]:
    home = next((TOOLS / "rabbitmq/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*"))
    return {
        "HOME": str(folder),
        "ERL_LIBS": f"{home}/plugins",
        "RABBITMQ_HOME": str(home),
        "RABBITMQ_NODENAME": "rabbit@localhost",
        "RABBITMQ_DIST_PORT": str(nodes),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
        "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
        "RABBITMQ_GENERATED_CONFIG_DIR": f"{folder}/generated",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
        "RABBITMQ_PLUGINS_DIR": f"{home}/plugins",
        "RABBITMQ_MNESIA_BASE": f"{folder}/data",
        "RABBITMQ_LOG_BASE": f"{folder}/log",
        "RABBITMQ_FEATURE_FLAGS_FILE": f"{folder}/feature_flags",
        "RABBITMQ_PID_FILE": f"{folder}/pid",
    }


def program(tree: str, name: str) -> str:
    """A program that tests/live/install.sh put into .tools."""
    found = TOOLS / tree / ("bin" if tree == "celery-exporter" else "usr/bin") / name
    if not found.exists():
        sys.exit(f"{found} is not there: run tests/live/install.sh")
    return str(found)


def libraries(tree: str) -> dict[str, str]:
    """Where an unpacked program finds the libraries that came with it."""
    return {"LD_LIBRARY_PATH": ":".join(str(path) for path in (TOOLS / tree / "usr/lib").glob("*-linux-gnu"))}
