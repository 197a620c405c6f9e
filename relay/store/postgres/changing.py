"""What an operator does to deliveries: verbs of the session that claims."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from relay.store.ports.replays import Replay, ReplayStep
from relay.store.postgres import lines
from relay.store.postgres.accepting import FINAL, Accepting
from relay.store.postgres.days import Days
from relay.store.postgres.dialling import Connection
from relay.store.postgres.locks import lock_orders
from relay.store.postgres.numbers import Stretch, span_of
from relay.store.postgres.rows import NEVER, Record
from relay.store.postgres.tallies import tally
from relay.store.postgres.unfinished import Unfinished
from relay.store.tallying import Change

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
            await connection.execute(_hasten(span_of([delivery_id])), delivery_id, now, NEVER)
        elif row["status"] != "sending":
            await self._accepting.start_anew(connection, found, now, FINAL)
        return str(row["status"])

    async def _cancel_one(self, connection: Connection, delivery_id: int, now: datetime) -> str | None:
        found = await self._held(connection, [delivery_id])
        if not found:
            return None
        if found[0]["status"] in ("pending", "dead"):
            await self._cancel(connection, found, now, CANCELLED)
        return str(found[0]["status"])

    async def _clear(self, connection: Connection, move: Move) -> int:
        pending = await connection.fetch(_pending(self._days.unfinished), move.target, move.limit)
        ids = [row["id"] for row in pending]
        found = [row for row in await self._held(connection, ids) if row["status"] == "pending"]
        moved: set[int] = set()
        if move.other is not None:
            given = await connection.fetch(_given(span_of(ids)), [row["id"] for row in found], move.other, move.now)
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
        days = span_of(ids)
        found = await connection.fetch(_lines(days), ids)
        await lock_orders(connection, [(row["target"], row["order_value"]) for row in found])
        return await connection.fetch(_held(days), ids)

    async def _cancel(self, connection: Connection, rows: Sequence[Record], now: datetime, reason: str) -> None:
        ids = [row["id"] for row in rows]
        await connection.execute(_cancelled(span_of(ids)), ids, now, reason)
        await self._let_next_go(connection, rows, now)
        changes = [Change(row["target"], -(row["status"] == "pending"), -(row["status"] == "dead")) for row in rows]
        await tally(connection, self._shard, changes)

    async def _let_next_go(self, connection: Connection, left: Sequence[Record], now: datetime) -> None:
        """Give the turn to those that waited for these to leave their lines. left: as they stood before."""
        pending = [row for row in left if row["status"] == "pending" and row["order_value"] is not None]
        await lines.let_next_go(connection, {(row["target"], row["order_value"]): now for row in pending})

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


def _hasten(days: Stretch) -> str:
    return f"""
    UPDATE deliveries SET due_at = least(due_at, $2)
    WHERE id = $1 AND {days.has("id")} AND leased_by IS NULL AND finished_at IS NULL AND due_at < $3"""


def _pending(days: Unfinished) -> str:
    return f"""
    SELECT id FROM deliveries WHERE status = 'pending' AND target = $1 AND {days.has("id")} ORDER BY id LIMIT $2"""


def _lines(days: Stretch) -> str:
    return f"""
    SELECT DISTINCT d.target, d.order_value
    FROM deliveries d WHERE {days.has("d.id")} AND d.id = ANY ($1::bigint[]) AND d.order_value IS NOT NULL"""


def _held(days: Stretch) -> str:
    return f"""
    SELECT d.id, d.target, d.order_value, d.status FROM deliveries d
    WHERE {days.has("d.id")} AND d.id = ANY ($1::bigint[]) ORDER BY d.id FOR UPDATE"""


def _cancelled(days: Stretch) -> str:
    return f"""
    UPDATE deliveries d SET status = 'cancelled', finished_at = $2, reason = $3
    WHERE {days.has("d.id")} AND d.id = ANY ($1::bigint[])"""


def _given(days: Stretch) -> str:
    """Return what gives deliveries to another target, unless it has one of the same event, which is of the same day."""
    return f"""
    UPDATE deliveries d
    SET target = $2, order_value = NULL, turn = NULL, attempts_before = attempts, due_at = $3::timestamptz,
        deadline_at = $3::timestamptz + (d.deadline_at - d.planned_at), planned_at = $3::timestamptz
    WHERE {days.has("d.id")} AND d.id = ANY ($1::bigint[]) AND NOT EXISTS (SELECT FROM deliveries o
        WHERE o.event_seq = d.event_seq AND o.target = $2 AND {days.has("o.id")}
            AND o.id >= (d.id >> 36) << 36 AND o.id < ((d.id >> 36) + 1) << 36)
    RETURNING d.id"""


_ADVANCE = """
    UPDATE replays SET position = $3, searched = searched + $4, due_at = $5, state = $6, finished_at = $7
    WHERE id = $1 AND state = 'running' AND position IS NOT DISTINCT FROM $2::text RETURNING true"""
