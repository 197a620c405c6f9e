"""Storing events, once: keys taken, bodies kept, deliveries born; and their revival by duplicate or replay."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from relay.domain import Event, Lease, Plan
from relay.store.postgres import bodies, lines, storing
from relay.store.postgres.days import Days
from relay.store.postgres.dialling import Connection
from relay.store.postgres.failures import Collision
from relay.store.postgres.lines import Line
from relay.store.postgres.locks import lock_orders
from relay.store.postgres.numbers import Numbering, Stretch, day_of_event, day_of_number, span_of, span_of_event
from relay.store.postgres.rows import NEVER, Record
from relay.store.postgres.storing import Arrival, Birth, columns
from relay.store.postgres.tallies import tally
from relay.store.tallying import Change
from relay.store.texts import storable

FINAL = ("delivered", "dead", "cancelled")


class Acceptance(NamedTuple):
    """An event to be stored with everything it must become. leases: by index into the plan's deliveries."""

    event: Event
    plan: Plan
    leases: Mapping[int, Lease]

    @property
    def key(self) -> tuple[str, bytes]:
        """Return what makes it the same event as another."""
        return self.event.source, self.event.key

    @property
    def is_in_order(self) -> bool:
        """Tell whether any of its deliveries must come after those of events before it."""
        return any(planned.order is not None for planned in self.plan.deliveries)

    @property
    def lines(self) -> Iterator[Line]:
        """Yield the lines that its deliveries stand in."""
        return (
            (planned.target, storable(planned.order)) for planned in self.plan.deliveries if planned.order is not None
        )


Numbered = tuple[Acceptance, int]  # an event to be stored, and its number


class Stored(NamedTuple):
    """What became of an event: it repeats another, or these are its deliveries' numbers, some of them queued."""

    original_id: str | None
    delivery_ids: Sequence[int] = ()
    queued: frozenset[int] = frozenset()


CHILDLESS = Stored(None)  # an event that no target gets


class Holder(NamedTuple):
    """The event that holds a key, and until when."""

    event_id: str
    expires_at: datetime | None

    def holds_at(self, time: datetime) -> bool:
        """Tell whether an event with the same key is a duplicate then."""
        return self.expires_at is None or time < self.expires_at


class Accepting:
    """The verbs that store events. shard: where this session keeps its part of the lanes' numbers."""

    def __init__(self, days: Days, shard: int, numbering: Numbering) -> None:
        self._days = days
        self._shard = shard
        self._numbering = numbering

    async def accept_at_once(
        self, connection: Connection, acceptances: Sequence[Acceptance]
    ) -> Sequence[Stored | None]:
        """Store events in one statement, which is its own transaction; None for those that it cannot take.

        These are left to `accept`: repeats, those with a place in a line or a large body, the first of a new day.
        """
        stored: list[Stored | None] = [None] * len(acceptances)
        first: dict[tuple[str, bytes], int] = {}
        for index, acceptance in enumerate(acceptances):
            if not (acceptance.is_in_order or bodies.is_large(acceptance.event.body)):
                first.setdefault(acceptance.key, index)
        chosen = [index for _, index in sorted(first.items())]
        numbered = await self._numbered(connection, [acceptances[index] for index in chosen])
        if not (chosen and self._days.are_ready([day_of_number(seq) for _, seq in numbered])):
            return stored
        arrivals = await self._arrivals(connection, numbered, set())
        repeated = await storing.take_and_store(connection, self._shard, arrivals)
        for index, arrival in zip(chosen, arrivals, strict=True):
            if arrival.seq not in repeated:
                stored[index] = _stored(arrival)
        return stored

    async def accept(self, connection: Connection, acceptances: Sequence[Acceptance]) -> list[Stored]:
        """Store events with their keys and deliveries; find the duplicates among them.

        One statement can take a key but once: who repeats a key of the same group is told of its first.
        """
        await self._days.make(connection, {day_of_event(acceptance.event.id) for acceptance in acceptances})
        stored: dict[int, Stored] = {}
        waiting = dict(enumerate(acceptances))
        while waiting:
            first = {acceptance.key: index for index, acceptance in reversed(waiting.items())}
            leaders = sorted(first.values())
            holders, results = await self._store(connection, [waiting.pop(index) for index in leaders])
            stored.update(zip(leaders, results, strict=True))
            for index, follower in list(waiting.items()):
                if (holder := holders[follower.key]).holds_at(follower.event.received_at):
                    stored[index] = Stored(holder.event_id)
                    del waiting[index]
        return [stored[index] for index in range(len(acceptances))]

    async def accept_all(self, connection: Connection, batches: Sequence[Sequence[Acceptance]]) -> list[list[Stored]]:
        """Store batches of events: each of them whole, as each is one change of its group."""
        stored = iter(await self.accept(connection, [acceptance for batch in batches for acceptance in batch]))
        return [[next(stored) for _ in batch] for batch in batches]

    async def replay(self, connection: Connection, wishes: Sequence[tuple[str, datetime]]) -> list[int]:
        """Make final deliveries pending again, by event id and time; tell how many each time."""
        return [await self.replay_event(connection, event_id, now, FINAL) for event_id, now in wishes]

    async def _store(
        self, connection: Connection, acceptances: Sequence[Acceptance]
    ) -> tuple[Mapping[tuple[str, bytes], Holder], list[Stored]]:
        """Store events of which no two have the same key; tell who holds each key now, and what became of each."""
        await lock_orders(connection, [line for acceptance in acceptances for line in acceptance.lines])
        numbered = await self._numbered(connection, acceptances)
        repeated = await storing.take(connection, [(seq, a.event) for a, seq in sorted(numbered, key=_key_of)])
        duplicates = [a for a, seq in numbered if seq in repeated]
        fresh = [(a, seq) for a, seq in numbered if seq not in repeated]
        busy = await lines.busy(connection, {line for acceptance, _ in fresh for line in acceptance.lines})
        arrivals = await self._arrivals(connection, fresh, busy)
        await storing.store(connection, self._shard, arrivals)
        holders = await _holders(connection, duplicates)
        for duplicate in duplicates:
            now = duplicate.event.received_at
            await self.replay_event(connection, holders[duplicate.key].event_id, now, ("dead",))
        born = {arrival.event.id: _stored(arrival) for arrival in arrivals}
        results = [born.get(a.event.id) or Stored(holders[a.key].event_id) for a in acceptances]
        taken = {a.key: Holder(a.event.id, a.event.key_expires_at) for a in acceptances if a.event.id in born}
        return {**holders, **taken}, results

    async def _numbered(self, connection: Connection, acceptances: Sequence[Acceptance]) -> list[Numbered]:
        days = [day_of_event(acceptance.event.id) for acceptance in acceptances]
        return list(zip(acceptances, await self._numbering.events.take(connection, days), strict=True))

    async def _arrivals(self, connection: Connection, numbered: Sequence[Numbered], busy: set[Line]) -> list[Arrival]:
        """Number the deliveries of events, too. busy: lines with one before, added to."""
        days = [day_of_number(seq) for acceptance, seq in numbered for _ in acceptance.plan.deliveries]
        numbers = iter(await self._numbering.deliveries.take(connection, days))
        return [Arrival(seq, a.event, a.plan, _births(a, seq, numbers, busy)) for a, seq in numbered]

    async def replay_event(
        self, connection: Connection, event_id: str, now: datetime, statuses: Sequence[str], target: str | None = None
    ) -> int:
        """Start an event's deliveries in these statuses anew: to one target, or to all."""
        found = await connection.fetch(_deliveries_of(span_of_event(event_id)), event_id, statuses, target)
        if not found:
            return 0
        await lock_orders(connection, [(row["target"], row["order_value"]) for row in found if row["order_value"]])
        return await self.start_anew(connection, found, now, statuses)

    async def start_anew(
        self, connection: Connection, rows: Sequence[Record], now: datetime, statuses: Sequence[str]
    ) -> int:
        """Give deliveries in these statuses a new schedule and as much time as they had at first.

        rows: their id, target and order_value. Their lines must be locked.
        """
        for day in {day_of_number(row["id"]) for row in rows}:
            await self._days.reopen(connection, day)
        ordered = {row["id"]: (row["target"], row["order_value"]) for row in rows if row["order_value"] is not None}
        busy = await lines.busy(connection, set(ordered.values()))
        statement = _start_anew(span_of([row["id"] for row in rows]))
        revived = []
        for row in rows:
            due_at = NEVER if (line := ordered.get(row["id"])) in busy else now
            if was_dead := await connection.fetchrow(statement, row["id"], now, due_at, statuses):
                revived.append(Change(row["target"], 1, -int(was_dead[0])))
                busy |= {line} if line else set()
        await tally(connection, self._shard, revived)
        return len(revived)


def _key_of(numbered: Numbered) -> tuple[str, bytes]:
    return numbered[0].key


def _births(acceptance: Acceptance, seq: int, numbers: Iterator[int], busy: set[Line]) -> list[Birth]:
    """Return an event's deliveries, those queued whose turn it is not. busy: lines with one before, added to."""
    births = []
    for index, delivery in enumerate(acceptance.plan.deliveries):
        line = (delivery.target, storable(delivery.order)) if delivery.order is not None else None
        is_queued = line in busy
        if line is not None:
            busy.add(line)
        lease = None if is_queued else acceptance.leases.get(index)
        births.append(Birth(next(numbers), seq, delivery, lease, is_queued))
    return births


def _stored(arrival: Arrival) -> Stored:
    births = arrival.births
    if not births:
        return CHILDLESS
    return Stored(
        None,
        [birth.id for birth in births],
        frozenset([index for index, birth in enumerate(births) if birth.is_queued]),
    )


async def _holders(connection: Connection, duplicates: Sequence[Acceptance]) -> dict[tuple[str, bytes], Holder]:
    if not duplicates:
        return {}
    found = await connection.fetch(_HOLDERS, *columns([a.key for a in duplicates], 2))
    holders = {(row["source"], row["key"]): Holder(row["event_id"], row["expires_at"]) for row in found}
    if len(holders) < len(duplicates):
        raise Collision("a key ran out of its window at this moment")
    return holders


_HOLDERS = """
    SELECT k.source, k.key, k.event_id, k.expires_at
    FROM unnest($1::text[], $2::bytea[]) AS asked (source, key)
    JOIN dedupe_keys k ON k.source = asked.source AND k.key = asked.key"""


def _deliveries_of(days: Stretch) -> str:
    return f"""
    SELECT d.id, d.target, d.order_value FROM events e JOIN deliveries d ON d.event_seq = e.seq AND {days.has("d.id")}
    WHERE e.id = $1 AND {days.has("e.seq")} AND d.status = ANY ($2) AND ($3::text IS NULL OR d.target = $3)
    ORDER BY d.id"""


def _start_anew(days: Stretch) -> str:
    return f"""
    WITH was AS (
        SELECT id, status = 'dead' AS was_dead FROM deliveries
        WHERE id = $1 AND {days.has("id")} AND status = ANY ($4) FOR UPDATE)
    UPDATE deliveries d
    SET status = 'pending', attempts_before = attempts, finished_at = NULL, reason = '', due_at = $3,
        deadline_at = $2::timestamptz + (d.deadline_at - d.planned_at), planned_at = $2::timestamptz
    FROM was WHERE d.id = was.id AND d.id = $1 AND {days.has("d.id")}
    RETURNING was.was_dead"""
