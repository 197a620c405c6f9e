"""`relay try`: what a route would send of an event, where, and why or why not. Nothing is sent."""

import asyncio
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
import orjson
from multidict import CIMultiDict

from relay.batches import split
from relay.cli.database import opened
from relay.cli.options import config_option, json_option, load_or_exit, unknown
from relay.cli.texts import plain, plain_body
from relay.config import Config
from relay.domain import Event, InboundRequest, Refusal, Route, Source, Verdict, new_event_id
from relay.identity import identify, read
from relay.system_clock import SystemClock
from relay.targets.preview import preview
from relay.trials import Trial, Trials

CLOCK = SystemClock()

_CALL = re.compile(r": ([a-z0-9_]+)\(\) ")


@click.command("try")
@click.argument("route")
@click.option("--event", "event_id", help="An event of the database, by its id.")
@click.option(
    "--body", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="This file, as if it had come in."
)
@click.option(
    "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header that came with that file; repeatable."
)
@click.option("--source", help="The source that it came from, where the route has several.")
@json_option
@config_option
def trying(
    config_path: Path,
    route: str,
    event_id: str | None,
    body: Path | None,
    headers: tuple[str, ...],
    source: str | None,
    as_json: bool,
) -> None:
    """Show what ROUTE would send of an event, where, and why or why not.

    \b
    relay try rentals --event evt_0198c2…
    relay try rentals --body booking.json
    relay try pushes --body push.json --header 'X-GitHub-Event: push'

    Of a file with several events, as some vendors send them, the first is tried.

    Nothing is sent, and nothing changed. Secrets are shown as ***. Exit code 1 where some target would get nothing.
    """
    config = load_or_exit(config_path)
    candidates = _routes(config, route, source)
    match event_id, body:
        case str(), None if not headers:
            event = asyncio.run(_stored(config, event_id))
        case None, Path():
            event = _made(config.sources[candidates[0].source], body.read_bytes(), _parsed(headers))
        case _:
            raise click.UsageError("expected one of --event ID and --body FILE, with --header only beside --body")
    chosen = next((each for each in candidates if each.source == event.source), None)
    if chosen is None:
        raise click.UsageError(f"the event came from {event.source}, where this route does not begin")
    trials_of = Trials(preview, CLOCK)
    said, complaint = trials_of.ask(chosen, event)
    routes = [each for source in config.sources.values() for each in source.routes]
    trials = [trials_of.show(routes, chosen, target, event) for target in chosen.targets]
    if as_json:
        click.echo(orjson.dumps(_told(chosen, event, said, complaint, trials)))
    else:
        click.echo("\n\n".join([_heading(chosen, event, said, complaint), *(_shown(trial) for trial in trials)]))
    is_sent = said is Verdict.MATCHED and all(trial.sent is not None for trial in trials)
    sys.exit(0 if is_sent else 1)


def _routes(config: Config, name: str, source: str | None) -> list[Route]:
    """Return the routes of that name: one for each source that it begins at."""
    routes = [route for each in config.sources.values() for route in each.routes]
    found = [route for route in routes if route.name == name and source in (None, route.source)]
    if not found:
        raise unknown("route", name, dict.fromkeys(route.name for route in routes))
    return found


async def _stored(config: Config, event_id: str) -> Event:
    async with opened(config.storage.database) as store:
        record = await store.event(event_id)
    if record is None:
        raise click.ClickException(f"there is no event {event_id} in the database")
    return record.event


def _parsed(headers: Sequence[str]) -> CIMultiDict[str]:
    found: CIMultiDict[str] = CIMultiDict({"Content-Type": "application/json"})
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon:
            raise click.BadParameter(f"expected 'NAME: VALUE', found {header!r}", param_hint="--header")
        found[name.strip()] = value.strip()
    return found


def _made(source: Source, content: bytes, headers: CIMultiDict[str]) -> Event:
    """Make the event that a file would become, as its source names events; its proof is taken for granted."""
    request = InboundRequest("POST", "", f"/in/{source.name}", "", headers, content)
    event = _named(request, source)
    if isinstance(event, Refusal):
        raise click.ClickException(f"the source {source.name} would refuse this body: {event.value}")
    place = getattr(source.identification.type, "name", None)
    if place is not None and place not in headers:
        click.echo(f"its type stands in a header: say --header '{place}: …' as well", err=True)
    return event


def _named(request: InboundRequest, source: Source) -> Event | Refusal:
    """Name an event; an id that would come in a header is not asked for, as nothing is stored."""
    document = read(request.body, None, source.body_bytes_max, request.headers.get("Content-Type"))
    if isinstance(document, Refusal):
        return document
    if source.batch is not None:
        parts = split(request, document, source.batch, source.body_bytes_max)
        if isinstance(parts, Refusal):
            return parts
        request, document = parts[0]
    keys = {of: term for of, term in source.identification.keys.items() if term.reads_body}
    keyed = replace(source, identification=replace(source.identification, keys=keys))
    now = CLOCK.now()
    return identify(request, keyed, document, now, new_event_id(now, bytes(10)))


def _heading(route: Route, event: Event, said: Verdict, complaint: str) -> str:
    when = f": {route.when.text}" if route.when else ""
    lines = [f"{event.id} ({event.type}) from {event.source}", f"route {route.name} {said.value}{when}"]
    if complaint and route.when:
        lines += [complaint, *_pointed(route.when.text, complaint)]
    if said is not Verdict.MATCHED:
        lines.append("nothing is sent of this event; if the route took it:")
    return "\n".join(lines)


def _shown(trial: Trial) -> str:
    title = f"→ {trial.target.name} ({trial.target.kind})"
    if trial.sent is None:
        return "\n".join([title, trial.reason, *_pointed(trial.expression, trial.reason)])
    sent = trial.sent
    headers = [f"{name}: {plain(value)}" for name, value in sent.headers]
    return "\n".join([title, plain(f"{sent.method} {sent.url}".strip()), *headers, "", _body(sent.body)])


def _body(body: bytes) -> str:
    """Return a body for a terminal: a document is no text, and told by its size."""
    return f"({len(body):,} bytes, a document)" if b"\0" in body or body.startswith(b"%PDF-") else plain_body(body)


def _pointed(expression: str, reason: str) -> list[str]:
    """Return an expression, with a mark below the call that failed where that is known."""
    if not expression:
        return []
    match = _CALL.search(reason)
    at = expression.find(f"{match[1]}(") if match else -1
    line = plain(expression)
    return [f"    {line}"] if at < 0 else [f"    {line}", f"    {' ' * at}^"]


def _told(route: Route, event: Event, said: Verdict, complaint: str, trials: list[Trial]) -> dict[str, object]:
    return {
        "event": event.id,
        "type": event.type,
        "source": event.source,
        "route": route.name,
        "verdict": said.value,
        "fault": complaint or None,
        "targets": [_told_trial(trial) for trial in trials],
    }


def _told_trial(trial: Trial) -> dict[str, object]:
    sent = trial.sent
    return {
        "target": trial.target.name,
        "kind": trial.target.kind,
        "fault": trial.reason or None,
        "key": trial.key or None,
        "method": sent.method if sent else None,
        "url": sent.url if sent else None,
        "headers": [list(header) for header in sent.headers] if sent else [],
        "body": sent.body.decode(errors="replace") if sent else None,
    }
