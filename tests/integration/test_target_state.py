"""What monitoring is told of a target's state, from the first moment of a process on."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from relay.breaker import CLOSED, Breaker, BreakerState
from relay.domain import Attempt, BreakerPolicy, Hold, Outcome, RetryPolicy, Target
from relay.gate import Gate
from relay.headroom import Headroom
from relay.maintenance import Maintenance
from relay.observer import Observer
from relay.store.protocol import LaneState, Store
from relay.telemetry import Telemetry
from relay.tenure import Tenure
from tests.conftest import START, ManualClock
from tests.integration.journal import Journal

ERP = Target("erp", retry=RetryPolicy(base_s=10, jitter=0), breaker=BreakerPolicy(failures=1))
BROKEN = Breaker(BreakerState.OPEN, 10, None, START, START + timedelta(seconds=30), 30.0, "timed_out: 15 s")
FAILED = Attempt(1, START, 1.0, Outcome.UNREACHABLE, detail="refused")


def a_maintenance(store: Store, gates: Mapping[str, Gate], clock: ManualClock, observer: Observer) -> Maintenance:
    keep = timedelta(days=30)
    return Maintenance(store, {"erp": ERP}, gates, Headroom(10, 0), keep, clock, observer, lambda: 0.0, Tenure(clock))


@pytest.mark.parametrize(
    ("is_paused", "breaker", "state"),
    [(False, CLOSED, 0.0), (False, BROKEN, 2.0), (True, CLOSED, 3.0), (True, BROKEN, 3.0)],
)
async def test_a_process_shows_from_its_start_how_its_targets_stand(
    store: Store, clock: ManualClock, breaker: Breaker, state: float, *, is_paused: bool
) -> None:
    """An alert on a target that is held must not go quiet because of a restart."""
    await store.note_breaker("erp", CLOSED, breaker, START)
    await store.pause("erp", START, is_paused=is_paused)
    telemetry = Telemetry(clock, {"erp": ERP})
    gates = {"erp": Gate(ERP, store, clock, telemetry)}

    await a_maintenance(store, gates, clock, telemetry).see_room()

    assert f'relay_target_state{{target="erp"}} {state}' in telemetry.exposition(await store.lanes()).decode()


async def test_a_paused_target_is_not_tried(store: Store, clock: ManualClock) -> None:
    """Its operator said that nothing goes; that its breaker would try it by now is no news to anyone."""
    await store.note_breaker("erp", CLOSED, BROKEN, START)
    await store.pause("erp", START, is_paused=True)
    journal = Journal()
    gate = Gate(ERP, store, clock, journal)

    clock.advance(31)
    await gate.look((await store.lanes())["erp"], gate.notes_answered)
    assert [("erp", "paused")] == journal.changes

    await store.pause("erp", clock.now(), is_paused=False)
    await gate.look((await store.lanes())["erp"], gate.notes_answered)
    assert ("erp", "probing") == journal.changes[-1]


async def test_what_was_read_before_a_breaker_opened_does_not_close_it(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a dead target would be hammered until the next look, whenever one was under way as it died."""
    journal = Journal()
    gate = Gate(ERP, store, clock, journal)
    read_lanes = store.lanes

    async def lanes() -> Mapping[str, LaneState]:
        reading = await read_lanes()
        await gate.learn(FAILED)
        return reading

    watching = a_maintenance(store, {"erp": gate}, clock, journal)
    await watching.see_room()
    monkeypatch.setattr(store, "lanes", lanes)
    await watching.see_room()

    assert [("erp", "broken")] == journal.changes


async def test_nor_does_what_is_being_taken_over_as_it_opens(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holds are read after the lanes: the breaker may open between the two."""
    journal = Journal()
    gate = Gate(ERP, store, clock, journal)
    read_holds = store.holds

    async def holds(target: str) -> tuple[Hold, ...]:
        monkeypatch.setattr(store, "holds", read_holds)
        await gate.learn(FAILED)
        return await read_holds(target)

    watching = a_maintenance(store, {"erp": gate}, clock, journal)
    await watching.see_room()
    await store.note_breaker("erp", CLOSED, Breaker(reason="another process was here"), START)
    monkeypatch.setattr(store, "holds", holds)
    await watching.see_room()

    assert [("erp", "broken")] == journal.changes
