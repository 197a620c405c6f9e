"""What an operator does to deliveries: verbs of the session that claims."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from relay.store.ports.replays import Replay, ReplayStep
from relay.store.postgres.accepting import FINAL, Accepting
from relay.store.postgres.days import Days
from relay.store.postgres.dialling import Connection
from relay.store.postgres.locks import lock_orders
from relay.store.postgres.rows import NEVER, Record
from relay.store.postgres.tallies import Change, tally

DEAD = ("dead",)
CANCELLED = "cancelled by an operator"
MOVED = "cancelled: it was to be moved to a target that its event goes to already"


class Move(NamedTuple):
    """Pending deliveries that are to leave a target: for another, or for good where that is None."""

    target: str
    other: str | None
    now: datetime
    limit: int


class Step(NamedTuple):
    """A step of a replay."""

    replay: Replay
    step: ReplayStep
    now: datetime


class Changing:
    """The verbs. shard: where the session keeps its part of the lanes' numbers."""

    def __init__(self, days: Days, shard: int, accepting: Accepting) -> None:
        self._days = days
        self._shard = shard
        self._accepting = accepting

    async def retry(self, connection: Connection, wishes: Sequence[tuple[int, datetime]]) -> list[str | None]:
        """Have deliveries sent at once; return how each stood."""
        return [await self._retry(connection, *wish) for wish in wishes]

    async def cancel(self, connection: Connection, wishes: Sequence[tuple[int, datetime]]) -> list[str | None]:
        """Have deliveries never sent; return how each stood."""
        return [await self._cancel_one(connection, *wish) for wish in wishes]

    async def clear(self, connection: Connection, moves: Sequence[Move]) -> list[int]:
        """Cancel pending deliveries of targets, or give them to others; tell how many each time."""
        return [await self._clear(connection, move) for move in moves]

    async def advance(self, connection: Connection, steps: Sequence[Step]) -> list[int | None]:
        """Take steps of replays; tell how many deliveries became pending by each."""
        return [await self._advance(connection, *step) for step in steps]

    async def _retry(self, connection: Connection, delivery_id: int, now: datetime) -> str | None:
        found = await self._held(connection, [delivery_id])
        if not found:
            return None
        (row,) = found
        if row["status"] == "pending":
            await connection.execute(_HASTEN, delivery_id, now, NEVER)
            self._days.reconsider()
        elif row["status"] != "sending":
            await self._accepting.start_anew(connection, [delivery_id], now, FINAL)
        return str(row["status"])

    async def _cancel_one(self, connection: Connection, delivery_id: int, now: datetime) -> str | None:
        found = await self._held(connection, [delivery_id])
        if not found:
            return None
        if found[0]["status"] in ("pending", "dead"):
            await self._cancel(connection, found, now, CANCELLED)
        return str(found[0]["status"])

    async def _clear(self, connection: Connection, move: Move) -> int:
        floor = await self._days.floor(connection)
        ids = [row["id"] for row in await connection.fetch(_PENDING, move.target, floor, move.limit)]
        found = [row for row in await self._held(connection, ids) if row["status"] == "pending"]
        moved: set[int] = set()
        if move.other is not None:
            given = await connection.fetch(_GIVE, [row["id"] for row in found], move.other, move.now)
            moved = {row["id"] for row in given}
            await tally(
                connection, self._shard, [Change(move.target, -len(moved), 0), Change(move.other, len(moved), 0)]
            )
            await self._let_next_go(connection, [row for row in found if row["id"] in moved], move.now)
        left = [row for row in found if row["id"] not in moved]
        await self._cancel(connection, left, move.now, CANCELLED if move.other is None else MOVED)
        return len(found)

    async def _held(self, connection: Connection, ids: Sequence[int]) -> list[Record]:
        """Lock deliveries, and before them their lines; return them as they stand."""
        lines = await connection.fetch(_LINES, list(ids))
        await lock_orders(connection, [(row["target"], row["order_value"]) for row in lines])
        return await connection.fetch(_HELD, list(ids))

    async def _cancel(self, connection: Connection, rows: Sequence[Record], now: datetime, reason: str) -> None:
        await connection.execute(_CANCEL, [row["id"] for row in rows], now, reason)
        await self._let_next_go(connection, rows, now)
        changes = [Change(row["target"], -(row["status"] == "pending"), -(row["status"] == "dead")) for row in rows]
        await tally(connection, self._shard, changes)

    async def _let_next_go(self, connection: Connection, left: Sequence[Record], now: datetime) -> None:
        """Give the turn to those that waited for these to leave their lines. left: as they stood before."""
        lines = {(row["target"], row["order_value"]) for row in left if row["status"] == "pending"}
        for target, value in sorted((target, value) for target, value in lines if value is not None):
            await connection.execute(_LET_GO, target, value, now, NEVER)

    async def _advance(self, connection: Connection, replay: Replay, step: ReplayStep, now: datetime) -> int | None:
        state, finished_at = ("done", now) if step.is_last else ("running", None)
        is_ours = await connection.fetchval(
            _ADVANCE, replay.id, replay.position, step.position, step.searched, step.due_at, state, finished_at
        )
        if not is_ours:
            return None
        statuses = DEAD if replay.only_dead else FINAL
        count = 0
        for event_id in step.event_ids:
            count += await self._accepting.replay_event(connection, event_id, now, statuses, replay.wanted.target)
        await connection.execute("UPDATE replays SET replayed = replayed + $2 WHERE id = $1", replay.id, count)
        return count


_HASTEN = "UPDATE deliveries SET due_at = least(due_at, $2) WHERE id = $1 AND status = 'pending' AND due_at < $3"
_PENDING = "SELECT id FROM deliveries WHERE status = 'pending' AND target = $1 AND id >= $2 ORDER BY id LIMIT $3"
_LINES = """
    SELECT DISTINCT d.target, d.order_value FROM unnest($1::bigint[]) AS asked (id) JOIN deliveries d ON d.id = asked.id
    WHERE d.order_value IS NOT NULL"""
_HELD = """
    SELECT d.id, d.target, d.order_value, d.status
    FROM unnest($1::bigint[]) AS asked (id) JOIN deliveries d ON d.id = asked.id ORDER BY d.id FOR UPDATE OF d"""
_CANCEL = """
    UPDATE deliveries d SET status = 'cancelled', finished_at = $2, reason = $3
    FROM unnest($1::bigint[]) AS chosen (id) WHERE d.id = chosen.id"""
_GIVE = """
    UPDATE deliveries d
    SET target = $2, order_value = NULL, turn = NULL, attempts_before = attempts, due_at = $3::timestamptz,
        deadline_at = $3::timestamptz + (d.deadline_at - d.planned_at), planned_at = $3::timestamptz
    FROM unnest($1::bigint[]) AS chosen (id)
    WHERE d.id = chosen.id AND NOT EXISTS (SELECT FROM deliveries o
        WHERE o.event_seq = d.event_seq AND o.target = $2
            AND o.id >= (d.id >> 36) << 36 AND o.id < ((d.id >> 36) + 1) << 36)
    RETURNING d.id"""
_LET_GO = """
    UPDATE deliveries d SET due_at = $3
    FROM (SELECT id FROM deliveries WHERE target = $1 AND order_value = $2 AND finished_at IS NULL
        ORDER BY turn LIMIT 1) AS head
    WHERE d.id = head.id AND d.due_at = $4 AND d.status = 'pending'"""
_ADVANCE = """
    UPDATE replays SET position = $3, searched = searched + $4, due_at = $5, state = $6, finished_at = $7
    WHERE id = $1 AND state = 'running' AND position IS NOT DISTINCT FROM $2::text RETURNING true"""
