"""`relay replay`: one event again, or many as a job that outlasts the command."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event as Flag
from threading import Thread

import pytest

from relay.lanes import Lanes
from relay.replays import Replaying
from relay.store.ports.replays import ReplayState
from relay.system_clock import SystemClock
from tests.integration.cli.office import MINUTE, NOW, Office, an_invoice
from tests.patience import WAIT_S_MAX


@contextmanager
def carried_on(office: Office) -> Iterator[None]:
    """Carry jobs on, as a relay that runs does."""
    is_over = Flag()

    async def carry_on() -> None:
        store = office.storage.store("worker-b")
        await store.open()
        replaying = Replaying(store, Lanes([]), SystemClock(), MINUTE)
        while not is_over.is_set():
            await replaying.step()
            await asyncio.sleep(0.01)
        await store.close()

    thread = Thread(target=lambda: asyncio.run(carry_on()))
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_an_event_is_sent_again_at_once(office: Office) -> None:
    """To all of its targets, whatever became of it: a human wants it."""
    event_id = office.half_dead(an_invoice("INV-1"))

    result = office.call("replay", event_id)

    assert 0 == result.exit_code, result.output
    assert f"2 deliveries of {event_id} begin anew; `relay why {event_id}` tells on\n" == result.stdout
    assert {"erp": "pending", "archive": "pending"} == office.statuses(event_id)


def test_an_event_is_sent_again_to_one_target(office: Office) -> None:
    """The archive has it; what was mended is the ERP."""
    event_id = office.half_dead(an_invoice("INV-1"))

    said = office.call("replay", event_id, "--target", "erp").stdout

    assert f"1 delivery of {event_id} begins anew; `relay why {event_id}` tells on\n" == said
    assert {"erp": "pending", "archive": "delivered"} == office.statuses(event_id)


def test_a_filter_that_nothing_fits_says_so(office: Office) -> None:
    """No advice to begin what would do nothing; a target that is not configured is mostly misspelt."""
    result = office.call("replay", "--status", "dead", "--target", "erpp")

    assert "0 events would be sent again, and none was: look with `relay events`" in result.stdout
    assert "note: no target 'erpp' is configured; did you mean `erp`?\n" == result.stderr


def test_what_is_on_its_way_is_not_sent_again(office: Office) -> None:
    """Nothing is final: exit code 1, and where to look."""
    (event_id,) = office.stored(an_invoice("INV-1"))

    result = office.call("replay", event_id)

    assert 1 == result.exit_code
    assert f"see `relay why {event_id}`" in result.stderr


def test_many_are_counted_and_none_is_sent_without_a_yes(office: Office) -> None:
    """A slip in a filter must cost nothing."""
    event_id = office.half_dead(an_invoice("INV-1"))
    office.stored(an_invoice("INV-2"))

    result = office.call("replay", "--status", "dead")

    assert 0 == result.exit_code
    assert "1 event would be sent again, and none was: add --yes to begin\n" == result.stdout
    assert {"count": 1, "exact": True, "searched": 2} == office.told("replay", "--status", "dead")
    assert "dead" == office.statuses(event_id)["erp"]
    assert [] == office.told("replay", "--list")["items"]


def test_a_job_is_followed_until_it_is_done(office: Office) -> None:
    """Of what is dead only dead deliveries go again: the archive has them all."""
    ids = [office.half_dead(an_invoice(f"INV-{number}", at=NOW - number * MINUTE)) for number in range(3)]

    with carried_on(office):
        result = office.call("replay", "--status", "dead", "--target", "erp", "--yes")

    assert 0 == result.exit_code, result.output
    assert re.fullmatch(r"rpl_\w+ is done: 3 events searched, 3 deliveries sent again\n", result.stdout)
    assert [{"erp": "pending", "archive": "delivered"}] * 3 == [office.statuses(each) for each in ids]


def test_what_was_delivered_goes_again_on_demand(office: Office) -> None:
    """Where the target lost what it had."""
    event_id = office.half_dead(an_invoice("INV-1"))

    with carried_on(office):
        told = office.told("replay", "--status", "dead", "--delivered-too", "--yes")

    assert ("done", 2) == (told["state"], told["replayed"])
    assert {"erp": "pending", "archive": "pending"} == office.statuses(event_id)


def test_a_job_is_listed_and_cancelled(office: Office) -> None:
    """It stands in the database, and any terminal can end it."""
    office.half_dead(an_invoice("INV-1"))
    job = office.told("replay", "--source", "shop", "--per-s", "7", "--yes", "--detach")

    listed = office.call("replay", "--list").stdout.splitlines()[1]
    cancelled = office.call("replay", "--cancel", job["id"])

    assert ("running", 7) == (job["state"], job["per_s"])
    assert re.match(rf"{job['id']}  running  .*  source=shop until=\S+  7 ", listed)
    assert cancelled.stdout.startswith(f"{job['id']} is cancelled: ")
    assert "cancelled" == office.told("replay", "--list")["items"][0]["state"]


def test_ctrl_c_ends_the_command_and_not_the_job(office: Office) -> None:
    """And it says how to see and how to end the job."""
    office.half_dead(an_invoice("INV-1"))
    command = [sys.executable, "-m", "relay", "replay", "--source", "shop", "--yes"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr is not None
        assert "events: 0 of 1\n" == waiting.stderr.readline()
        waiting.send_signal(signal.SIGINT)
        _, said = waiting.communicate(timeout=WAIT_S_MAX)

    (job,) = office.do(lambda store: store.replays.all(10))
    assert 0 == waiting.returncode
    assert ReplayState.RUNNING is job.state
    assert f"`relay replay --list` shows it, `relay replay --cancel {job.id}` ends it" in said


@pytest.mark.parametrize(
    "arguments",
    [(), ("--yes",), ("evt_1", "--source", "shop"), ("--list", "--cancel", "rpl_1"), ("--list", "--status", "dead")],
)
def test_it_must_be_clear_what_is_asked(office: Office, arguments: tuple[str, ...]) -> None:
    """Nothing is ever replayed by an option that was forgotten: exit code 2."""
    result = office.call("replay", *arguments)

    assert 2 == result.exit_code
    assert "expected the ID of an event, or which events" in " ".join(result.stderr.split())


@pytest.mark.parametrize("arguments", [("evt_1",), ("--cancel", "rpl_1")])
def test_what_is_not_there_is_told(office: Office, arguments: tuple[str, ...]) -> None:
    """Exit code 1."""
    result = office.call("replay", *arguments)

    assert 1 == result.exit_code
    assert re.match(r"Error: there is no (event evt_1|job rpl_1)", result.stderr)
