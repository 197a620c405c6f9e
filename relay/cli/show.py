"""`relay show ID`: all that is kept of one event."""

import asyncio
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from relay.cli.database import opened_with_clock
from relay.cli.options import config_option, json_option, load_or_exit
from relay.cli.tables import coloured, table
from relay.cli.texts import echo_json, plain, plain_body
from relay.config import Config
from relay.config.units import lasting
from relay.domain import Attempt
from relay.store.ports.search import fold
from relay.store.protocol import DeliveryRecord, EventRecord, Store
from relay.story import took
from relay.web.masking import shown_headers
from relay.web.telling import iso, told_event

ATTEMPTS = ("attempt", "started (utc)", "took", "outcome", "http", "detail", "answer")
DETAIL_CHARACTERS = 100
VALUE_CHARACTERS = 500


@click.command()
@click.argument("event_id", metavar="ID")
@click.option("--body", "only_body", is_flag=True, help="Print nothing but its body; into a file or pipe as it came.")
@json_option
@config_option
def show(config_path: Path, event_id: str, only_body: bool, as_json: bool) -> None:
    """Show all that is kept of the event ID: its request, routes, deliveries and their attempts.

    \b
    relay show evt_0198c2…
    relay show evt_0198c2… --body > invoice.json

    Headers that may prove who sends are masked. With --json: as GET /api/v1/events/ID answers. `relay why` says it in
    words.
    """
    config = load_or_exit(config_path)
    record, now = asyncio.run(_stored(config, event_id))
    headers = _headers(config, record)
    if only_body:
        _print_body(record.event.body)
    elif as_json:
        expires = iso(record.event.key_expires_at)
        echo_json({**told_event(record), "headers": headers, "key_expires_at": expires})
    else:
        click.echo("\n".join(_shown(record, headers, now)))


async def _stored(config: Config, event_id: str) -> tuple[EventRecord, datetime]:
    """Return an event's story, and as of when."""
    async with opened_with_clock(config.storage.database) as (store, clock):
        return await event_or_fail(store, event_id), clock.now()


async def event_or_fail(store: Store, event_id: str) -> EventRecord:
    """Return an event. Errors: ClickException, where there is none."""
    record = await store.event(event_id)
    if record is None:
        raise click.ClickException(
            f"there is no event {plain(event_id, 80)}, or not any more after storage.keep; `relay events` finds others"
        )
    return record


def _headers(config: Config, record: EventRecord) -> list[list[str]]:
    source = config.sources.get(record.event.source)
    return shown_headers(record.event.headers, source.proving_headers if source else frozenset())


def _print_body(body: bytes) -> None:
    if sys.stdout.isatty():
        click.echo(plain_body(body))
    else:
        click.echo(body, nl=False)


def _shown(record: EventRecord, headers: list[list[str]], now: datetime) -> Iterator[str]:
    event = record.event
    status = fold(delivery.status for delivery in record.deliveries).value
    yield f"{event.id} {coloured(status)}"
    yield f"source    {plain(event.source)}"
    yield f"type      {plain(event.type)}"
    yield f"key       {plain(event.key.decode('utf-8', 'backslashreplace'))}"
    yield f"received  {event.received_at:%Y-%m-%d %H:%M:%S} UTC ({lasting(now - event.received_at)} ago)"
    if event.secret_number is not None:
        yield f"proven    by secret {event.secret_number} of the source"
    yield "headers"
    yield from (f"  {plain(name)}: {plain(value, VALUE_CHARACTERS)}" for name, value in headers)
    yield "routes" if record.verdicts else "routes    none"
    yield from (f"  {plain(route)} {said.value}" for route, said in record.verdicts)
    for delivery in record.deliveries:
        yield from _shown_delivery(delivery)
    yield f"body      {len(event.body):,} bytes"
    yield plain_body(event.body)


def _shown_delivery(delivery: DeliveryRecord) -> Iterator[str]:
    reason = f": {plain(delivery.reason, VALUE_CHARACTERS)}" if delivery.reason else ""
    yield f"to {plain(delivery.target)} {coloured(delivery.status.value)} by {plain(delivery.route)}{reason}"
    if delivery.attempts:
        laid_out = table(ATTEMPTS, [_attempt(attempt) for attempt in delivery.attempts])
        yield "\n".join(f"  {line}" for line in laid_out.splitlines())


def _attempt(attempt: Attempt) -> tuple[str, ...]:
    return (
        str(attempt.number),
        f"{attempt.started_at:%Y-%m-%d %H:%M:%S}",
        took(attempt),
        attempt.outcome.value,
        str(attempt.status or ""),
        plain(attempt.detail, DETAIL_CHARACTERS),
        plain(attempt.excerpt.decode("utf-8", "replace"), DETAIL_CHARACTERS),
    )
