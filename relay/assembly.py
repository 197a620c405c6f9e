"""Everything built once: which part knows which, and nothing started yet."""

import os
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial

from relay import registry
from relay.certificates import Certificates
from relay.clock import Clock
from relay.config import Config
from relay.crew import Crew, duties
from relay.deliverers import Deliverers
from relay.descriptors import affordable
from relay.disuse import Disuse
from relay.domain import OWN_SOURCE, HttpTarget, Route, Target
from relay.errors import ConfigurationInvalid
from relay.gate import Gate
from relay.headroom import Headroom
from relay.health import Health
from relay.heart import Heart
from relay.ingest import Ingest
from relay.lanes import Lane, Lanes
from relay.lookout import Lookout
from relay.maintenance import Duty, Maintenance
from relay.memory import Memory
from relay.minutes import MinuteBook
from relay.notifying import ROUTE, Notifier
from relay.offers import Offers
from relay.quarantine import Quarantine
from relay.replays import Replaying
from relay.roles import Role
from relay.scheduler import Scheduler
from relay.shaper import ShapingSender
from relay.shaping import Shapes
from relay.silence import Silence
from relay.singles import Singles
from relay.store.protocol import Store
from relay.targets.heartbeat import beat
from relay.targets.protocol import Sender
from relay.telemetry import Telemetry
from relay.tenure import Tenure
from relay.tracing import CarryingSender, TracedIngest, Tracer, TracingSender, passing_trace
from relay.web.inbound import InboundDoor
from relay.worker import Worker

REPLAY_EVERY_S = 0.5
QUARANTINE_EVERY_S = 1.0
MINUTES_EVERY_S = 5.0
SILENCE_EVERY_S = 60.0
FORGET_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a process runs; None is what its role does not need."""

    store: Store
    clock: Clock
    telemetry: Telemetry
    lanes: Lanes
    scheduler: Scheduler | None
    crew: Crew
    deliverers: Deliverers | None
    maintenance: Maintenance
    health: Health
    ingest: Ingest
    headroom: Headroom
    quarantine: Quarantine
    replaying: Replaying
    silence: Silence
    disuse: Disuse
    singles: Singles
    notifier: Notifier
    lookout: Lookout
    heart: Heart
    door: InboundDoor | None

    def adopt(self, config: Config) -> None:
        """Use another configuration from here on. Nothing else runs meanwhile, so nobody sees half of it.

        Errors: ConfigurationInvalid, where a target cannot be used; nothing has changed then.
        """
        carried = config.targets if self.scheduler is not None else {}
        try:
            self.crew.adopt(duties(carried, _routes(config)))
        except Exception as error:
            message = f"a target cannot be used: {type(error).__name__}; expected one whose files can be read"
            raise ConfigurationInvalid((config.origin.at_key(("targets",), message),)) from error
        if self.scheduler is not None:
            self.scheduler.adopt(carried)
        self.headroom.adopt(config.storage.backlog_max, config.storage.disk_free_min)
        self.telemetry.adopt(config.targets)
        self.telemetry.expect(config.sources.values())
        self.ingest.adopt(config.sources.values())
        self.quarantine.adopt(config.quarantine)
        self.replaying.adopt(config.storage.keep)
        self.maintenance.adopt(config.targets, self.lanes.gates, config.storage.keep)
        self.silence.adopt(config.sources.values() if self.door is not None else ())
        self.disuse.adopt(config.sources.values() if self.door is not None else ())
        self.singles.adopt(config.sources.values(), config.targets)
        self.notifier.adopt(config.notify, config.targets)
        self.heart.adopt(config.heartbeat)
        if self.door is not None:
            server = config.server
            self.door.adopt(config.sources, server.public_url, server.trusted_proxies, affordable(server.bounds))

    async def exposition(self) -> bytes:
        """Return all metrics as they are now."""
        self.telemetry.see(self.silence.silent(), is_disk_short=self.headroom.disk_shortage is not None)
        return self.telemetry.exposition(await self.store.lanes())


@dataclass(frozen=True, slots=True)
class Ground:
    """What the other parts stand on."""

    config: Config
    clock: Clock
    worker_name: str
    role: Role
    tracer: Tracer | None
    store: Store
    telemetry: Telemetry
    headroom: Headroom
    lanes: Lanes
    tenure: Tenure


def assemble(
    config: Config, store: Store, clock: Clock, worker_name: str, role: Role, tracer: Tracer | None = None
) -> Parts:
    """Build everything a configuration asks for in a role, on a store that is open: until then its clock is not right.

    worker_name: this process's, on its leases.
    """
    lanes = Lanes([])
    telemetry = Telemetry(clock, config.targets)
    telemetry.expect(config.sources.values())
    headroom = Headroom(config.storage.backlog_max, config.storage.disk_free_min)
    ground = Ground(config, clock, worker_name, role, tracer, store, telemetry, headroom, lanes, Tenure(clock))
    scheduler = Scheduler(store, lanes, [], clock)
    crew = _crew(ground, scheduler)
    deliverers = None if role.delivers else Deliverers(store, clock)
    health = _health(ground, scheduler, crew, deliverers)
    silence = Silence(config.sources.values() if role.receives else (), telemetry.heard, clock)
    disuse = Disuse(config.sources.values() if role.receives else (), telemetry.key_used, clock)
    singles = Singles(config.sources.values(), config.targets, silence, store, clock)
    notifier = Notifier(config.notify, config.targets, store, lanes, clock, os.urandom)
    telemetry.ring = notifier.tell
    quarantine = Quarantine(store, config.quarantine, clock)
    replaying = Replaying(store, lanes, clock, config.storage.keep)
    ingest = _ingest(ground, quarantine)
    minutes = MinuteBook(store, telemetry.counted, clock)
    return Parts(
        store,
        clock,
        telemetry,
        lanes,
        scheduler if role.delivers else None,
        crew,
        deliverers,
        _maintenance(ground, _duties(replaying, quarantine, minutes, partial(silence.look, store))),
        health,
        ingest,
        headroom,
        quarantine,
        replaying,
        silence,
        disuse,
        singles,
        notifier,
        Lookout(silence, disuse, headroom, clock, notifier.tell),
        Heart(config.heartbeat, health, clock, beat),
        _door(config, ingest, health, telemetry, singles, clock) if role.receives else None,
    )


def _crew(ground: Ground, scheduler: Scheduler) -> Crew:
    """Build who carries deliveries: in a role that does, a worker for each target."""
    store, clock, telemetry, memory = ground.store, ground.clock, ground.telemetry, Memory()

    def employ(target: Target, sender: Sender, gate: Gate | None) -> Worker:
        if gate is None:
            gate = Gate(target, store, clock, telemetry)
        else:
            gate.adopt(target)
        lane = Lane(target, ground.worker_name, memory, gate, ground.tenure)
        return Worker(lane, sender, store, scheduler, clock, telemetry, random.random)

    crew = Crew(ground.lanes, lambda duty: _sender(duty.target, duty.routes, clock, ground.tracer), employ, clock)
    if ground.role.delivers:
        crew.adopt(duties(ground.config.targets, _routes(ground.config)))
        scheduler.adopt(ground.config.targets)
    return crew


def _health(ground: Ground, scheduler: Scheduler, crew: Crew, deliverers: Deliverers | None) -> Health:
    role = ground.role
    return Health(
        ground.store,
        scheduler if role.delivers else None,
        crew.at_work,
        ground.headroom if role.receives else None,
        ground.clock,
        deliverers,
    )


def _ingest(ground: Ground, quarantine: Quarantine) -> Ingest:
    make = Ingest if ground.tracer is None else partial(TracedIngest, ground.tracer)
    return make(
        ground.config.sources.values(),
        ground.store,
        ground.lanes,
        ground.headroom,
        ground.clock,
        ground.telemetry,
        quarantine=quarantine,
        keep_offer=Offers(ground.config.storage.database, ground.clock).keep,
        fetch_key=Certificates(ground.clock).key,
    )


def _maintenance(ground: Ground, others: tuple[Duty, ...]) -> Maintenance:
    return Maintenance(
        ground.store,
        ground.config.targets,
        ground.lanes.gates,
        ground.headroom,
        ground.config.storage.keep,
        ground.clock,
        ground.telemetry,
        random.random,
        ground.tenure,
        others,
    )


def _duties(
    replaying: Replaying, quarantine: Quarantine, minutes: MinuteBook, look_for_silence: Callable[[], Awaitable[None]]
) -> tuple[Duty, ...]:
    """List what is done again and again for those who operate the relay."""
    return (
        Duty(REPLAY_EVERY_S, "replay", replaying.step),
        Duty(FORGET_EVERY_S, "forget_replays", replaying.forget),
        Duty(QUARANTINE_EVERY_S, "quarantine", quarantine.write),
        Duty(FORGET_EVERY_S, "forget_refused", quarantine.drop_old),
        Duty(MINUTES_EVERY_S, "minutes", minutes.write),
        Duty(SILENCE_EVERY_S, "silence", look_for_silence),
    )


def _routes(config: Config) -> list[Route]:
    routes = [route for source in config.sources.values() for route in source.routes]
    told = [config.targets[name] for name in config.notify.targets] if config.notify else []
    return [*routes, Route(ROUTE, OWN_SOURCE, tuple(told))]


def _door(
    config: Config, ingest: Ingest, health: Health, telemetry: Telemetry, singles: Singles, clock: Clock
) -> InboundDoor:
    server = config.server
    return InboundDoor(
        config.sources,
        ingest,
        health,
        server.public_url,
        server.trusted_proxies,
        telemetry.malformed,
        singles,
        affordable(server.bounds),
        clock,
        telemetry.cut_off,
    )


def _sender(target: Target, routes: Iterable[Route], clock: Clock, tracer: Tracer | None) -> Sender:
    shapes = Shapes(target, routes)
    if tracer is None:
        return _shaping(_own_sender(target, clock), shapes, clock)
    if isinstance(target, HttpTarget):
        sender: Sender = CarryingSender(_own_sender(passing_trace(target), clock), tracer)
    else:
        sender = _own_sender(target, clock)
    return TracingSender(_shaping(sender, shapes, clock), tracer)


def _own_sender(target: Target, clock: Clock) -> Sender:
    sender: Sender = registry.load("relay.targets", target.kind, "SENDER")(target, clock)
    return sender


def _shaping(sender: Sender, shapes: Shapes, clock: Clock) -> Sender:
    return ShapingSender(sender, shapes, clock) if shapes else sender
