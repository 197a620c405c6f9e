"""`relay serve`: receive and deliver until told to stop."""

import asyncio
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import click

from relay.cli.options import config_option, load_or_exit
from relay.config import Config
from relay.errors import ListenFailed, StoreBroken, StoreUnusable
from relay.runtime import Relay, new_event_loop
from relay.telemetry import configure_logging


@click.command()
@click.option("--verbose", is_flag=True, help="Log each accepted event, too.")
@config_option
def serve(config_path: Path, verbose: bool) -> None:
    """Receive and deliver until told to stop.

    SIGTERM: no more is accepted, what is in flight finishes within server.grace. A second one ends it at once.
    """
    config = load_or_exit(config_path)
    last_words = configure_logging(logging.DEBUG if verbose else logging.INFO)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        sys.exit(runner.run(_serve(config, last_words)))


async def _serve(config: Config, last_words: Callable[[], None]) -> int:
    relay = Relay(config)
    try:
        async with relay.running():
            await relay.until_stopped(last_words)
    except (ListenFailed, StoreUnusable) as error:
        click.echo(f"relay: {error}", err=True)
        return 2
    except StoreBroken as error:
        click.echo(f"relay: {error}; start it again: nothing that was acknowledged is lost", err=True)
        return 1
    return 0
