"""`relay why ID|TEXT`: the story of an event in words; whether it arrived, and if not, why."""

import asyncio
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from relay.cli.database import opened_with_clock
from relay.cli.events import events_table
from relay.cli.filters import patience_option, read_moment, read_words
from relay.cli.options import config_option, counted, json_option, load_or_exit
from relay.cli.show import event_or_fail
from relay.cli.texts import echo_json, plain, wrapped
from relay.clock import Clock
from relay.config import Config
from relay.finding import Refused, Sought, find_refused, seek, time_of
from relay.operations import report_targets
from relay.store.ports.rejections import RejectionRow
from relay.store.ports.search import EventFilter
from relay.store.protocol import EventRecord, Store
from relay.story import REFUSED, Story, tell
from relay.web.telling import told_event, told_event_row, told_rejection_row

SEARCH = "8s"  # before an answer is due: for nothing is looked so long but what is not there
FOUND_MAX = 10
LINE_CHARACTERS = 600
MARGIN = 10

_ID = re.compile("evt_[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found: the newest event with its story, what else holds the text, and how much was searched."""

    newest: tuple[EventRecord, Story] | None
    sought: Sought
    refused: Refused


@click.command()
@click.argument("words", metavar="ID|TEXT", callback=read_words)
@click.option(
    "--until",
    metavar="TIME",
    callback=read_moment,
    help="Look for the text in what was received before: 3d, or 2026-07-01.",
)
@patience_option(SEARCH)
@json_option
@config_option
def why(config_path: Path, words: str, until: datetime | None, patience_s: float, as_json: bool) -> None:
    """Tell in words what became of an event: whether it arrived, where it went and why, and what comes next.

    \b
    relay why INV-3337
    relay why evt_0198c2…

    TEXT stands in its id, its key or the first 64 KiB of its body, letter by letter; the newest one is told, and what
    was refused is searched as well. The newest events are searched first, then the keys of all, then older bodies. What
    was searched is said: for older ones add --patience 1m, or --until.

    Exit codes: 0 there is one, 1 there is none, 2 wrong usage or configuration.
    """
    config = load_or_exit(config_path)
    findings = asyncio.run(_findings(config, words, until, patience_s))
    if as_json:
        echo_json(_told(findings))
    else:
        click.echo("\n".join(_in_words(findings, words)))
    sys.exit(0 if findings.newest else 1)


async def _findings(config: Config, words: str, until: datetime | None, patience_s: float) -> Findings:
    async with opened_with_clock(config.storage.database) as (store, clock):
        if _ID.fullmatch(words):
            return Findings(await _story(store, clock, config, words), Sought((), 0, None), Refused((), 0, is_all=True))
        sought = await seek(store, EventFilter(text=words, until=until), FOUND_MAX, clock, patience_s)
        newest = await _story(store, clock, config, sought.events[0].id) if sought.events else None
        return Findings(newest, sought, await find_refused(store, words, FOUND_MAX))


async def _story(store: Store, clock: Clock, config: Config, event_id: str) -> tuple[EventRecord, Story]:
    record = await event_or_fail(store, event_id)
    reports = await report_targets(store, config.targets)
    refused = await store.rejections.admitted_as(event_id)
    return record, tell(record, config.sources.get(record.event.source), reports, clock.now(), refused)


def _in_words(findings: Findings, words: str) -> Iterator[str]:
    shown = plain(words, 80)
    if findings.newest is None:
        yield wrapped(_not_found(findings.sought, shown))
    else:
        yield from _story_in_words(findings.newest[1])
    if others := findings.sought.events[1:]:
        yield f"\n{len(others)}{'+' if findings.sought.last else ''} older with {shown}:\n{events_table(others)}"
    if findings.refused.rows:
        yield f"\nrefused with {shown}:"
        yield from (f"  {wrapped(_refusal(row), 2)}" for row in findings.refused.rows)
    if findings.sought.searched or findings.newest is None:
        yield f"\n{wrapped(_searched(findings))}"


def _not_found(sought: Sought, shown: str) -> str:
    if sought.last is not None:
        return f"no event with {shown} was found; not all were searched"
    return (
        f"no event with {shown} is kept: it did not arrive, was refused, or was purged after storage.keep. If its "
        "sender says that it was sent, compare where to: `relay urls`"
    )


def _story_in_words(story: Story) -> Iterator[str]:
    yield wrapped(plain(story.title))
    for paragraph in story.paragraphs:
        first, *others = (wrapped(plain(line, LINE_CHARACTERS), MARGIN) for line in paragraph.lines)
        about = plain(paragraph.about)
        indented = " " * MARGIN
        yield f"{about:{MARGIN}}{first}" if len(about) < MARGIN else f"{about}\n{indented}{first}"
        yield from (f"{indented}{line}" for line in others)


def _refusal(row: RejectionRow) -> str:
    became = f"admitted since, as {row.event_id}" if row.event_id else f"then `relay rejections admit {row.number}`"
    at = f"{row.received_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{row.number} at {at} for {plain(row.source)}: {row.refusal.value}: {REFUSED[row.refusal]}; {became}"


def _searched(findings: Findings) -> str:
    sought, refused = findings.sought, findings.refused
    events = f"{counted(sought.searched, 'event')} searched"
    if sought.last is not None:
        back_to = f"{time_of(sought.last):%Y-%m-%dT%H:%M:%SZ}"
        every = "" if sought.last_key else "all "
        keys = f", and the ids and keys of {every}{sought.keys:,} before them" if sought.keys else ""
        events = f"the newest {events}, back to {back_to}{keys}; older ones: --patience 1m, or --until {back_to}"
    refusals = "all" if refused.is_all else "not all"
    return f"{events}. {counted(refused.searched, 'refused request')} searched, {refusals} that are kept"


def _told(findings: Findings) -> Mapping[str, object]:
    event = None
    if findings.newest is not None:
        record, story = findings.newest
        paragraphs = [{"about": each.about, "lines": each.lines} for each in story.paragraphs]
        event = {**told_event(record), "story": {"title": story.title, "paragraphs": paragraphs}}
    return {
        "event": event,
        "others": [told_event_row(row) for row in findings.sought.events[1:]],
        "refused": [told_rejection_row(row) for row in findings.refused.rows],
        "searched": {
            "events": findings.sought.searched,
            "events_all": findings.sought.last is None,
            "keys": findings.sought.keys,
            "keys_all": findings.sought.last is None or (findings.sought.keys > 0 and findings.sought.last_key is None),
            "refused": findings.refused.searched,
            "refused_all": findings.refused.is_all,
        },
    }
