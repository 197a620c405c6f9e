"""`relay serve`: receive and deliver until told to stop."""

import asyncio
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import click

from relay.cli.options import config_option, load_or_exit
from relay.config import Address, address
from relay.errors import ListenFailed, RoleUnfit, StoreBroken, StoreUnusable
from relay.garbage import look_seldom
from relay.logbook import configure_logging
from relay.roles import Role, post
from relay.runtime import Relay, new_event_loop


def _read_address(_: click.Context, __: click.Parameter, value: str | None) -> Address | None:
    """Read an address as the file would say it. Errors: BadParameter."""
    try:
        return None if value is None else address(value)
    except ValueError as misfit:
        raise click.BadParameter(f"{value!r}: {misfit}") from misfit


@click.command()
@click.option(
    "--role",
    "role_name",
    type=click.Choice([role.value for role in Role]),
    default=Role.ALL.value,
    show_default=True,
    help="What this process does of the whole. Any number of processes may share one database file.",
)
@click.option(
    "--listen", metavar="HOST:PORT", callback=_read_address, help="Where webhooks come in, instead of server.listen."
)
@click.option(
    "--admin",
    metavar="HOST:PORT",
    callback=_read_address,
    help="Where the admin port is, instead of admin.listen. The role `receive` has one only by this.",
)
@click.option("--verbose", is_flag=True, help="Log each accepted event, too.")
@config_option
def serve(config_path: Path, role_name: str, listen: Address | None, admin: Address | None, verbose: bool) -> None:
    """Receive and deliver until told to stop.

    SIGTERM: no more is accepted, what is in flight finishes within server.grace. A second one ends it at once.
    SIGHUP: the configuration is read again, as it is when it changes; a faulty one changes nothing.
    """
    config = load_or_exit(config_path)
    try:
        here = post(config, Role(role_name), listen, admin)
    except RoleUnfit as unfit:
        raise click.UsageError(str(unfit)) from unfit
    last_words = configure_logging(logging.DEBUG if verbose else logging.INFO)
    look_seldom()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        sys.exit(runner.run(_serve(Relay(config, here, config_path), last_words)))


async def _serve(relay: Relay, last_words: Callable[[], None]) -> int:
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
