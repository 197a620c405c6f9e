"""`relay send`: send an event to a running relay, signed as the source's vendor would."""

import os
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import click
import orjson

from relay.cli.asking import Said, ask
from relay.cli.filters import names_of
from relay.cli.keys import ENTROPY_BYTES, new_private_key
from relay.cli.options import config_option, load_or_exit, no_answer, unknown, url_option
from relay.cli.vendor import VendorRequest, samples_of, signed
from relay.config import Config
from relay.domain import Source
from relay.errors import SigningImpossible
from relay.presets import Sample

ANSWER_S_MAX = 60.0


@click.command()
@click.argument("source", shell_complete=names_of("sources"))
@click.option("--type", "event_type", help="Which of the vendor's sample events to send; the first one unless said.")
@click.option(
    "--body", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Send this file instead of a sample."
)
@click.option(
    "--new-key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Send nothing; make the test key that is missing where a vendor signs by a private key.",
)
@url_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@config_option
def send(
    config_path: Path,
    source: str,
    event_type: str | None,
    body: Path | None,
    new_key: Path | None,
    url: str | None,
    as_json: bool,
) -> None:
    """Send an event to SOURCE of a running relay, signed as its vendor would.

    \b
    relay send getaround --type rental.booked
    relay send invoices --body invoice.json
    relay send paypal --new-key paypal-test.pem
    """
    config = load_or_exit(config_path)
    known = _source(config, source)
    sample = _sample(known, event_type)
    now = datetime.now(UTC)
    uuid = str(uuid4())
    content = body.read_bytes() if body else sample.render(now, uuid)
    base_url = url or f"http://{config.server.listen.reachable}"
    try:
        request = signed(known, base_url, content, sample.rendered_headers(now, uuid), now, config.server.public_url)
    except SigningImpossible as error:
        if new_key is None:
            remedy = f"`relay send {source} --new-key {source}-test.pem` makes one, and tells what to write"
            raise click.ClickException(f"source {source}: {error}; {remedy}") from error
        _make_key(source, error.algorithm, new_key)
        return
    if new_key is not None:
        raise click.UsageError(f"{source} needs no --new-key: `relay send {source}` can sign already")
    status, said = _answer(request)
    answer = said.decode("utf-8", "replace")
    if as_json:
        click.echo(orjson.dumps({"status": status, "answer": answer}))
    else:
        click.echo(f"{status} {answer}")
    sys.exit(0 if 200 <= status < 300 else 1)


def _source(config: Config, name: str) -> Source:
    if name not in config.sources:
        raise unknown("source", name, config.sources)
    return config.sources[name]


def _sample(source: Source, event_type: str | None) -> Sample:
    samples = samples_of(source)
    if event_type is None:
        return samples[0]
    for sample in samples:
        if sample.type == event_type:
            return sample
    raise click.UsageError(
        f"no sample of type {event_type!r}; there are: {', '.join(sample.type for sample in samples)}. "
        "Any other body can be sent with --body FILE"
    )


def _make_key(source: str, algorithm: str, path: Path) -> None:
    """Write a private key that only its owner can read, and say what it is for."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be made: {error.strerror}") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(new_private_key(algorithm, secrets.token_bytes(ENTROPY_BYTES)))
    click.echo(
        f"{path} is a test key. In place of what {source} has as `secret` or `secrets`, write\n"
        f'    secret: "${{file:{path.absolute()}}}"\n'
        f"and `relay send {source}` again. What the vendor itself sends is refused until you write its own there again."
    )


def _answer(request: VendorRequest) -> Said:
    try:
        return post(request)
    except OSError as error:
        raise no_answer(request.url, error) from error


def post(request: VendorRequest) -> Said:
    """Send a request; return the answer. Errors: OSError."""
    return ask(request.url, ANSWER_S_MAX, request.body, request.headers)
