"""The command line, one module per command: it reads options, calls, prints, exits. Heavy imports stand inside."""

from __future__ import annotations

import os

import click

from stackgen.cli import check, diff, doctor, explain, generate, init, list_, schema, secrets

# Pydantic would look through every installed distribution for plugins of its own; we have none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="celery-stackgen", prog_name="stackgen")
def main() -> None:
    """Generate and check a Celery monitoring stack from stack.yaml."""


for command in (check, diff, doctor, explain, generate, init, list_, schema, secrets):
    main.add_command(command.command)
