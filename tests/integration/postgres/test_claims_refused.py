"""A database that refuses to lease anything."""

import asyncio

from structlog.testing import capture_logs

from tests.builders import a_plan, an_event
from tests.integration.conftest import Bench
from tests.storage import PostgresStorage

TRIES = 3
REFUSE = """
    CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE check_violation USING MESSAGE = 'not this one'; END $$;
    CREATE TRIGGER refused BEFORE UPDATE ON deliveries FOR EACH ROW WHEN (NEW.status = 'sending')
        EXECUTE FUNCTION refused()"""


async def test_claims_that_fail_are_told_once_and_so_is_their_end(bench: Bench, storage: PostgresStorage) -> None:
    """Each second a line, for each target, would hide all others; without a word nobody would know."""
    await storage.execute(REFUSE)
    await bench.store.accept(an_event(), a_plan("erp"), {})
    with capture_logs() as said:
        bench.worker.lane.wake()
        await bench.until_said("claims_wait", said)
        for _ in range(TRIES):
            bench.clock.advance(1)
            await asyncio.sleep(0.05)
        await storage.execute("DROP TRIGGER refused ON deliveries")
        bench.clock.advance(1)
        await bench.until_said("claims_go_on", said)

    assert ["claims_wait", "claims_go_on"] == [line["event"] for line in said if line["event"].startswith("claims_")]
    await bench.until_sent(1)
