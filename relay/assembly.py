"""Everything built once: which part knows which, and nothing started yet."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from relay import registry
from relay.clock import Clock
from relay.config import Config
from relay.domain import Target
from relay.gate import Gate
from relay.headroom import Headroom
from relay.health import Health
from relay.ingest import Ingest
from relay.lanes import Lane, Lanes, Memory
from relay.maintenance import Maintenance
from relay.scheduler import Scheduler
from relay.store.sqlite.store import SqliteStore
from relay.targets.protocol import Sender
from relay.telemetry import Telemetry
from relay.web.inbound import InboundDoor
from relay.worker import Worker


@dataclass(frozen=True, slots=True)
class Parts:
    """What a process runs."""

    store: SqliteStore
    telemetry: Telemetry
    lanes: Lanes
    scheduler: Scheduler
    workers: Sequence[Worker]
    maintenance: Maintenance
    health: Health
    door: InboundDoor

    async def exposition(self) -> bytes:
        """Return all metrics as they are now."""
        return self.telemetry.exposition(await self.store.lanes())


def assemble(config: Config, clock: Clock, worker_name: str) -> Parts:
    """Build everything a configuration asks for. worker_name: this process's, on its leases."""
    draw = random.random
    store = SqliteStore(config.storage.path, worker_name)
    telemetry = Telemetry(clock, config.targets)
    headroom = Headroom(config.storage.backlog_max, config.storage.disk_free_min)
    memory = Memory()
    by_target = {
        target.name: Lane(target, worker_name, memory, Gate(target, store, clock, telemetry))
        for target in config.targets.values()
    }
    lanes = Lanes(by_target.values())
    scheduler = Scheduler(store, lanes, list(by_target), clock)
    workers = [
        Worker(lane, _sender(lane.target, clock), store, scheduler, clock, telemetry, draw)
        for lane in by_target.values()
    ]
    health = Health(store, scheduler, workers, headroom, clock)
    ingest = Ingest(config.sources.values(), store, lanes, headroom, clock, telemetry)
    return Parts(
        store,
        telemetry,
        lanes,
        scheduler,
        workers,
        Maintenance(store, config.targets, lanes.gates, headroom, config.storage.keep, clock, telemetry, draw),
        health,
        InboundDoor(
            config.sources,
            ingest,
            health,
            config.server.public_url,
            config.server.trusted_proxies,
            telemetry.malformed,
        ),
    )


def _sender(target: Target, clock: Clock) -> Sender:
    sender: Sender = registry.load("relay.targets", target.kind, "SENDER")(target, clock)
    return sender
