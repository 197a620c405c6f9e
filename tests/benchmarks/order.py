"""Order over replicas, verified: `python -m tests.benchmarks.order [--events N] [--replicas N] [--failing SHARE]`.

Several relays on one PostgreSQL deliver to a target that fails at random; what belongs together must come in order and
one at a time. Exit 0 only if the target saw no breach. Not part of the default run: it takes minutes.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from tests import ordering
from tests.acceptance.program import session
from tests.acceptance.replicas import replicas
from tests.acceptance.sink import receiving_by
from tests.benchmarks.postgres import DATABASE, server
from tests.storage import PostgresStorage

EACH = 100  # events of a rental
TELLERS = 64
SEED = 20261121
SETTLED_S_MAX = 3600.0


async def verify(events: int, count: int, failing: float) -> bool:
    """Send, wait until all is delivered, and tell what the target saw."""
    witness = ordering.Witness(failing, random.Random(SEED))
    rentals = max(1, events // EACH)
    waiting = iter(range(rentals))
    began_s = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, server() as database:
        storage = PostgresStorage(database.url(DATABASE))
        async with receiving_by(witness.take) as url, session() as http:
            parts = {
                "sources": ordering.SOURCES,
                "targets": {"erp": ordering.target(url)},
                "routes": [{"from": "shop", "to": "erp"}],
            }
            async with replicas(Path(folder), storage, parts, count) as relays:
                urls = [relay.url for relay in relays]
                await asyncio.gather(*(ordering.tell(http, urls, waiting, EACH) for _ in range(TELLERS)))
                await relays[0].is_settled(SETTLED_S_MAX)
    seconds = time.perf_counter() - began_s
    missing = rentals * EACH - sum(witness.taken.values())
    print(
        f"{rentals * EACH:,} events of {rentals:,} values over {count} replicas in {seconds:.0f} s, "
        f"{witness.failures:,} failures: {len(witness.breaches)} breaches of order, {missing} missing"
    )
    print("\n".join(witness.breaches[:20]))
    return not witness.breaches and not missing


def main() -> None:
    """Verify, and say so by the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.order", description="Order over replicas.")
    parser.add_argument("--events", type=int, default=100_000, help="in all (100000)")
    parser.add_argument("--replicas", type=int, default=2, help="relays on one database (2)")
    parser.add_argument("--failing", type=float, default=0.1, help="share of requests that the target fails (0.1)")
    options = parser.parse_args()
    sys.exit(not uvloop.run(verify(options.events, options.replicas, options.failing)))


if __name__ == "__main__":
    main()
