"""`relay explain`: why a captured request is refused, and what would match."""

import asyncio
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import click
import orjson

from relay.cli.captures import Capture, origin_of, read_capture
from relay.cli.database import opened
from relay.cli.options import config_option, json_option, load_or_exit, unknown
from relay.config import Config
from relay.domain import InboundRequest, Source
from relay.explaining import explain as explained
from relay.explaining import secrets_of
from relay.quarantine import as_request
from relay.store.ports.rejections import Rejection
from relay.system_clock import SystemClock


@click.command()
@click.argument("source", required=False)
@click.option(
    "--request",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The captured request: raw HTTP, JSON {method, url, headers, body}, or an archive (HAR).",
)
@click.option("--rejection", "number", type=click.IntRange(1), metavar="ID", help="One of `relay rejections`, instead.")
@click.option(
    "--received", type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S"]), help="When it was received, in UTC."
)
@json_option
@config_option
def explain(
    config_path: Path,
    source: str | None,
    path: Path | None,
    number: int | None,
    received: datetime | None,
    as_json: bool,
) -> None:
    """Say why a captured request is refused by SOURCE, and what would match.

    \b
    relay explain shop --request request.txt
    relay explain shop --request request.json --received 2026-07-01T12:00:00Z
    relay explain --rejection 17

    Everything is tried on this machine: no secret is shown, and nothing is sent. Exit codes: 0 accepted, 1 not.
    """
    config = load_or_exit(config_path)
    match source, path, number:
        case (str(), Path(), None):
            question = _captured(config, source, path, received)
        case (None, None, int()):
            question = _refused(config, number)
        case _:
            raise click.UsageError("expected `relay explain SOURCE --request FILE` or `relay explain --rejection ID`")
    known = config.sources[question.source]
    others = {name: secrets_of(it) for name, it in config.sources.items() if name != question.source}
    result = explained(question.request, known, question.received_at, others)
    if as_json:
        click.echo(orjson.dumps({"source": known.name, "refused": result.refusal, "findings": result.findings}))
    else:
        click.echo("\n".join([f"refused: {result.refusal}" if result.refusal else "accepted", *result.findings]))
    sys.exit(1 if result.refusal else 0)


@dataclass(frozen=True, slots=True)
class Question:
    """A request, whose it is, and when it came."""

    source: str
    request: InboundRequest
    received_at: datetime


def _captured(config: Config, source: str, path: Path, received: datetime | None) -> Question:
    """Read what somebody captured."""
    if source not in config.sources:
        raise unknown("source", source, config.sources)
    try:
        capture = read_capture(path.read_bytes())
    except ValueError as error:
        raise click.UsageError(f"{path}: {error}") from error
    at = received.replace(tzinfo=UTC) if received else capture.received_at or SystemClock().now()
    return Question(source, _inbound(capture, config.sources[source], config.server.public_url), at)


def _refused(config: Config, number: int) -> Question:
    """Read what the relay refused and kept."""
    rejection = asyncio.run(_rejection(config, number))
    if rejection is None:
        raise click.ClickException(f"there is no refused request {number}; `relay rejections` lists what is kept")
    if rejection.source not in config.sources:
        raise click.ClickException(f"its source, {rejection.source}, is not configured any more")
    if not rejection.is_whole:
        raise click.ClickException("it was refused before its body was read: there is nothing to try with")
    return Question(rejection.source, as_request(rejection), rejection.received_at)


async def _rejection(config: Config, number: int) -> Rejection | None:
    async with opened(config.storage.database) as store:
        return await store.rejections.one(number)


def _inbound(capture: Capture, source: Source, public_url: str | None) -> InboundRequest:
    """Make what the public port would have made of it."""
    parts = urlsplit(capture.url)
    match parts.path.split("/"):
        case ["", "in", _, token]:
            found: str | None = unquote(token)
        case _:
            found = parse_qs(parts.query).get("token", [None])[0]
    origin = origin_of(capture, public_url)
    return InboundRequest(
        capture.method,
        origin,
        parts.path,
        parts.query,
        capture.headers,
        capture.body,
        token=found if source.takes_token else None,
    )
