"""What an operator asks of a long history costs a few rows of it: told by the server's own counts of what was read."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

import pytest

from relay.domain import DeliveryStatus
from relay.replays import new_replay
from relay.store.ports.minutes import Kind
from relay.store.ports.rejections import Bounds
from relay.store.ports.replays import ReplayStep
from relay.store.ports.search import DeliveryFilter, EventFilter, EventStatus
from relay.store.postgres import carrying, changing, reading, searching
from relay.store.postgres.dialling import Server
from relay.store.postgres.numbers import Stretch, day_of, span, span_of
from relay.store.postgres.session import BY_INDEX, Session
from relay.store.postgres.unfinished import Unfinished
from relay.store.protocol import Store
from tests import postgres as servers
from tests.benchmarks.filling_postgres import fill
from tests.builders import a_plan, a_rejection, an_event
from tests.conftest import START
from tests.patience import WAIT_S_MAX
from tests.storage import PostgresStorage, postgres_storage

EVENTS = 24_000  # some 4,000 a day
FEW_EVENTS = 600  # some 100 a day: so few that the planner finds one way as short as another
FEW = 250  # rows of one table: a page of ten, and what hangs on it
LIMIT = 10
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MILLISECOND = timedelta(milliseconds=1)
MINUTE = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
PAID = Kind("event", "shop", "accepted")

Ask = Callable[[Store, "Past"], Awaitable[object]]


class Past(NamedTuple):
    """A day in the middle of history, when it began, and what is in it."""

    storage: PostgresStorage
    name: str
    began_at: datetime
    event_id: str
    delivered: int
    dead: int


@pytest.fixture(scope="module")
def past(postgres: servers.Server) -> Iterator[Past]:
    with postgres_storage(postgres) as storage:
        asyncio.run(fill(storage.url, EVENTS, ("erp",), 100))
        yield asyncio.run(_settled(storage))


async def _settled(storage: PostgresStorage) -> Past:
    """Have all but the last day delivered, and one of a hundred dead."""
    for statement in (_DELIVER, _BURY, _COUNT_MINUTES, "VACUUM", "ANALYZE"):
        await storage.execute(statement)
    days = await storage.rows("SELECT seq >> 36, min(id) FROM events GROUP BY 1 ORDER BY 1")
    day, _ = days[len(days) // 2]
    date = datetime(1970, 1, 1, tzinfo=UTC).date() + day * DAY
    its = f"id >= {day}::bigint << 36 ORDER BY id LIMIT 1"
    ((event_id, delivered, dead),) = await storage.rows(
        f"""SELECT (SELECT id FROM events WHERE seq >= {day}::bigint << 36 ORDER BY seq LIMIT 1),
            (SELECT id FROM deliveries WHERE status = 'delivered' AND {its}),
            (SELECT id FROM deliveries WHERE status = 'dead' AND {its})"""
    )
    return Past(storage, f"{date:%Y%m%d}", datetime.combine(date, time(), UTC), event_id, delivered, dead)


_DELIVER = """
    UPDATE deliveries SET status = 'delivered', finished_at = due_at, attempts = 1
    WHERE id < (SELECT max(id) >> 36 << 36 FROM deliveries)"""
_BURY = "UPDATE deliveries SET status = 'dead', finished_at = due_at WHERE id % 100 = 1"
_COUNT_MINUTES = """
    INSERT INTO minutes (at, what, name, result, count, seconds)
    SELECT timestamptz '2026-07-01 12:00Z' - n * interval '1 minute', 'event', 'shop', 'accepted', 1, 0
    FROM generate_series(0, 5000) AS n"""


class Reading(NamedTuple):
    """What was read of one table: whether row after row from its beginning, and how many rows."""

    scans: int
    rows: int


async def read_by(past: Past, ask: Ask) -> dict[str, Reading]:
    """Return what was read of each table, by a process that did nothing else."""
    before = await _counts(past.storage)
    async with _opened(past.storage) as store:
        await ask(store, past)
    after = await _counts(past.storage)
    read = {
        table: Reading(*(now - then for now, then in zip(after[table], before[table], strict=True))) for table in after
    }
    return {table: reading for table, reading in read.items() if any(reading)}


@asynccontextmanager
async def _opened(storage: PostgresStorage) -> AsyncIterator[Store]:
    store = storage.store("worker-a")
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def _counts(storage: PostgresStorage) -> dict[str, Reading]:
    """Return what was read so far: a process has told all of it once it is gone."""
    async with asyncio.timeout(WAIT_S_MAX):
        while await storage.rows(_AT_WORK) != [(0,)]:
            await asyncio.sleep(0.01)
    return {table: Reading(scans, rows) for table, scans, rows in await storage.rows(_COUNTS)}


_AT_WORK = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'relay %'"""
_COUNTS = """
    SELECT t.relname, t.seq_scan, t.seq_tup_read
        + (SELECT sum(i.idx_tup_read) FROM pg_stat_user_indexes i WHERE i.relid = t.relid)::bigint
    FROM pg_stat_user_tables t
    WHERE t.relname ~ '_[0-9]{8}$' OR t.relname IN ('minutes', 'rejections', 'rejected_requests')"""


def events(*, of_a_day: bool = False, **wanted: object) -> Ask:
    async def ask(store: Store, past: Past) -> None:
        asked = EventFilter(**wanted)  # type: ignore[arg-type]
        if of_a_day:
            asked = replace(asked, since=past.began_at + 6 * HOUR, until=past.began_at + 18 * HOUR)
        page = await store.search.events(asked, None, LIMIT)
        assert LIMIT == len(page.events)

    return ask


def deliveries(status: DeliveryStatus | None, *, of_a_day: bool = False) -> Ask:
    async def ask(store: Store, past: Past) -> None:
        asked = DeliveryFilter(status=status)
        if of_a_day:
            asked = replace(asked, since=past.began_at, until=past.began_at + DAY - MILLISECOND)
        page = await store.search.deliveries(asked, None, LIMIT)
        assert LIMIT == len(page.deliveries)

    return ask


async def oldest_first(store: Store, past: Past) -> None:
    found = await store.search.event_ids(EventFilter(), past.event_id, LIMIT, oldest_first=True)
    assert LIMIT == len(found.ids)


async def clear(store: Store, past: Past) -> None:
    assert LIMIT == await store.changes.move_pending("erp", "crm", past.began_at, LIMIT)
    assert LIMIT == await store.changes.cancel_pending("crm", past.began_at, LIMIT)


async def add_up(store: Store, _: Past) -> None:
    await store.minutes.add(MINUTE, {PAID: (1, 0.1)}, MINUTE - 7 * DAY)
    assert 60 == len(await store.minutes.between(MINUTE - HOUR, MINUTE))


async def last_seen(store: Store, _: Past) -> None:
    assert {"shop": MINUTE} == await store.minutes.last_seen()


async def keep_refused(store: Store, _: Past) -> None:
    await store.rejections.keep([a_rejection()], Bounds(MINUTE, 100, 10**9))
    (row,) = await store.rejections.page(None, None, None, LIMIT)
    assert await store.rejections.one(row.number) is not None


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(events(), id="the newest events"),
        pytest.param(events(status=EventStatus.PENDING), id="events that are pending"),
        pytest.param(events(target="erp"), id="events of a target"),
        pytest.param(events(text="evt_"), id="events by a text"),
        pytest.param(events(of_a_day=True), id="events of a time"),
        pytest.param(oldest_first, id="the oldest events after one"),
        pytest.param(deliveries(None), id="the latest deliveries"),
        pytest.param(deliveries(DeliveryStatus.DELIVERED, of_a_day=True), id="deliveries of a time"),
        pytest.param(deliveries(DeliveryStatus.PENDING), id="what is pending"),
        pytest.param(deliveries(DeliveryStatus.DEAD), id="what died"),
        pytest.param(deliveries(DeliveryStatus.DEAD, of_a_day=True), id="what died in a time"),
        pytest.param(clear, id="clearing a target"),
        pytest.param(add_up, id="minutes"),
        pytest.param(last_seen, id="when sources last sent an event"),
        pytest.param(keep_refused, id="refused requests"),
    ],
)
async def test_a_page_reads_a_few_rows_and_never_a_whole_day(past: Past, ask: Ask) -> None:
    """However long history is: each is led by an index to what it shows."""
    read = await read_by(past, ask)

    assert {} == {table: reading for table, reading in read.items() if reading.scans or reading.rows > FEW}


async def test_a_page_reads_no_small_day_for_each_of_its_events(postgres: servers.Server) -> None:
    """As on the morning of any day."""
    with postgres_storage(postgres) as storage:
        await fill(storage.url, FEW_EVENTS, ("erp",), 100)
        read = await read_by(await _settled(storage), events())

    assert {} == {table: reading for table, reading in read.items() if reading.scans or reading.rows > FEW}


async def one_event(store: Store, past: Past) -> None:
    assert await store.event(past.event_id) is not None


async def one_delivery(store: Store, past: Past) -> None:
    assert await store.search.delivery(past.delivered) is not None


async def change_one(store: Store, past: Past) -> None:
    assert DeliveryStatus.DEAD is await store.changes.retry(past.dead, past.began_at)
    assert DeliveryStatus.PENDING is await store.changes.cancel(past.dead, past.began_at)


async def take_a_step(store: Store, past: Past) -> None:
    job = new_replay(EventFilter(), past.began_at, past.event_id.encode()[-10:], only_dead=False)
    await store.replays.begin(job)
    step = ReplayStep([past.event_id], past.event_id, 1, past.began_at, is_last=True)
    assert 1 == await store.replays.advance(job, step, past.began_at)


@pytest.mark.parametrize(
    "ask",
    [
        one_event,
        one_delivery,
        change_one,
        take_a_step,
        pytest.param(events(of_a_day=True), id="events of a time"),
        pytest.param(deliveries(DeliveryStatus.DELIVERED, of_a_day=True), id="deliveries of a time"),
        pytest.param(deliveries(DeliveryStatus.DEAD, of_a_day=True), id="what died in a time"),
    ],
)
async def test_what_is_of_one_day_reads_no_other(past: Past, ask: Ask) -> None:
    """Whoever knows a number, an id or a time knows the day."""
    read = await read_by(past, ask)

    assert {past.name} == {table.rpartition("_")[2] for table in read}


@pytest.mark.parametrize("statement", [carrying._lease, carrying._release, carrying._apply_in, changing._hasten])
async def test_what_is_found_by_its_number_is_never_looked_for_by_its_status(
    past: Past, statement: Callable[[Stretch], str]
) -> None:
    """Nothing was being sent when this was planned. Once thousands are, each of them would be read for each number."""
    plan = await _plan_of(past.storage, statement(span_of([past.delivered])))

    assert [f"deliveries_{past.name}_pkey"] == [
        index for line in plan for index in SCANNED.findall(line) if index.startswith("deliveries")
    ]


@pytest.mark.parametrize(
    "statement",
    [
        carrying._due,
        carrying._lease,
        carrying._release,
        carrying._load,
        carrying._apply_in,
        changing._lines,
        changing._held,
        changing._cancelled,
        searching._load_deliveries,
        reading._left,
    ],
)
async def test_a_plan_that_was_made_when_a_day_began_reads_no_more_of_it_when_it_is_full(
    young: PostgresStorage, statement: Callable[[Stretch | Unfinished], str]
) -> None:
    """It is kept, and to read a table that is empty costs nothing: each row must be asked for by more than its day."""
    plan = await _plan_of(young, statement(span(day_of(START))))

    conditions = [condition for line in plan for condition in LOOKED_UP.findall(line)]
    assert conditions
    assert [] == [condition for condition in conditions if " = " not in condition]
    assert [] == [line for line in plan if "Seq Scan" in line]


@pytest.fixture(scope="module")
def young(postgres: servers.Server) -> Iterator[PostgresStorage]:
    """A database to which the first event of a day has just come."""

    async def begin(storage: PostgresStorage) -> None:
        async with _opened(storage) as store:
            await store.accept(an_event(), a_plan(), {})

    with postgres_storage(postgres) as storage:
        asyncio.run(begin(storage))
        yield storage


async def _plan_of(storage: PostgresStorage, statement: str) -> list[str]:
    """Return the plan that is made for all values, line by line."""
    session = Session(Server(storage.url, 5.0), "testing", BY_INDEX)
    async with session.used() as connection:
        await connection.execute(f"PREPARE asked AS {statement}")
        values = await connection.fetchval(
            "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'asked'"
        )
        plan = await connection.fetch(f"EXPLAIN EXECUTE asked ({', '.join(['NULL'] * values)})")
    await session.close()
    return [line for (line,) in plan]


SCANNED = re.compile(r"Scan using (\S+) on")
LOOKED_UP = re.compile(r"Index Cond: (.*)")
