"""Each lane's numbers, kept by those who change deliveries."""

from collections.abc import Iterable
from typing import NamedTuple

from relay.store.postgres.dialling import Connection

SHARDS = 64


class Change(NamedTuple):
    """What one delivery does to its lane's numbers."""

    target: str
    unfinished: int
    dead: int


async def tally(connection: Connection, shard: int, changes: Iterable[Change]) -> None:
    """Keep each lane's numbers true. Last in a transaction: until its end, nobody else can write to this shard."""
    sums: dict[str, tuple[int, int]] = {}
    for target, unfinished, dead in changes:
        unfinished_so_far, dead_so_far = sums.get(target, (0, 0))
        sums[target] = (unfinished_so_far + unfinished, dead_so_far + dead)
    rows = sorted((target, *numbers) for target, numbers in sums.items() if any(numbers))
    if rows:
        targets, unfinished_sums, dead_sums = zip(*rows, strict=True)
        await connection.execute(_TALLY, shard, targets, unfinished_sums, dead_sums)


# What follows an INSERT into `lane_counts`, so that it adds.
ADDED = """
    ON CONFLICT (target, shard) DO UPDATE
    SET unfinished = lane_counts.unfinished + excluded.unfinished, dead = lane_counts.dead + excluded.dead"""

_TALLY = f"""
    INSERT INTO lane_counts (target, shard, unfinished, dead)
    SELECT target, $1, unfinished, dead
    FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS t (target, unfinished, dead){ADDED}"""
