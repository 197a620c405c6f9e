"""Locks that the database keeps for those who share it: each kind is a class of PostgreSQL's advisory locks."""

from collections.abc import Iterable
from zlib import crc32

from relay.store.postgres.dialling import Connection

ORDER, WORKER, PACE, LEADER, STEPS, DAYS, MOVE, UNFINISHED, TRIM = range(7_301, 7_310)  # classes of our own
ORDER_BUCKETS = 256  # however many values there are: the server's table of locks is small


def number_of(text: str) -> int:
    """Return a lock's number for a name: 31 bits."""
    return crc32(text.encode("utf-8", "surrogatepass")) & 0x7FFFFFFF


async def lock(connection: Connection, kind: int, number: int = 0) -> None:
    """Wait for a lock that lasts until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", kind, number)


async def share(connection: Connection, kind: int) -> None:
    """Wait for a lock that others may share and nobody has alone, until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock_shared($1, 0)", kind)


async def lock_orders(connection: Connection, lines: Iterable[tuple[str, str]]) -> None:
    """Let nobody else take a turn in these lines until the transaction ends. lines: (target, order value)."""
    numbers = sorted({number_of(f"{target}\0{value}") % ORDER_BUCKETS for target, value in lines})
    if numbers:
        await connection.execute(
            "SELECT pg_advisory_xact_lock($1, number) FROM (SELECT unnest($2::int[]) AS number ORDER BY 1) AS numbers",
            ORDER,
            numbers,
        )
