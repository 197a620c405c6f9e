"""`relay schema`: the JSON Schema of the configuration, for editors."""

import json

import click

from relay import config


@click.command()
def schema() -> None:
    """Print the JSON Schema of the configuration.

    An editor that knows it completes keys and explains them: begin the file with
    `# yaml-language-server: $schema=relay.schema.json`.
    """
    click.echo(json.dumps(config.schema(), indent=2, ensure_ascii=False))
