"""Which events a command is about: the same options everywhere, and the names that a shell completes."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from relay.cli.texts import plain
from relay.config import Config
from relay.config.misfits import nearest
from relay.config.units import parse_duration
from relay.config.yaml import parse
from relay.errors import ConfigurationInvalid
from relay.store.ports.search import EventFilter, EventStatus
from relay.system_clock import SystemClock

TEXT_MAX = 500
Command = Callable[..., Any]
Completion = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def read_moment(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """Read `2026-07-01T12:00:00Z`, without a zone in UTC, or how long ago: `2h`. Errors: BadParameter."""
    if value is None:
        return None
    try:
        return SystemClock().now() - parse_duration(value)
    except (ValueError, OverflowError):
        pass
    try:
        time = datetime.fromisoformat(value)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        expected = "expected a time such as 2026-07-01T12:00:00Z, or how long ago: 2h"
        raise click.BadParameter(f"{plain(value)!r}: {expected}") from None


def read_words(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Take a text that can be looked for. Errors: BadParameter."""
    if value is not None and (not 0 < len(value) <= TEXT_MAX or "\0" in value):
        raise click.BadParameter(f"expected 1 to {TEXT_MAX} characters")
    return value


def _read_seconds(_: click.Context, __: click.Parameter, value: str) -> float:
    try:
        return parse_duration(value) / timedelta(seconds=1)
    except ValueError as misfit:
        raise click.BadParameter(f"{plain(value)!r}: {misfit}") from misfit


def names_of(section: str) -> Completion:
    """Return what completes names of a section of the configuration, faulty or without its secrets as it may be."""

    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        path = ctx.params.get("config_path") or os.environ.get("RELAY_CONFIG") or "config/relay.yaml"
        return [CompletionItem(name) for name in _names(Path(path), section) if name.startswith(incomplete)]

    return complete


def _names(path: Path, section: str) -> list[str]:
    try:
        found = parse(path.read_bytes(), str(path)).data.get(section)
    except (OSError, ConfigurationInvalid):
        return []
    return [str(name) for name in found] if isinstance(found, dict) else []


_OPTIONS = (
    click.option("--source", callback=read_words, shell_complete=names_of("sources"), help="Of this source."),
    click.option("--type", "event_type", callback=read_words, help="Of this type."),
    click.option(
        "--status",
        type=click.Choice([status.value for status in EventStatus]),
        help="As they stand by the worst of their deliveries.",
    ),
    click.option(
        "--target", callback=read_words, shell_complete=names_of("targets"), help="With a delivery to this target."
    ),
    click.option(
        "--since", metavar="TIME", callback=read_moment, help="Received then or later: 2h, or 2026-07-01T12:00:00Z."
    ),
    click.option("--until", metavar="TIME", callback=read_moment, help="Received before."),
    click.option(
        "--text", callback=read_words, help="In the id, the key or the first 64 KiB of the body, letter by letter."
    ),
)


def filter_options(command: Command) -> Command:
    """Give a command every option of a filter; it gets them as one, `wanted`."""

    @wraps(command)
    def with_filter(
        *,
        source: str | None,
        event_type: str | None,
        status: str | None,
        target: str | None,
        since: datetime | None,
        until: datetime | None,
        text: str | None,
        **others: Any,
    ) -> Any:
        wanted = EventFilter(source, event_type, EventStatus(status) if status else None, target, since, until, text)
        return command(wanted=wanted, **others)

    for option in reversed(_OPTIONS):
        with_filter = option(with_filter)
    return with_filter


def note_unknown(config: Config, wanted: EventFilter) -> None:
    """Say on standard error which name is not configured: it may be one of the past, but mostly it is misspelt."""
    for noun, name, names in (("source", wanted.source, config.sources), ("target", wanted.target, config.targets)):
        if name is not None and name not in names:
            near = nearest(name, names)
            hint = f"; did you mean `{near}`?" if near else ": it may be one of the past"
            click.echo(f"note: no {noun} {plain(name, 80)!r} is configured{hint}", err=True)


def patience_option(default: str) -> Callable[[Command], Command]:
    """Give a command the option to search for longer than a duration."""
    return click.option(
        "--patience",
        "patience_s",
        metavar="DURATION",
        callback=_read_seconds,
        default=default,
        show_default=True,
        help="For how long to search; a history is searched newest first.",
    )
