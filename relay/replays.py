"""Events sent again: one at once; many step by step, paced and resumable, one step by one process at a time."""

from datetime import datetime, timedelta

from relay.clock import Clock, to_ms
from relay.domain import DeliveryStatus
from relay.lanes import Lanes
from relay.store.ports.replays import Replay, ReplayState, ReplayStep
from relay.store.ports.search import EventFilter
from relay.store.protocol import EventRecord, Store

PER_S = 50  # events, unless asked otherwise
PER_S_MAX = 1000
STEP_S = 1.0


def new_replay(wanted: EventFilter, now: datetime, entropy: bytes, *, only_dead: bool, per_s: int = PER_S) -> Replay:
    """Make a job of all events that fit and are there now. entropy: 10 bytes, by which no other job has its id."""
    until = min(wanted.until, now) if wanted.until else now
    bounded = EventFilter(wanted.source, wanted.type, wanted.status, wanted.target, wanted.since, until, wanted.text)
    replay_id = f"rpl_{to_ms(now):012x}{entropy.hex()}"
    return Replay(replay_id, bounded, only_dead, per_s, ReplayState.RUNNING, now, now)


async def replay_event(store: Store, record: EventRecord, target: str | None, now: datetime) -> int:
    """Make an event's final deliveries pending again, to all of its targets or to one; tell how many."""
    if target is None:
        return await store.replay(record.event.id, now)
    final = [each for each in record.deliveries if each.target == target and each.status.is_final]
    stood = [await store.changes.retry(delivery.id, now) for delivery in final]
    return sum(each is not DeliveryStatus.SENDING for each in stood)


class Replaying:
    """Takes the next step of whichever job is due. Safe in any number of processes: a step is taken once."""

    def __init__(self, store: Store, lanes: Lanes, clock: Clock, keep: timedelta) -> None:
        self._store = store
        self._lanes = lanes
        self._clock = clock
        self._keep = keep

    def adopt(self, keep: timedelta) -> None:
        """Keep finished ones for so long from here on."""
        self._keep = keep

    async def step(self) -> None:
        """Take a step of every job that is due."""
        while (replay := await self._store.replays.due(self._clock.now())) is not None:
            await self._advance(replay)

    async def forget(self) -> None:
        """Drop jobs that ended longer ago than history is kept."""
        await self._store.replays.forget(self._clock.now() - self._keep)

    async def _advance(self, replay: Replay) -> None:
        """Replay as many events as a second may bring. Where only looking takes long, the next look follows at once."""
        now = self._clock.now()
        found = await self._store.search.event_ids(replay.wanted, replay.position, replay.per_s, oldest_first=True)
        wait_s = len(found.ids) / replay.per_s * STEP_S
        position = found.last if found.last is not None else replay.position
        step = ReplayStep(found.ids, position, found.searched, now + timedelta(seconds=wait_s), found.last is None)
        if await self._store.replays.advance(replay, step, now):
            self._lanes.wake(self._lanes.gates)
