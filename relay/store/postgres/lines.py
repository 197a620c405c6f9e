"""Lines: the unfinished deliveries of a target with the same order value, of which the first is due, and no other.

Whoever uses this holds the locks of the lines, so that nobody else changes what stands in them. The days to look into
are read after that: what another process had made pending before is seen.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from relay.store.postgres.dialling import Connection
from relay.store.postgres.rows import NEVER
from relay.store.postgres.unfinished import Unfinished, unfinished

Line = tuple[str, str]  # a target and an order value


async def busy(connection: Connection, lines: Collection[Line]) -> set[Line]:
    """Return those of these lines that somebody stands in."""
    if not lines:
        return set()
    targets, values = zip(*lines, strict=True)
    rows = await connection.fetch(_busy(await unfinished(connection)), targets, values)
    return {(row["target"], row["order_value"]) for row in rows}


def _busy(days: Unfinished) -> str:
    return f"""
    SELECT asked.target, asked.order_value FROM unnest($1::text[], $2::text[]) AS asked (target, order_value)
    WHERE EXISTS (SELECT FROM deliveries d WHERE d.target = asked.target AND d.order_value = asked.order_value
        AND d.finished_at IS NULL AND {days.has("d.id")})"""


async def let_next_go(connection: Connection, lines: Mapping[Line, datetime]) -> None:
    """Give the turn to the first of each line, due at a time, if it has waited for it."""
    if lines:
        statement = _let_go(await unfinished(connection))
        for (target, value), due_at in sorted(lines.items()):
            await connection.execute(statement, target, value, due_at, NEVER)


def _let_go(days: Unfinished) -> str:
    return f"""
    UPDATE deliveries d SET due_at = $3
    FROM (SELECT id FROM deliveries WHERE target = $1 AND order_value = $2 AND finished_at IS NULL AND {days.has("id")}
        ORDER BY turn LIMIT 1) AS head
    WHERE d.id = head.id AND {days.has("d.id")} AND d.due_at = $4 AND d.leased_by IS NULL"""
