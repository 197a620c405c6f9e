"""Everything built once: which part knows which, and nothing started yet."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relay import registry
from relay.clock import Clock
from relay.config import Config
from relay.deliverers import Deliverers
from relay.domain import Route, Target
from relay.gate import Gate
from relay.headroom import Headroom
from relay.health import Health
from relay.ingest import Ingest
from relay.lanes import Lane, Lanes
from relay.maintenance import Duty, Maintenance
from relay.memory import Memory
from relay.minutes import MinuteBook
from relay.offers import Offers
from relay.quarantine import Quarantine
from relay.replays import Replaying
from relay.roles import Role
from relay.scheduler import Scheduler
from relay.shaper import ShapingSender
from relay.shaping import Shapes
from relay.store.opening import store_on
from relay.store.protocol import Store
from relay.targets.protocol import Sender
from relay.telemetry import Telemetry
from relay.web.inbound import InboundDoor
from relay.worker import Worker

REPLAY_EVERY_S = 0.5
QUARANTINE_EVERY_S = 1.0
MINUTES_EVERY_S = 5.0
FORGET_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a process runs; None is what its role does not need."""

    store: Store
    telemetry: Telemetry
    lanes: Lanes
    scheduler: Scheduler | None
    workers: Sequence[Worker]
    deliverers: Deliverers | None
    maintenance: Maintenance
    health: Health
    ingest: Ingest
    door: InboundDoor | None

    async def exposition(self) -> bytes:
        """Return all metrics as they are now."""
        return self.telemetry.exposition(await self.store.lanes())


def assemble(config: Config, clock: Clock, worker_name: str, role: Role) -> Parts:
    """Build everything a configuration asks for in a role. worker_name: this process's, on its leases."""
    draw = random.random
    store = store_on(config.storage.database, worker_name)
    telemetry = Telemetry(clock, config.targets)
    headroom = Headroom(config.storage.backlog_max, config.storage.disk_free_min)
    memory = Memory()
    carried = config.targets.values() if role.delivers else ()
    by_target = {
        target.name: Lane(target, worker_name, memory, Gate(target, store, clock, telemetry)) for target in carried
    }
    lanes = Lanes(by_target.values())
    scheduler = Scheduler(store, lanes, list(by_target), clock)
    routes = [route for source in config.sources.values() for route in source.routes]
    workers = [
        Worker(lane, _sender(lane.target, routes, clock), store, scheduler, clock, telemetry, draw)
        for lane in by_target.values()
    ]
    deliverers = None if role.delivers else Deliverers(store, clock)
    health = Health(
        store,
        scheduler if role.delivers else None,
        workers,
        headroom if role.receives else None,
        clock,
        deliverers,
    )
    quarantine = Quarantine(store, config.quarantine, clock)
    offers = Offers(config.storage.database, clock)
    ingest = Ingest(
        config.sources.values(), store, lanes, headroom, clock, telemetry, quarantine=quarantine, keep_offer=offers.keep
    )
    maintenance = Maintenance(
        store,
        config.targets,
        lanes.gates,
        headroom,
        config.storage.keep,
        clock,
        telemetry,
        draw,
        _duties(store, lanes, quarantine, MinuteBook(store, telemetry.counted, clock), clock, config),
    )
    return Parts(
        store,
        telemetry,
        lanes,
        scheduler if role.delivers else None,
        workers,
        deliverers,
        maintenance,
        health,
        ingest,
        _door(config, ingest, health, telemetry) if role.receives else None,
    )


def _duties(
    store: Store, lanes: Lanes, quarantine: Quarantine, minutes: MinuteBook, clock: Clock, config: Config
) -> Sequence[Duty]:
    """List what is done again and again for those who operate the relay."""
    replaying = Replaying(store, lanes, clock, config.storage.keep)
    return (
        Duty(REPLAY_EVERY_S, "replay", replaying.step),
        Duty(FORGET_EVERY_S, "forget_replays", replaying.forget),
        Duty(QUARANTINE_EVERY_S, "quarantine", quarantine.write),
        Duty(FORGET_EVERY_S, "forget_refused", quarantine.drop_old),
        Duty(MINUTES_EVERY_S, "minutes", minutes.write),
    )


def _door(config: Config, ingest: Ingest, health: Health, telemetry: Telemetry) -> InboundDoor:
    server = config.server
    return InboundDoor(config.sources, ingest, health, server.public_url, server.trusted_proxies, telemetry.malformed)


def _sender(target: Target, routes: Iterable[Route], clock: Clock) -> Sender:
    sender: Sender = registry.load("relay.targets", target.kind, "SENDER")(target, clock)
    shapes = Shapes(target, routes)
    return ShapingSender(sender, shapes, clock) if shapes else sender
