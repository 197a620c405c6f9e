"""One run of one fault: a site is made, loaded, hurt, left to settle, and looked through."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from tests.faults import invariants
from tests.faults.fault import SQLITE, Fault, Run
from tests.faults.requests import Request
from tests.faults.site import Site, site
from tests.ports import free_port
from tests.postgres import running
from tests.storage import SqliteStorage, Storage, postgres_storage

WARM_UP_EVENTS = 100
WARM_UP_S_MAX = 120.0
REPEATS = 24
RUN_S_MAX = 3600.0


async def run(fault: Fault, engine: str, rounds: int, seed: int, commit: str) -> Run:
    """Let a fault happen to a site of its own; tell what became of everything that was acknowledged."""
    async with asyncio.timeout(RUN_S_MAX), _site_for(fault, engine, rounds, seed) as at:
        told: list[str] = []
        dead: set[invariants.Place] = set()
        try:
            await _live_through(fault, at)
            dead = await invariants.dead(at)
            told += await invariants.breaches(at, keeps_all=fault.keeps_all)
            told += fault.also(at)
        except Exception as breach:  # noqa: BLE001 - whatever it was, it is told, and the others run all the same
            told += _words_of(breach)
        return _told(fault, engine, seed, commit, at, dead, told)


async def _live_through(fault: Fault, at: Site) -> None:
    """Let it happen under load, then send some of it again, and wait until nothing is left to be done."""
    await fault.prepare(at)
    requests, sent = at.senders.requests, []

    def noted() -> Iterator[Request]:
        for request in requests:
            sent.append(request)
            del sent[:-REPEATS]
            yield request

    at.senders.requests = noted()
    async with at.senders.sending():
        await at.senders.have_sent(WARM_UP_EVENTS, WARM_UP_S_MAX)
        await fault.happen(at)
        await at.senders.have_sent(WARM_UP_EVENTS, WARM_UP_S_MAX)
    await fault.pass_by(at)
    repeated = [await at.senders.repeat(request) for request in islice(sent, REPEATS)]
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
        counts=at.counts,
        breaches=breaches,
    )


@asynccontextmanager
async def _site_for(fault: Fault, engine: str, rounds: int, seed: int) -> AsyncIterator[Site]:
    with tempfile.TemporaryDirectory(prefix="relay-faults-") as name, _storage(engine, Path(name)) as storage:
        async with site(Path(name), storage, rounds, seed) as made:
            yield made


@contextmanager
def _storage(engine: str, folder: Path) -> Iterator[Storage]:
    if engine == SQLITE:
        yield SqliteStorage(folder)
    else:
        with running(free_port()) as server, postgres_storage(server) as storage:
            yield storage


def _words_of(fault: BaseException) -> list[str]:
    """Say what went wrong, where several did so at once each by itself."""
    if isinstance(fault, BaseExceptionGroup):
        return [words for one in fault.exceptions for words in _words_of(one)]
    return [f"{type(fault).__name__}: {fault}"]
