"""`relay urls`: what to register with each vendor."""

from pathlib import Path
from urllib.parse import quote

import click
import orjson

from relay.cli.options import config_option, json_option, load_or_exit
from relay.cli.tables import table
from relay.config import Config
from relay.domain import Secret, Source
from relay.verification.basic import BasicVerifier
from relay.verification.token import TokenVerifier

MASK = "***"


@click.command()
@click.option("--show", is_flag=True, help="Show the secrets that stand in the URLs.")
@json_option
@config_option
def urls(config_path: Path, show: bool, as_json: bool) -> None:
    """Show the URL to register with each source's vendor.

    Tokens and passwords in them are shown as *** unless --show is given. The address is server.public_url, or where
    the relay listens if that is not set.
    """
    config = load_or_exit(config_path)
    found = {name: _url(source, config, show=show) for name, source in config.sources.items()}
    if as_json:
        click.echo(orjson.dumps([{"source": name, "url": url} for name, url in found.items()]))
        return
    click.echo(table(("source", "url"), list(found.items())))
    if config.server.public_url is None:
        click.echo("These are this machine's own addresses: set server.public_url to see the public ones.", err=True)


def _url(source: Source, config: Config, *, show: bool) -> str:
    """Return the URL that proves its sender as far as a URL can: with the newest token, or user and password."""
    scheme, _, place = (config.server.public_url or f"http://{config.server.listen.reachable}").partition("://")
    user = token = ""
    for verifier in source.verifiers:
        match verifier:
            case BasicVerifier(secrets=(newest, *_)):
                user = f"{_user_part(newest, show=show)}@"
            case TokenVerifier(secrets=(newest, *_)):
                token = f"/{_shown(newest.text(), show=show)}"
    return f"{scheme}://{user}{place}/in/{source.name}{token}"


def _user_part(secret: Secret, *, show: bool) -> str:
    user, _, password = secret.text().partition(":")
    return f"{quote(user, safe='')}:{_shown(password, show=show)}"


def _shown(secret: str, *, show: bool) -> str:
    return quote(secret, safe="") if show else MASK
