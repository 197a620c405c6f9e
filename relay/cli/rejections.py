"""`relay rejections`: requests that were refused: listed, shown, and admitted once what refused them is mended."""

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from relay.admission import Admitted, admit
from relay.cli.database import opened, opened_with_clock
from relay.cli.events import NAME_CHARACTERS
from relay.cli.filters import names_of
from relay.cli.options import config_option, json_option, load_or_exit
from relay.cli.tables import table
from relay.cli.texts import echo_json, plain, plain_body
from relay.clock import Clock
from relay.config import Config
from relay.domain import Refusal
from relay.headroom import Headroom
from relay.ingest import Ingest
from relay.lanes import Lanes
from relay.observer import Observer
from relay.store.ports.rejections import Rejection, RejectionRow
from relay.store.protocol import Store
from relay.story import REFUSED
from relay.web.cursors import LIMIT_MAX
from relay.web.masking import shown_headers, shown_path
from relay.web.telling import told_rejection, told_rejection_row

COLUMNS = ("id", "received (utc)", "source", "reason", "from", "bytes", "admitted as")
EXPECTED = "expected `relay rejections`, `relay rejections show ID` or `relay rejections admit ID…`"
NUMBER_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the rejections. next: where older ones begin; None where there are none."""

    rows: Sequence[RejectionRow]
    next: int | None


@click.command()
@click.argument("change", nargs=-1, metavar="[list|show ID|admit ID…]")
@click.option("--source", shell_complete=names_of("sources"), help="List those of this source.")
@click.option("--reason", type=click.Choice([each.value for each in Refusal]), help="List those refused for this.")
@click.option("--limit", type=click.IntRange(1, LIMIT_MAX), default=20, show_default=True, help="List so many.")
@click.option("--before", type=click.IntRange(1), metavar="ID", help="List those that came before this one.")
@json_option
@config_option
def rejections(
    config_path: Path,
    change: tuple[str, ...],
    source: str | None,
    reason: str | None,
    limit: int,
    before: int | None,
    as_json: bool,
) -> None:
    """List requests that were refused, with the reason; show one; admit some once that is mended.

    \b
    relay rejections --source shop
    relay rejections show 12
    relay rejections admit 12 13

    In a flood only some are kept, and none of unknown sources; what may prove who sends is masked. To admit one is to
    verify it again by the configuration as it is now, as of when it came, and to accept it: it is no trust on credit.
    """
    config = load_or_exit(config_path)
    match change:
        case () | ("list",):
            refusal = Refusal(reason) if reason else None
            _show_page(asyncio.run(_page(config, source, refusal, before, limit)), as_json=as_json)
        case ("show", number):
            _show_one(config, asyncio.run(_one(config, _number(number))), as_json=as_json)
        case ("admit", *numbers) if numbers:
            results = asyncio.run(_admit(config, [_number(each) for each in numbers]))
            _tell_admitted(results, as_json=as_json)
        case _:
            raise click.UsageError(EXPECTED)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= NUMBER_DIGITS):
        raise click.UsageError(f"{plain(text, 40)!r} is no ID of a refused request; expected a number, as listed")
    return int(text)


async def _page(config: Config, source: str | None, refusal: Refusal | None, before: int | None, limit: int) -> Page:
    async with opened(config.storage.database) as store:
        rows = await store.rejections.page(source, refusal, before, limit + 1)
    return Page(rows[:limit], rows[limit - 1].number if len(rows) > limit else None)


def _show_page(page: Page, *, as_json: bool) -> None:
    if as_json:
        echo_json({"items": [told_rejection_row(row) for row in page.rows], "next": page.next})
        return
    if page.rows:
        click.echo(table(COLUMNS, [_row(row) for row in page.rows]))
    all_told = "these are all that are kept" if page.rows else "none is kept"
    click.echo(f"older ones: add --before {page.next}" if page.next else all_told, err=True)


def _row(row: RejectionRow) -> tuple[str, ...]:
    return (
        str(row.number),
        f"{row.received_at:%Y-%m-%d %H:%M:%S}",
        plain(row.source, NAME_CHARACTERS),
        row.refusal.value,
        plain(row.remote, NAME_CHARACTERS),
        f"{row.body_bytes:,}" if row.is_whole else "not read",
        row.event_id or "",
    )


async def _one(config: Config, number: int) -> Rejection:
    async with opened(config.storage.database) as store:
        rejection = await store.rejections.one(number)
    if rejection is None:
        raise click.ClickException(f"there is no refused request {number}, or it is not kept any more")
    return rejection


def _show_one(config: Config, rejection: Rejection, *, as_json: bool) -> None:
    source = config.sources.get(rejection.source)
    headers = shown_headers(rejection.headers, source.proving_headers if source else frozenset())
    if as_json:
        echo_json(told_rejection(rejection, headers, shown_path(rejection.path)))
    else:
        click.echo("\n".join(_shown(rejection, headers)))


def _shown(rejection: Rejection, headers: list[list[str]]) -> Iterator[str]:
    yield f"{rejection.number} refused: {rejection.refusal.value}: {REFUSED[rejection.refusal]}"
    yield f"source    {plain(rejection.source)}"
    yield f"received  {rejection.received_at:%Y-%m-%d %H:%M:%S} UTC from {plain(rejection.remote)}"
    yield f"request   {plain(rejection.method)} {plain(shown_path(rejection.path))}"
    yield "headers"
    yield from (f"  {plain(name)}: {plain(value, 500)}" for name, value in headers)
    yield f"admitted  as {rejection.event_id}" if rejection.event_id else "admitted  not yet"
    yield f"body      {len(rejection.body):,} bytes" if rejection.is_whole else "body      was not read"
    yield plain_body(rejection.body)


async def _admit(config: Config, numbers: Sequence[int]) -> Mapping[int, Admitted | str]:
    """Admit each, whatever becomes of the others; say of each that is not admitted why."""
    async with opened_with_clock(config.storage.database) as (store, clock):
        ingest = await _ingest(config, store, clock)
        results: dict[int, Admitted | str] = {}
        for number in numbers:
            rejection = await store.rejections.one(number)
            results[number] = (
                "There is none, or it is not kept any more."
                if rejection is None
                else await admit(rejection, config.sources, ingest, store)
            )
        return results


async def _ingest(config: Config, store: Store, clock: Clock) -> Ingest:
    """Accept as a relay does that carries nothing itself: whoever delivers is woken."""
    headroom = Headroom(config.storage.backlog_max, config.storage.disk_free_min)
    headroom.see(await store.lanes(), store.free_bytes())
    return Ingest(config.sources.values(), store, Lanes([]), headroom, clock, Observer())


def _tell_admitted(results: Mapping[int, Admitted | str], *, as_json: bool) -> None:
    if as_json:
        echo_json({"items": [_told(number, result) for number, result in results.items()]})
    else:
        for number, result in results.items():
            click.echo(f"{number}: {_in_words(result)}", err=isinstance(result, str))
    sys.exit(1 if any(isinstance(result, str) for result in results.values()) else 0)


def _in_words(result: Admitted | str) -> str:
    if isinstance(result, str):
        return f"not admitted. {result}"
    what = "is a duplicate of" if result.is_duplicate else "admitted as"
    more = f" and {result.events - 1:,} more" if result.events > 1 else ""
    return f"{what} {result.event_id}{more}; `relay why {result.event_id}` tells on"


def _told(number: int, result: Admitted | str) -> dict[str, object]:
    if isinstance(result, str):
        return {"rejection": number, "admitted": False, "reason": result}
    return {
        "rejection": number,
        "admitted": True,
        "id": result.event_id,
        "duplicate": result.is_duplicate,
        "events": result.events,
    }
