"""`stackgen schema`: the JSON Schema of stack.yaml."""

from __future__ import annotations

import click


@click.command(name="schema")
def command() -> None:
    """Print the JSON Schema of stack.yaml, for editors."""
    import json

    from stackgen.spec.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
