"""What an operator asks where a million events are stored: every page and every call, of the real program.

The worst of each kind is among them: what is nowhere, what is only among the oldest, all that fits on a page.
"""

import sqlite3
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import asyncpg
from aiohttp import ClientSession, CookieJar

from relay.store.postgres.session import SCHEMA
from relay.store.postgres.store import PostgresStore
from relay.store.sqlite.store import SqliteStore
from tests.benchmarks import filling, filling_postgres, history, postgres, processes
from tests.benchmarks.benchmark import Benchmark, Reading, Row, Setting, at_most
from tests.benchmarks.history import CARRIED, PAUSED, RARE_SOURCE, RARE_TYPE, REMOVED
from tests.benchmarks.processes import ADMIN_TOKEN

STORED = 1_000_000
BODY_BYTES = 1000
ROUNDS = 20
SECONDS_MAX = 900.0
TARGETS = {CARRIED: "http://127.0.0.1:9/", PAUSED: "http://127.0.0.1:9/"}  # nothing is due to either
WORKER = "benchmark"

SEARCHES = (
    "",
    "limit=500",
    "q=INV-3337",
    "q=INV-3337&status=dead&source=shop",
    "q=M%C3%BCller",
    f"source={RARE_SOURCE}",
    f"type={RARE_TYPE}",
    f"source={RARE_SOURCE}&type={RARE_TYPE}&target={REMOVED}&status=cancelled",
    "source=nobody&type=nothing",
    "status=dead",
    "status=dead&limit=500",
    "status=unrouted",
    "status=cancelled",
    f"target={CARRIED}&status=delivered&limit=500",
    f"target={PAUSED}&status=pending",
    f"target={PAUSED}&status=dead",
    "target=nowhere",
)
CALLS = (
    *(f"events/count?{search}" for search in SEARCHES if "limit" not in search),
    "deliveries",
    "deliveries?limit=500",
    f"deliveries?target={CARRIED}&status=dead&limit=500",
    f"deliveries?target={PAUSED}&status=pending",
    f"deliveries?target={REMOVED}",
    "deliveries?target=nowhere",
    "deliveries?status=cancelled",
    "deliveries?status=sending",
    "targets",
    "replays?limit=500",
    "rejections?limit=500",
    "rejections?reason=stale",
    "stats",
    "stats?minutes=1440",
    "sources",
    "config",
)
PAGES = (
    "/",
    "/?minutes=1440",
    "/targets",
    "/rejected",
    "/rejected?reason=stale",
    "/sources",
    "/replays",
    "/configuration",
)


@dataclass(frozen=True, slots=True)
class Question:
    """Something to be asked. wanted: the JSON of what is posted."""

    path: str
    wanted: Mapping[str, object] | None = None


async def measure_sqlite(setting: Setting) -> Sequence[Reading]:
    """Ask a relay on a file."""
    stored = min(STORED, setting.stored)
    folder = setting.folder / f"asked-{stored}"
    at = processes.site(folder, TARGETS) if folder.exists() else await _file(folder, stored)
    return await _asked(at, stored)


async def _file(folder: Path, stored: int) -> processes.Site:
    await filling.fill(folder / "relay.db", filling.Filling(stored, (CARRIED,), body_bytes=BODY_BYTES))
    with closing(sqlite3.connect(folder / "relay.db")) as connection:
        for statement in history.STATEMENTS:
            connection.execute(statement)
        connection.commit()
    store = SqliteStore(folder / "relay.db", WORKER)
    await store.open()
    try:
        await history.make(store)
    finally:
        await store.close()
    return processes.site(folder, TARGETS)


async def measure_postgres(setting: Setting) -> Sequence[Reading]:
    """Ask a relay on PostgreSQL."""
    stored = min(STORED, setting.stored)
    with postgres.server() as database:
        url = database.url(postgres.DATABASE)
        await filling_postgres.fill(url, stored, (CARRIED,), BODY_BYTES, is_finished=True)
        connection = await asyncpg.connect(url, server_settings={"search_path": SCHEMA})
        for statement in (*history.STATEMENTS, "VACUUM ANALYZE"):
            await connection.execute(statement)
        await connection.close()
        store = PostgresStore(url, WORKER)
        await store.open()
        await history.make(store)
        await store.close()
        folder = setting.folder / "asked-postgres"
        folder.mkdir(exist_ok=True)
        return await _asked(processes.site(folder, TARGETS, url=url), stored)


async def _asked(at: processes.Site, stored: int) -> Sequence[Reading]:
    """Ask every question again and again, all in turn; tell the slowest one's p95, and what it cost in memory."""
    with processes.relay(at) as relay:
        await relay.is_ready()
        async with _session(at.admin_port) as admin:
            questions = [*_questions(), *[question async for question in _of_what_is_there(admin)]]
            before_mb = relay.memory_bytes / 1e6
            await _round(admin, questions)
            warm_mb = relay.memory_bytes / 1e6
            rounds = [await _round(admin, questions) for _ in range(ROUNDS)]
            after_mb = relay.memory_bytes / 1e6
    p95_ms = {path: _p95(of_round[path] for of_round in rounds) for path in rounds[0]}
    slowest = sorted(p95_ms, key=p95_ms.__getitem__, reverse=True)[:3]
    beside = {f"{len(questions)} questions of {{:,.0f}} events": float(stored)}
    beside |= {f"{path} {{:.0f}} ms": p95_ms[path] for path in slowest}
    memory = {"{:.0f} MB at the start": before_mb, "{:.0f} MB once each was asked": warm_mb, "{:.0f} MB": after_mb}
    return [Reading(p95_ms[slowest[0]], beside), Reading(after_mb - warm_mb, memory)]


@asynccontextmanager
async def _session(port: int) -> AsyncIterator[ClientSession]:
    """Sign in as a browser does."""
    async with ClientSession(f"http://127.0.0.1:{port}", cookie_jar=CookieJar(unsafe=True)) as session:
        async with session.post("/sign-in", data={"token": ADMIN_TOKEN}) as answer:
            if answer.status != 200:
                raise RuntimeError(f"/sign-in: {answer.status}")
        session.headers["Authorization"] = f"Bearer {ADMIN_TOKEN}"
        yield session


def _questions() -> Iterator[Question]:
    yield from (Question(f"/api/v1/events?{search}") for search in SEARCHES)
    yield from (Question(f"/api/v1/{call}") for call in CALLS)
    yield from (Question(f"/events?{search}") for search in SEARCHES)
    yield from map(Question, PAGES)
    for wanted in ({"status": "dead"}, {"q": "INV-3337"}, {"source": RARE_SOURCE}):
        yield Question("/api/v1/replays", {**wanted, "dry_run": True})


async def _of_what_is_there(admin: ClientSession) -> AsyncIterator[Question]:
    """Find events and deliveries in the middle of history: their stories, and the pages that begin there."""
    until = quote(f"{datetime.now(UTC) - timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}")
    for listed in ("events", "deliveries"):
        for search in ("", "status=dead&"):
            page = await _told(admin, f"/api/v1/{listed}?{search}until={until}&limit=1")
            yield Question(f"/api/v1/{listed}?{search}cursor={page['next']}")
            if listed == "events":
                (event,) = page["items"]
                yield Question(f"/events?{search}cursor={page['next']}")
                for path in (f"/events/{event['id']}", f"/api/v1/events/{event['id']}", f"/events/{event['id']}/body"):
                    yield Question(path)
    refused = (await _told(admin, "/api/v1/rejections?limit=500"))["items"][-1]["id"]
    for path in (f"/rejected/{refused}", f"/api/v1/rejections/{refused}"):
        yield Question(path)


async def _told(admin: ClientSession, path: str) -> dict[str, list[dict[str, str]]]:
    async with admin.get(path) as answer:
        told: dict[str, list[dict[str, str]]] = await answer.json()
        return told


async def _round(admin: ClientSession, questions: Sequence[Question]) -> dict[str, float]:
    """Ask each once; return how long each took in milliseconds."""
    return {f"{asked.path}{asked.wanted or ''}": await _took_ms(admin, asked) for asked in questions}


async def _took_ms(admin: ClientSession, asked: Question) -> float:
    began_s = time.perf_counter()
    method = "GET" if asked.wanted is None else "POST"
    async with admin.request(method, asked.path, json=asked.wanted) as answer:
        await answer.read()
        if answer.status not in (200, 202):
            raise RuntimeError(f"{asked.path}: {answer.status}")
    return (time.perf_counter() - began_s) * 1000


def _p95(times_ms: Iterator[float]) -> float:
    return statistics.quantiles(times_ms, n=20)[-1]


ROWS = (
    Row("the slowest page or API call with a million events stored, p95", at_most(200, "{:.0f} ms")),
    Row("memory that twenty more rounds of all of them take", at_most(20, "{:.0f} MB")),
)
ON_POSTGRES = tuple(Row(f"{row.what}, on PostgreSQL", row.goal) for row in ROWS)
BENCHMARKS = (
    Benchmark("operating", ROWS, measure_sqlite, SECONDS_MAX),
    Benchmark("postgres-operating", ON_POSTGRES, measure_postgres, SECONDS_MAX),
)
