"""What several commands share: where the configuration is, what becomes of a faulty one, and of a silent relay."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from relay.config import Config, load
from relay.config.misfits import listing, nearest
from relay.errors import ConfigurationInvalid, Fault


def _place(context: click.Context, parameter: click.Parameter, value: Path) -> Path:
    """Take the file that is named behind the command, else before it, else by the environment or by default."""
    if context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE:
        return value
    before: Path | None = context.find_root().params.get("config_path")
    return before or value


config_option = click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    callback=_place,
    default=Path("config/relay.yaml"),
    envvar="RELAY_CONFIG",
    show_default=True,
    show_envvar=True,
    help="The configuration file.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _read_url(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _is_place(value):
        raise click.BadParameter("expected http://HOST:PORT")
    return value


def _is_place(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no port, or no address
        return False


url_option = click.option(
    "--url", callback=_read_url, help="Where the relay is, if not at server.listen: http://HOST:PORT."
)


def load_or_exit(path: Path) -> Config:
    """Load a configuration; where it is faulty, tell every fault and leave with 2."""
    try:
        return load(path, os.environ)
    except ConfigurationInvalid as invalid:
        tell_faults(invalid.faults)
        if not path.exists():
            click.echo("another place is told by -c FILE, or by RELAY_CONFIG", err=True)
        sys.exit(2)


def tell_faults(faults: tuple[Fault, ...]) -> None:
    """Print each fault on a line of its own, and how many there are, on standard error."""
    for fault in faults:
        click.echo(fault, err=True)
    click.echo(f"{counted(len(faults), 'fault')}, nothing started", err=True)


def no_answer(url: str, error: OSError) -> click.ClickException:
    """Say that nothing answers at a URL, of which only the place is shown: the rest may hold a secret."""
    reason = error.strerror or ("it took too long" if isinstance(error, TimeoutError) else str(error))
    where = "/".join(url.split("/")[:3])
    remedy = "Its port is given to it when it starts: name it by --url" if where.endswith(":0") else _START
    return click.ClickException(f"no answer from {where} ({reason}). {remedy}")


_START = "Is `relay serve` running?"


def unknown(noun: str, name: str, names: Iterable[str]) -> click.UsageError:
    """Say that nothing is called so, and what was probably meant, or what there is."""
    known = list(names)
    near = nearest(name, known)
    there_are = f"there are: {listing(known, 'and')}" if known else "there is none"
    return click.UsageError(f"there is no {noun} {name!r}; {f'did you mean `{near}`?' if near else there_are}")


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Return `1 fault` or `2 faults`. nouns: where there is more than an `s` to many of them."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"
