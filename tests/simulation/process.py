"""One process of the relay: its own code, put together as the program does, on the simulated database and network."""

import asyncio
from collections.abc import Sequence
from functools import partial

from multidict import CIMultiDict

from relay.domain import ENTROPY_BYTES, Answer, InboundRequest, Refusal, Source, Target
from relay.errors import StoreError
from relay.gate import Gate
from relay.headroom import Headroom
from relay.ingest import Ingest
from relay.lanes import Lane, Lanes
from relay.maintenance import Maintenance
from relay.memory import Memory
from relay.observer import Observer
from relay.scheduler import Scheduler
from relay.tenure import Tenure
from relay.worker import Worker
from tests.simulation.database import ROOM_BYTES, Database, SimulatedStore
from tests.simulation.life import Life, LivingClock
from tests.simulation.network import Network, Wire

BACKLOG_MAX = 10_000
GRACE_S = 3.0


class Process:
    """A relay that receives and delivers. is_wounded: something happened to it that excuses a double."""

    def __init__(
        self, name: str, source: Source, targets: Sequence[Target], database: Database, network: Network
    ) -> None:
        self.name = name
        self.life = Life(network.tell_failed)
        self.is_wounded = False
        self._database = database
        self._source = source
        chance, observer = database.chance, Observer()
        self.clock = clock = LivingClock(self.life)
        self.store = SimulatedStore(database, name, self.life)
        memory, tenure = Memory(), Tenure(clock)
        lanes = Lanes([])
        scheduler = Scheduler(self.store, lanes, [target.name for target in targets], clock)
        self._workers = []
        for target in targets:
            lane = Lane(target, name, memory, Gate(target, self.store, clock, observer), tenure)
            lanes.put(lane)
            wire = Wire(self, target, network, clock)
            self._workers.append(Worker(lane, wire, self.store, scheduler, clock, observer, chance.random))
        headroom = Headroom(BACKLOG_MAX, disk_free_min=0)
        by_name = {target.name: target for target in targets}
        entropy = partial(chance.randbytes, ENTROPY_BYTES)
        self._ingest = Ingest([source], self.store, lanes, headroom, clock, observer, entropy)
        self._scheduler = scheduler
        self._maintenance = Maintenance(
            self.store, by_name, lanes.gates, headroom, network.keep, clock, observer, chance.random, tenure
        )
        headroom.see({}, ROOM_BYTES)

    @property
    def is_up(self) -> bool:
        """Tell whether it takes requests."""
        return self.name in self._database.living and not self.life.is_dead

    def start(self) -> None:
        """Begin to receive and to deliver."""
        self._database.living.add(self.name)
        self.life.live(self._maintenance.run(), f"maintenance of {self.name}")
        self.life.live(self._scheduler.run(), f"scheduler of {self.name}")
        for worker in self._workers:
            for task in worker.start():
                self.life.watch(task)

    def post(self, body: bytes) -> asyncio.Task[str | None]:
        """Take a request as its door does: returns the event's id once it is acknowledged, None where it is not."""
        return self.life.live(self._answered(body), f"request at {self.name}")

    def wound(self) -> None:
        """Note that something happens to it after which a delivery may arrive twice."""
        self.is_wounded = True

    def kill(self) -> None:
        """End it at once. The system sees that; its leases stay in the database."""
        self.life.end()
        self._leave()

    async def shut_down(self) -> int:
        """End it as SIGTERM does. Returns how many attempts were cut off."""
        cut_off = sum(await asyncio.gather(*(worker.stop(GRACE_S) for worker in self._workers)))
        self.kill()
        return cut_off

    async def retire(self) -> None:
        """Let every lane run empty, and end. One that still counts what it no longer holds never does."""
        await asyncio.gather(*(worker.retire() for worker in self._workers))
        self.kill()

    def _leave(self) -> None:
        self._database.living.discard(self.name)
        self._database.ears.pop(self.name, None)

    async def _answered(self, body: bytes) -> str | None:
        request = InboundRequest("POST", "https://relay.test", "/in/shop", "", CIMultiDict(), body)
        try:
            receipts = await self._ingest.receive(request, self._source)
        except StoreError:
            return None
        assert not isinstance(receipts, Answer | Refusal)
        await self.life.sleep(self._database.chance.uniform(0, 0.01))  # the answer's way to the sender
        return receipts[0].event_id
