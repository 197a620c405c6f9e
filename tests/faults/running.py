"""One run of one fault: a site is made, loaded, hurt, left to settle, and looked through."""

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tests.faults import invariants
from tests.faults.fault import POSTGRES, Fault, Form, Run
from tests.faults.site import Site, site
from tests.ports import free_port
from tests.postgres import Server, running
from tests.storage import PostgresStorage, SqliteStorage, Storage

WARM_UP_EVENTS = 100
WARM_UP_S_MAX = 900.0
WORDS_MAX = 500

_databases = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be run. rounds: how often it happens. seed: of all that is chance."""

    fault: Fault
    engine: str
    rounds: int
    seed: int
    form: Form
    commit: str = "unknown"

    @property
    def needs_server(self) -> bool:
        """Tell whether a PostgreSQL server is needed that others may use, too."""
        return self.engine == POSTGRES and not self.fault.owns_server


async def run(task: Task, shared: Server | None) -> Run:
    """Let a fault happen to a site of its own; tell what became of everything that was acknowledged.

    shared: a PostgreSQL server that others use, too.
    """
    load = round(os.getloadavg()[0], 1)
    async with _site_for(task, shared) as at:
        told: list[str] = []
        dead: set[invariants.Place] = set()
        is_over = False
        try:
            async with asyncio.timeout(task.form.run_s_max):
                told += await _live_through(task.fault, at)
            is_over, dead = True, await invariants.dead(at)
            told += await invariants.breaches(at, keeps_all=task.fault.keeps_all)
            told += await task.fault.also(at)
        except Exception as breach:  # noqa: BLE001 - whatever it was, it is told, and the others run all the same
            told += _words_of(breach)
        return replace(_told(task, at, dead), is_over=is_over, breaches=told, load=load)


async def _live_through(fault: Fault, at: Site) -> list[str]:
    """Let it happen under load, then send some of it again, and wait until nothing is left to be done.

    Return what does not hold of the repeats.
    """
    await fault.prepare(at)
    async with at.senders.sending():
        await at.senders.have_sent(WARM_UP_EVENTS, WARM_UP_S_MAX)
        await fault.happen(at)
        await at.senders.have_sent(WARM_UP_EVENTS, WARM_UP_S_MAX)
    await fault.pass_by(at)
    repeated = [await at.senders.send(request) for request in at.senders.last]
    await at.settles()
    return [f"{word}: so was a repeat answered" for word in sorted(set(repeated) - {"duplicate"})]


def _told(task: Task, at: Site, dead: set[invariants.Place]) -> Run:
    promised, arrived = invariants.promised(at.senders.ledger), invariants.arrived(at)
    return Run(
        fault=task.fault.name,
        engine=task.engine,
        date=datetime.now(UTC).date().isoformat(),
        commit=task.commit,
        seed=task.seed,
        rounds=task.rounds,
        acknowledged=len(at.senders.ledger.promises),
        delivered=len(promised & arrived),
        dead=len((promised & dead) - arrived),
        lost=len(promised - arrived - dead),
        doubled=sum(receiver.doubled for receiver in at.receivers.values()),
        ready_s=at.ready_s,
        ready_cpu_s=at.ready_cpu_s,
        counts=at.counts,
    )


@asynccontextmanager
async def _site_for(task: Task, shared: Server | None) -> AsyncIterator[Site]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relay-faults-")))
        storage: Storage = SqliteStorage(stack.enter_context(task.fault.disk(folder)))
        server = None
        if task.engine == POSTGRES:
            own = task.fault.owns_server or shared is None
            server = await asyncio.to_thread(stack.enter_context, running(free_port())) if own else shared
            assert server is not None
            name = f"relay_{next(_databases)}"
            await asyncio.to_thread(server.sql, f"CREATE DATABASE {name}")
            storage = PostgresStorage(server.url(name))
        async with site(folder, storage, server, task.rounds, task.seed) as made:
            made.begin, made.senders.pause_s = task.form.begin, task.form.pause_s
            yield made


def _words_of(fault: BaseException) -> list[str]:
    """Say what went wrong, where several did so at once each by itself."""
    if isinstance(fault, BaseExceptionGroup):
        return [words for one in fault.exceptions for words in _words_of(one)]
    return [f"{type(fault).__name__}: {fault}"[:WORDS_MAX]]
