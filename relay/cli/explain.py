"""`relay explain`: why a captured request is refused, and what would match."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import click
import orjson

from relay.cli.captures import Capture, origin_of, read_capture
from relay.cli.options import config_option, json_option, load_or_exit, unknown
from relay.domain import InboundRequest, Source
from relay.explaining import explain as explained
from relay.explaining import secrets_of


@click.command()
@click.argument("source")
@click.option(
    "--request",
    "path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The captured request: raw HTTP, JSON {method, url, headers, body}, or an archive (HAR).",
)
@click.option(
    "--received", type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S"]), help="When it was received, in UTC."
)
@json_option
@config_option
def explain(config_path: Path, source: str, path: Path, received: datetime | None, as_json: bool) -> None:
    """Say why a captured request is refused by SOURCE, and what would match.

    \b
    relay explain shop --request request.txt
    relay explain shop --request request.json --received 2026-07-01T12:00:00Z

    Everything is tried on this machine: no secret is shown, and nothing is sent. Exit codes: 0 proven, 1 not.
    """
    config = load_or_exit(config_path)
    if source not in config.sources:
        raise unknown("source", source, config.sources)
    try:
        capture = read_capture(path.read_bytes())
    except ValueError as error:
        raise click.UsageError(f"{path}: {error}") from error
    at = received.replace(tzinfo=UTC) if received else capture.received_at or datetime.now(UTC)
    known = config.sources[source]
    others = {name: secrets_of(it) for name, it in config.sources.items() if name != source}
    result = explained(_inbound(capture, known, config.server.public_url), known, at, others)
    if as_json:
        click.echo(orjson.dumps({"source": source, "refused": result.refusal, "findings": result.findings}))
    else:
        click.echo("\n".join([f"refused: {result.refusal}" if result.refusal else "accepted", *result.findings]))
    sys.exit(1 if result.refusal else 0)


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
