"""`stackgen doctor`: what is wrong with a running stack."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from stackgen.cli import options, reporting
from stackgen.problem import Format


@click.command(name="doctor")
@options.STACK
@options.OUTPUT
@options.READABLE
@click.option(
    "--prometheus", metavar="URL", callback=options.address, help="Prometheus, such as http://localhost:9090."
)
@click.option(
    "--alertmanager", metavar="URL", callback=options.address, help="Alertmanager, such as http://localhost:9093."
)
@click.option(
    "--exporter", metavar="URL", callback=options.address, help="celery-exporter, such as http://localhost:9808."
)
@click.option(
    "--broker",
    metavar="NAME",
    callback=options.variable,
    help="Environment variable with the broker's address; never the address.",
)
@click.option("--audit", is_flag=True, help="With --broker: also how workers and broker are set; takes some seconds.")
@click.option(
    "--logs", metavar="[PATH]", is_flag=False, flag_value="", help="Workers' log files; alone: where stack.yaml says."
)
def command(stack: Path, output: Path, style: Format, *, audit: bool, **where: str | None) -> None:
    """Say which alerts of a running stack cannot work.

    And why, and what to do. Reads only. Looks at what is named, and at the secret files in --output. Exits with 1 when
    something is wrong.
    """
    from stackgen import pipeline
    from stackgen.doctor import finding

    with reporting.reported(style, writes=False):
        found = pipeline.doctor(stack, output, audit=audit, **where)
    if style == "json":
        click.echo(finding.as_json(found), nl=False)
    elif found:
        click.echo(reporting.wrapped(finding.text(found), sys.stdout), nl=False)
    if found:
        sys.exit(reporting.FINDINGS)
    click.echo("nothing is wrong with what was looked at", err=True)
