"""The brokers of the live proof: real servers on loopback, whose data and settings are in the run's folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from tests.live.processes import LOOPBACK, REPOSITORY, Failed, Programs, answers, listens

Kind = Literal["redis", "rabbitmq"]
TOOLS = REPOSITORY / ".tools"
PORTS: Mapping[Kind, tuple[str, ...]] = {
    "redis": ("redis",),
    "rabbitmq": ("rabbitmq", "rabbitmq-metrics", "rabbitmq-nodes", "epmd"),
}
"""Names of the ports that each needs; the first is the broker's own."""
WATCHER, PASSWORD = "watcher", "proof"
"""The user as whom some exporters ask the broker, and its password."""
_LET_IN = """
U = <<"{user}">>, P = <<"{password}">>, By = <<"live">>, All = <<".*">>,
catch rabbit_auth_backend_internal:add_user(U, P, By),
ok = rabbit_auth_backend_internal:set_permissions(U, <<"/">>, All, All, All, By),
ok = rabbit_auth_backend_internal:change_password(U, P, By),
rabbit_networking:close_all_user_connections(U, <<"changed">>).
"""
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
    let_in(kind, programs, ports, PASSWORD)


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


def let_in(kind: Kind, programs: Programs, ports: Mapping[str, int], password: str) -> None:
    """From now on this is the password of the one user that has one; who is in must come again, or does by itself."""
    if kind == "redis":
        import redis

        with redis.Redis(LOOPBACK, ports["redis"]) as client:
            rights = ("on", "resetpass", f">{password}", "~*", "&*", "+@all")
            client.execute_command("ACL", "SETUSER", WATCHER, *rights)
        return
    erlang_call(programs, ports, _LET_IN.format(user=WATCHER, password=password))


def erlang_call(programs: Programs, ports: Mapping[str, int], expressions: str) -> None:
    """Has RabbitMQ's node evaluate Erlang; raises when it cannot."""
    environment = {**os.environ, **erlang_environment(ports["epmd"])}
    cookie = (programs.folder / "rabbitmq/.erlang.cookie").read_text().strip()
    command = [f"{environment['BINDIR']}/erl_call", "-name", "rabbit@localhost", "-c", cookie, "-e"]
    done = subprocess.run(
        command, env=environment, input=f"{expressions}\n", capture_output=True, text=True, check=False, timeout=60
    )
    if not done.stdout.startswith("{ok, ok}"):
        message = f"RabbitMQ says {done.stdout} {done.stderr} to {expressions}"
        raise Failed(message)


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
