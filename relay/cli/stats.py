"""`relay stats`: what came in and what went out lately, by source and target."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import click

from relay.cli.database import opened_with_clock
from relay.cli.options import config_option, json_option, load_or_exit
from relay.cli.tables import table
from relay.cli.texts import echo_json
from relay.config import Config
from relay.config.units import lasting
from relay.minutes import SPAN_MAX, Span, last_minutes
from relay.operations import TargetReport, report_targets
from relay.store.ports.minutes import ALL_DURATIONS, Figure
from relay.web.telling import told_minutes

SOURCES = ("source", "accepted", "duplicate", "refused", "last event")
TARGETS = ("target", "state", "delivered", "failed", "mean", "95 % within", "waiting", "oldest", "dead")
TAKEN = ("accepted", "duplicate", "handshake")
USUAL_SHARE = 0.95


class Lately(NamedTuple):
    """What the database tells. last_seen: when each source last sent an event."""

    now: datetime
    span: Span
    figures: Sequence[Figure]
    last_seen: Mapping[str, datetime]
    reports: Mapping[str, TargetReport]


@click.command()
@click.option("--minutes", type=click.IntRange(1, SPAN_MAX), default=60, show_default=True, help="How far back.")
@json_option
@config_option
def stats(config_path: Path, minutes: int, as_json: bool) -> None:
    """Tell what came in and what went out in the last minutes, and what waits now.

    \b
    relay stats
    relay stats --minutes 1440

    All processes together, up to some seconds ago. With --json: each minute, or 5 or 15 of them where they are
    many, as GET /api/v1/stats answers.
    """
    config = load_or_exit(config_path)
    now, span, figures, seen, reports = asyncio.run(_asked(config, minutes))
    if as_json:
        echo_json(told_minutes(figures, span))
        return
    click.echo(table(SOURCES, _source_rows(figures, {**dict.fromkeys(config.sources), **seen}, now)))
    click.echo()
    click.echo(table(TARGETS, [_target_row(report, figures, now) for report in reports.values()]))


async def _asked(config: Config, minutes: int) -> Lately:
    async with opened_with_clock(config.storage.database) as (store, clock):
        span = last_minutes(minutes, now := clock.now())
        figures = await store.minutes.between(span.since, span.until, span.step)
        reports = await report_targets(store, config.targets)
        return Lately(now, span, figures, await store.minutes.last_seen(), reports)


def _source_rows(
    figures: Iterable[Figure], last_seen: Mapping[str, datetime | None], now: datetime
) -> list[tuple[str, ...]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter, {name: Counter() for name in last_seen})
    for figure in figures:
        if figure.kind.what == "event":
            counts[figure.kind.name][figure.kind.result] += figure.count
    return [_source_row(name, results, last_seen.get(name), now) for name, results in counts.items()]


def _source_row(name: str, results: Counter[str], last_at: datetime | None, now: datetime) -> tuple[str, ...]:
    refused = sum(count for result, count in results.items() if result not in TAKEN)
    ago = f"{lasting(now - last_at)} ago" if last_at else "not within a week"
    return name, f"{results['accepted']:,}", f"{results['duplicate']:,}", f"{refused:,}", ago


def _target_row(report: TargetReport, figures: Iterable[Figure], now: datetime) -> tuple[str, ...]:
    own = [figure for figure in figures if figure.kind.name == report.name]
    outcomes = Counter[str]()
    for figure in own:
        if figure.kind.what == "delivery":
            outcomes[figure.kind.result] += figure.count
    lane = report.lane
    return (
        report.name,
        report.state.value,
        f"{outcomes['accepted']:,}",
        f"{outcomes.total() - outcomes['accepted']:,}",
        *_durations([figure for figure in own if figure.kind.what == "duration"]),
        f"{lane.unfinished:,}",
        lasting(now - lane.oldest_at) if lane.oldest_at else "",
        f"{lane.dead:,}",
    )


def _durations(figures: Sequence[Figure]) -> tuple[str, str]:
    """Return how long attempts took on average, and within which bound nearly all of them ended."""
    buckets, seconds = Counter[float](), 0.0
    for figure in figures:
        if figure.kind.result == ALL_DURATIONS:
            seconds += figure.seconds
        else:
            buckets[float(figure.kind.result)] += figure.count
    if not (total := buckets.total()):
        return "", ""
    reached, bound = 0, 0.0
    for bound in sorted(buckets):
        reached += buckets[bound]
        if reached >= total * USUAL_SHARE:
            break
    return f"{seconds / total * 1000:,.0f} ms", "longer" if bound == float("inf") else f"{bound * 1000:,.0f} ms"
