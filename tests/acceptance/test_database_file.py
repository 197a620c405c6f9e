"""What only a database file has: a disk of ours that fills, a process that writes it, a folder that cannot be made."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.program import Program, configured, run, session, started
from tests.acceptance.sink import Sink
from tests.acceptance.test_lifecycle import an_event_under_way, parts, post
from tests.full import disk_full


@pytest.fixture
async def relay(tmp_path: Path, sink: Sink) -> AsyncIterator[Program]:
    async with started(configured(tmp_path, parts(sink))) as program:
        yield program


async def test_a_database_that_cannot_be_made_is_one_clear_line(tmp_path: Path, sink: Sink) -> None:
    """Here its folder would have to be made inside a file."""
    (tmp_path / "file").write_text("not a folder")
    program = configured(tmp_path, parts(sink, storage={"url": f"sqlite:///{tmp_path}/file/relay.db"}))
    code, _, errors = await run("serve", "-c", str(program.config))

    (line,) = errors.splitlines()
    assert 2 == code
    assert line.startswith(f"relay: {tmp_path}/file/relay.db cannot be opened")


async def test_while_the_disk_is_full_nothing_is_acknowledged_and_afterwards_all_is_well(
    relay: Program, sink: Sink
) -> None:
    """Each commit fails in its write."""
    async with session() as http:
        first = await post(relay, http, "before")
        await relay.is_settled()
        with disk_full(relay.writer_pid):
            refused = [await post(relay, http, f"full-{number}") for number in range(5)]
            told = await relay.until_readiness_is(503)

        await relay.until_readiness_is(200)
        again = await post(relay, http, "full-1")
    await relay.is_settled()

    assert [503] * 5 == [status for status, _, _ in refused]
    assert all(retry_after and int(retry_after) > 0 for _, retry_after, _ in refused)
    assert told["checks"]["store"]["ok"] is False
    assert (200, "accepted") == (again[0], again[2]["status"])
    assert {first[2]["id"], again[2]["id"]} == sink.ids


async def test_a_delivery_taken_while_the_disk_is_full_is_settled_when_there_is_room(
    relay: Program, sink: Sink
) -> None:
    """What the target took must be written down before it counts; until then the attempt is kept, and not repeated."""
    event_id = await an_event_under_way(relay, sink)
    with disk_full(relay.writer_pid):
        sink.gate.set()
        await relay.has_said("settlement_waits")

    await relay.is_settled()

    assert [event_id] == [arrival.event_id for arrival in sink.arrivals]
    assert [("delivered", 1)] == relay.rows("SELECT status, attempts FROM deliveries")


async def test_a_relay_that_loses_its_writer_ends_and_its_successor_loses_nothing(relay: Program, sink: Sink) -> None:
    """Whether its last group was committed nobody knows then: an end that a restart mends beats half a life."""
    event_id = await an_event_under_way(relay, sink)
    os.kill(relay.writer_pid, signal.SIGKILL)

    assert 1 == await relay.ended()
    assert "start it again: nothing that was acknowledged is lost" in relay.tail()

    sink.gate.set()
    relay.start()
    await relay.is_ready()
    await relay.is_settled()
    assert {event_id} == sink.ids
