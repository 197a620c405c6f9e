"""Each lane's numbers, kept by those who change deliveries."""

from collections.abc import Iterable

from relay.store.postgres.dialling import Connection
from relay.store.tallying import Change, summed

SHARDS = 64


async def tally(connection: Connection, shard: int, changes: Iterable[Change]) -> None:
    """Keep each lane's numbers true. Last in a transaction: until its end, nobody else can write to this shard."""
    rows = sorted((target, *numbers) for target, numbers in summed(changes).items() if any(numbers))
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
