"""One run of one fault: a site is made, loaded, hurt, left to settle, and looked through."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.faults import invariants
from tests.faults.fault import POSTGRES, Fault, Run
from tests.faults.site import Site, site
from tests.ports import free_port
from tests.postgres import running
from tests.storage import PostgresStorage, SqliteStorage, Storage

WARM_UP_EVENTS = 100
WARM_UP_S_MAX = 900.0
DATABASE = "relay"
RUN_S_MAX = 7200.0


async def run(fault: Fault, engine: str, rounds: int, seed: int, commit: str) -> Run:
    """Let a fault happen to a site of its own; tell what became of everything that was acknowledged."""
    async with asyncio.timeout(RUN_S_MAX), _site_for(fault, engine, rounds, seed) as at:
        told: list[str] = []
        dead: set[invariants.Place] = set()
        try:
            await _live_through(fault, at)
            dead = await invariants.dead(at)
            told += await invariants.breaches(at, keeps_all=fault.keeps_all)
            told += await fault.also(at)
        except Exception as breach:  # noqa: BLE001 - whatever it was, it is told, and the others run all the same
            told += _words_of(breach)
        return _told(fault, engine, seed, commit, at, dead, told)


async def _live_through(fault: Fault, at: Site) -> None:
    """Let it happen under load, then send some of it again, and wait until nothing is left to be done."""
    await fault.prepare(at)
    async with at.senders.sending():
        await at.senders.have_sent(WARM_UP_EVENTS, WARM_UP_S_MAX)
        await fault.happen(at)
        await at.senders.have_sent(WARM_UP_EVENTS, WARM_UP_S_MAX)
    await fault.pass_by(at)
    repeated = [await at.senders.send(request) for request in at.senders.last]
    assert set(repeated) == {"duplicate"}, f"repeats were answered {sorted(set(repeated))}"
    await at.settles()


def _told(
    fault: Fault, engine: str, seed: int, commit: str, at: Site, dead: set[invariants.Place], breaches: list[str]
) -> Run:
    promised, arrived = invariants.promised(at.senders.ledger), invariants.arrived(at)
    return Run(
        fault=fault.name,
        engine=engine,
        date=datetime.now(UTC).date().isoformat(),
        commit=commit,
        seed=seed,
        rounds=at.rounds,
        acknowledged=len(at.senders.ledger.promises),
        delivered=len(promised & arrived),
        dead=len((promised & dead) - arrived),
        lost=len(promised - arrived - dead),
        doubled=sum(receiver.doubled for receiver in at.receivers.values()),
        ready_s=at.ready_s,
        ready_cpu_s=at.ready_cpu_s,
        counts=at.counts,
        breaches=breaches,
    )


@asynccontextmanager
async def _site_for(fault: Fault, engine: str, rounds: int, seed: int) -> AsyncIterator[Site]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relay-faults-")))
        storage: Storage = SqliteStorage(stack.enter_context(fault.disk(folder)))
        server = None
        if engine == POSTGRES:
            server = await asyncio.to_thread(stack.enter_context, running(free_port()))
            server.sql(f"CREATE DATABASE {DATABASE}")
            storage = PostgresStorage(server.url(DATABASE))
        async with site(folder, storage, server, rounds, seed) as made:
            yield made


def _words_of(fault: BaseException) -> list[str]:
    """Say what went wrong, where several did so at once each by itself."""
    if isinstance(fault, BaseExceptionGroup):
        return [words for one in fault.exceptions for words in _words_of(one)]
    return [f"{type(fault).__name__}: {fault}"]
