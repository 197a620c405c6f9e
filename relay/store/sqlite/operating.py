"""What operators have done: deliveries changed, minutes added up, replays taken on, refused requests kept."""

import heapq
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Any

from relay.clock import to_ms
from relay.domain import DeliveryStatus, Refusal
from relay.store.ports.minutes import MINUTE, Figure, Kind, latest
from relay.store.ports.rejections import Bounds, Rejection, RejectionRow
from relay.store.ports.replays import Replay, ReplayState, ReplayStep
from relay.store.ports.search import needles
from relay.store.sqlite import booking
from relay.store.sqlite.asking import Asking
from relay.store.sqlite.booking import Advance, Heap, Minute
from relay.store.sqlite.changing import Move
from relay.store.sqlite.rows import from_ms, maybe_from_ms, maybe_to_ms
from relay.store.texts import filter_from_json, filter_to_json, head_to_json, rejection_from

Do = Callable[[str, Any], Awaitable[Any]]  # has the writer do something


class SqliteChanges:
    """Fulfils `relay.store.ports.changes.Changes`. ring: tells other processes that something may be due."""

    def __init__(self, do: Do, ring: Callable[[], None]) -> None:
        self._do = do
        self._ring = ring

    async def retry(self, delivery_id: int, now: datetime) -> DeliveryStatus | None:
        """Have a delivery sent at once."""
        return await self._change("retry", delivery_id, now)

    async def cancel(self, delivery_id: int, now: datetime) -> DeliveryStatus | None:
        """Have a delivery never sent."""
        return await self._change("cancel", delivery_id, now)

    async def cancel_pending(self, target: str, now: datetime, limit: int) -> int:
        """Cancel pending deliveries of a target."""
        return int(await self._do("clear", Move(target, None, to_ms(now), limit)))

    async def move_pending(self, target: str, other: str, now: datetime, limit: int) -> int:
        """Give pending deliveries of a target to another."""
        count = int(await self._do("clear", Move(target, other, to_ms(now), limit)))
        self._ring()
        return count

    async def _change(self, verb: str, delivery_id: int, now: datetime) -> DeliveryStatus | None:
        stood = await self._do(verb, (delivery_id, to_ms(now)))
        self._ring()
        return DeliveryStatus(stood) if stood else None


class SqliteMinutes:
    """Fulfils `relay.store.ports.minutes.Minutes`."""

    def __init__(self, do: Do, asking: Asking) -> None:
        self._do = do
        self._ask = asking.ask

    async def add(self, at: datetime, counts: Mapping[Kind, tuple[int, float]], before: datetime) -> None:
        """Add to a minute."""
        rows = [(to_ms(at), kind.what, kind.name, kind.result, *numbers) for kind, numbers in counts.items()]
        await self._do("add_minute", Minute(rows, to_ms(before)))

    async def between(self, since: datetime, until: datetime, step: timedelta = MINUTE) -> Sequence[Figure]:
        """Return all figures of a time."""
        if step == MINUTE:
            rows = await self._ask(booking.minutes, to_ms(since), to_ms(until))
        else:
            rows = await self._ask(booking.steps, to_ms(since), to_ms(until), step // timedelta(milliseconds=1))
        return [Figure(from_ms(at), Kind(*kind), count, seconds) for at, *kind, count, seconds in rows]

    async def last_seen(self) -> Mapping[str, datetime]:
        """Tell the last minute in which each source sent an event."""
        return latest(
            (name, result, from_ms(at)) for name, result, at in await self._ask(booking.last_minutes, "event")
        )

    async def last_proofs(self) -> Mapping[tuple[str, int], datetime]:
        """Tell the last minute in which each secret proved a request."""
        proofs = await self._ask(booking.last_minutes, "proof")
        return {(name, int(number)): from_ms(at) for name, number, at in proofs}


class SqliteReplays:
    """Fulfils `relay.store.ports.replays.Replays`."""

    def __init__(self, do: Do, asking: Asking, ring: Callable[[], None]) -> None:
        self._do = do
        self._ask = asking.ask
        self._ring = ring

    async def begin(self, replay: Replay) -> None:
        """Keep a job."""
        times = (to_ms(replay.created_at), to_ms(replay.due_at))
        await self._do(
            "begin_replay", (replay.id, filter_to_json(replay.wanted), replay.only_dead, replay.per_s, *times)
        )

    async def all(self, limit: int) -> Sequence[Replay]:
        """List jobs."""
        return [_replay(row) for row in await self._ask(booking.replays, "", {"limit": limit})]

    async def one(self, replay_id: str) -> Replay | None:
        """Return a job, or None."""
        found = await self._ask(booking.replays, "WHERE id = :id", {"id": replay_id, "limit": 1})
        return _replay(found[0]) if found else None

    async def due(self, now: datetime) -> Replay | None:
        """Return the running job that has been due longest."""
        found = await self._ask(booking.replays, "WHERE state = 'running' AND due_at <= :now", {"now": to_ms(now)})
        return _replay(heapq.nsmallest(1, found, key=lambda row: row[6])[0]) if found else None

    async def advance(self, replay: Replay, step: ReplayStep, now: datetime) -> int | None:
        """Take a step of a job."""
        finished_at = maybe_to_ms(now if step.is_last else None)
        advance = Advance(
            replay.id,
            replay.position,
            step.position,
            step.searched,
            to_ms(step.due_at),
            finished_at,
            tuple(step.event_ids),
            replay.wanted.target,
            replay.only_dead,
            to_ms(now),
        )
        count: int | None = await self._do("advance_replay", advance)
        self._ring()
        return count

    async def cancel(self, replay_id: str, now: datetime) -> Replay | None:
        """Take no further step of a job."""
        await self._do("cancel_replay", (replay_id, to_ms(now)))
        return await self.one(replay_id)

    async def forget(self, before: datetime) -> None:
        """Drop jobs that ended before a time."""
        await self._do("forget_replays", to_ms(before))


def _replay(row: tuple[Any, ...]) -> Replay:
    replay_id, wanted, only_dead, per_s, state, created_at, due_at, finished_at, *progress = row
    times = (from_ms(created_at), from_ms(due_at), maybe_from_ms(finished_at))
    return Replay(replay_id, filter_from_json(wanted), bool(only_dead), per_s, ReplayState(state), *times, *progress)


class SqliteRejections:
    """Fulfils `relay.store.ports.rejections.Rejections`."""

    def __init__(self, do: Do, asking: Asking) -> None:
        self._do = do
        self._ask = asking.ask

    async def keep(self, rejections: Sequence[Rejection], bounds: Bounds) -> None:
        """Keep these, within bounds."""
        rows = [_rejection_row(each) for each in rejections]
        await self._do("keep_rejections", Heap(rows, to_ms(bounds.before), bounds.count, bounds.body_bytes))

    async def page(
        self, source: str | None, refusal: Refusal | None, after: int | None, limit: int
    ) -> list[RejectionRow]:
        """Return rejections, the newest first."""
        asked = {"source": source, "refusal": refusal, "after": after, "limit": limit}
        return [_listed(row) for row in await self._ask(booking.rejections, asked)]

    async def admitted_as(self, event_id: str) -> RejectionRow | None:
        """Return the first one that became an event."""
        row = await self._ask(booking.admitted_as, event_id)
        return _listed(row) if row else None

    async def one(self, number: int) -> Rejection | None:
        """Return one whole."""
        row = await self._ask(booking.rejection, number)
        return rejection_from((*row[:3], from_ms(row[3]), *row[4:])) if row else None

    async def holding(self, text: str, numbers: Sequence[int]) -> Set[int]:
        """Tell which of these have a text in their bodies."""
        return set(await self._ask(booking.holding, needles(text), numbers))

    async def note_admitted(self, number: int, event_id: str) -> None:
        """Keep what a rejection became."""
        await self._do("note_admitted", (number, event_id))


def _rejection_row(rejection: Rejection) -> tuple[tuple[Any, ...], bytes, bytes]:
    body, told = rejection.body, (rejection.source, rejection.refusal.value, to_ms(rejection.received_at))
    return (*told, rejection.remote, len(body), rejection.is_whole), head_to_json(rejection), body


def _listed(row: tuple[Any, ...]) -> RejectionRow:
    number, source, refusal, received_at, remote, body_bytes, is_whole, event_id = row
    told = (number, source, Refusal(refusal), from_ms(received_at))
    return RejectionRow(*told, remote, body_bytes, bool(is_whole), event_id)
