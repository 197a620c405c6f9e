"""One installation under test: its database, its relays, who sends to them, and the three targets they call."""

import asyncio
import hashlib
import json
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.acceptance.program import Begin, Program, begun, configured
from tests.benchmarks.asking import ask
from tests.benchmarks.weighing import cpu_s
from tests.cutting import Cable
from tests.faults.receivers import NOT_NOW, OK, Judge, Receiver, receiving
from tests.faults.requests import FAILING, FAST, ROUTES, SLOW, SOURCES
from tests.faults.senders import Senders
from tests.postgres import Server
from tests.preloaded import Panel
from tests.storage import Rows, Storage

START_S_MAX = 900.0  # on a machine that has much else to do; the time itself is told
SETTLED_S_MAX = 3600.0
AHEAD_MAX = 4000  # so many events may wait for the fast target: senders that outrun it would only make a run longer
POLL_S = 0.05
TAKES_S = 0.02  # the slow target
FAILS, GONE_EACH = 0.2, 25  # the failing one: its share of failures, and of how many one is refused for good
GONE = 410
UNFINISHED = "SELECT 1 FROM deliveries WHERE finished_at IS NULL LIMIT 1"
TARGET: dict[str, Any] = {
    "allow_private": True,
    "concurrency": 16,
    "retry": {"base": "100ms", "factor": 2, "cap": "1s", "max_age": "1d"},
    "breaker": {"failures": 20, "probe": "1s", "probe_cap": "1s"},
}


@dataclass(slots=True)
class Site:
    """What a fault happens to. rounds: how often it is to happen. moments: draws when."""

    folder: Path
    storage: Storage
    server: Server | None
    rounds: int
    moments: random.Random
    receivers: Mapping[str, Receiver]
    senders: Senders
    relays: list[Program] = field(default_factory=list)
    ready_s: list[float] = field(default_factory=list)
    ready_cpu_s: list[float] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)  # of what else is worth telling
    others: list[Server] = field(default_factory=list)  # servers that take over
    cable: Cable | None = None
    server_machine: Panel | None = None  # what is wrong with the machine of the PostgreSQL server
    begin: Begin = begun
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)  # of what lasts as long as the site
    _panel: Panel | None = None

    @property
    def relay(self) -> Program:
        """Return the first relay; most sites have no other."""
        return self.relays[0]

    @property
    def postgres(self) -> Server:
        """Return the server of the database."""
        assert self.server is not None, "its database is a file"
        return self.server

    @property
    def machine(self) -> Panel:
        """Return what is wrong with the relays' machine. Asked for before the first relay is configured."""
        if self._panel is None:
            assert not self.relays
            self._panel = Panel(self.folder)
        return self._panel

    def count(self, what: str, how_many: int = 1) -> None:
        """Count what happened."""
        self.counts[what] = self.counts.get(what, 0) + how_many

    def add_relay(self, *, storage: Storage | None = None, **sections: Any) -> Program:
        """Configure a further relay. storage: the way by which it reaches the database, if it is another."""
        relay = configured(
            self.folder,
            {**self.parts(), **sections},
            name=f"relay-{len(self.relays) + 1}",
            storage=storage or self.storage,
            environment=self._panel.environment if self._panel else {},
        )
        relay.begin = begun if self._panel else self.begin
        self.relays.append(relay)
        self.senders.ports = [relay.port for relay in self.relays]
        return relay

    def parts(self) -> dict[str, Any]:
        """Return what all relays have in their configuration."""
        targets = {name: TARGET | {"url": receiver.url} for name, receiver in self.receivers.items()}
        return {"sources": SOURCES, "targets": targets, "routes": ROUTES}

    async def start(self, relay: Program) -> None:
        """Start a relay, and come back once it is ready. No other hand is laid on it."""
        relay.start()
        await self.is_ready(relay)
        self.ready_cpu_s.append(cpu_s(relay.running.pid))

    async def is_ready(self, relay: Program) -> None:
        """Come back once a relay is ready, and note how long that took."""
        began_s = time.perf_counter()
        async with asyncio.timeout(START_S_MAX):
            while await readiness(relay) != 200:
                if relay.running.poll() is not None:
                    self._restart(relay)
                await asyncio.sleep(POLL_S)
        self.ready_s.append(time.perf_counter() - began_s)

    def _restart(self, relay: Program) -> None:
        """Start a relay again that could not reach its database, as a service manager does. A file is always there."""
        last_words = relay.tail().rpartition("\n")[2]
        assert self.server is not None, f"it ended by itself: {last_words}"
        assert "takes too long" in last_words, f"it ended by itself: {last_words}"
        self.count("starts in vain")
        relay.start()

    async def is_not_ready(self, relay: Program) -> None:
        """Come back once a relay says that it is not ready."""
        async with asyncio.timeout(START_S_MAX):
            while await readiness(relay) != 503:
                await asyncio.sleep(POLL_S)

    async def settles(self) -> None:
        """Come back once nothing is left to be delivered."""
        async with asyncio.timeout(SETTLED_S_MAX):
            while await self.rows(UNFINISHED):
                await asyncio.sleep(POLL_S * 4)

    async def rows(self, statement: str) -> Rows:
        """Read the database, beside the relays."""
        return await asyncio.to_thread(asyncio.run, self.storage.rows(statement))

    def end(self) -> None:
        """End what runs."""
        for relay in self.relays:
            if relay.process is not None:
                with suppress(ProcessLookupError):
                    relay.running.send_signal(signal.SIGCONT)
                relay.kill()


async def readiness(relay: Program) -> int:
    """Ask a relay whether it is ready; 0 where it does not answer."""
    try:
        async with asyncio.timeout(START_S_MAX):
            status, _ = await ask(relay.port, "/readyz")
    except (OSError, EOFError, TimeoutError):
        return 0
    return status


@asynccontextmanager
async def site(folder: Path, storage: Storage, server: Server | None, rounds: int, seed: int) -> AsyncIterator[Site]:
    """Prepare a site; no relay runs yet. Whatever becomes of it, its processes end with it."""
    moments = random.Random(seed)
    receivers = {FAST: Receiver(), SLOW: Receiver(takes_s=TAKES_S), FAILING: Receiver(_moody(random.Random(seed)))}
    senders = Senders([])
    senders.must_wait = lambda: len(senders.ledger.promises) - len(receivers[FAST].arrivals) > AHEAD_MAX
    made = Site(folder, storage, server, rounds, moments, receivers, senders)
    async with receiving(*receivers.values()), made.stack:
        try:
            yield made
        finally:
            made.end()
            for other in made.others:
                other.stop()


def _moody(chance: random.Random) -> Judge:
    def judge(event_id: str, _: bytes) -> int:
        if hashlib.sha256(event_id.encode()).digest()[0] % GONE_EACH == 0:
            return GONE
        return NOT_NOW if chance.random() < FAILS else OK

    return judge


def rewrite(relay: Program, **sections: Any) -> None:
    """Replace sections of a relay's file, as an editor does: beside it, then over it."""
    document = {**json.loads(relay.config.read_text()), **sections}
    draft = relay.config.with_suffix(".draft")
    draft.write_text(json.dumps(document, indent=2))
    draft.replace(relay.config)


def processes(relay: Program) -> Sequence[int]:
    """List a relay's process and the one that writes its database file, if there is one."""
    children = Path(f"/proc/{relay.running.pid}/task").glob("*/children")
    return [relay.running.pid, *(int(pid) for of_thread in children for pid in of_thread.read_text().split())]


def signal_all(relay: Program, number: signal.Signals) -> None:
    """Send a signal to every process of a relay."""
    for pid in processes(relay):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
