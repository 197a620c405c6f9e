"""Large bodies, in and out piece by piece: the event loop turns meanwhile, and none is copied whole more than once."""

import struct
from collections.abc import AsyncIterator, Iterable, Mapping

from relay.store.postgres.dialling import Connection
from relay.store.postgres.numbers import span_of

LARGE_BYTES = 1024 * 1024
PIECE_BYTES = 512 * 1024

# COPY's binary form. Source: PostgreSQL's documentation, SQL commands, COPY, "Binary Format".
_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_END = struct.pack("!h", -1)


def is_large(body: bytes) -> bool:
    """Tell whether a body goes its own way."""
    return len(body) > LARGE_BYTES


async def store(connection: Connection, seq: int, headers: bytes, body: bytes) -> None:
    """Store an event's content."""
    columns = ("event_seq", "headers", "body")
    await connection.copy_to_table("contents", source=_copied(seq, headers, body), columns=columns, format="binary")


async def _copied(seq: int, headers: bytes, body: bytes) -> AsyncIterator[bytes]:
    view = memoryview(body)
    yield _HEAD + struct.pack("!hiqi", 3, 8, seq, len(headers)) + headers + struct.pack("!i", len(body))
    for start in range(0, len(body), PIECE_BYTES):
        yield bytes(view[start : start + PIECE_BYTES])
    yield _END


async def load(connection: Connection, sizes: Iterable[tuple[int, int]]) -> Mapping[int, bytes]:
    """Read the large ones of events given as (number, size of the body)."""
    return {seq: await _load(connection, seq, size) for seq, size in set(sizes) if size > LARGE_BYTES}


async def _load(connection: Connection, seq: int, size: int) -> bytes:
    statement = f"SELECT substr(body, $2, $3) FROM contents WHERE event_seq = $1 AND {span_of([seq]).has('event_seq')}"
    starts = range(0, size, PIECE_BYTES)
    return b"".join([await connection.fetchval(statement, seq, start + 1, PIECE_BYTES) for start in starts])
