"""What monitoring is told of a target's state, from the first moment of a process on."""

from datetime import timedelta

import pytest

from relay.breaker import CLOSED, Breaker, BreakerState
from relay.domain import RetryPolicy, Target
from relay.gate import Gate
from relay.headroom import Headroom
from relay.maintenance import Maintenance
from relay.store.protocol import Store
from relay.telemetry import Telemetry
from tests.conftest import START, ManualClock
from tests.integration.conftest import Journal

ERP = Target("erp", retry=RetryPolicy(base_s=10, jitter=0))
BROKEN = Breaker(BreakerState.OPEN, 10, None, START, START + timedelta(seconds=30), 30.0, "timed_out: 15 s")


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

    starting = Maintenance(
        store, {"erp": ERP}, gates, Headroom(10, 0), timedelta(days=30), clock, telemetry, lambda: 0.0
    )
    await starting.see_room()

    assert f'relay_target_state{{target="erp"}} {state}' in telemetry.exposition(await store.lanes()).decode()


async def test_a_paused_target_is_not_tried(store: Store, clock: ManualClock) -> None:
    """Its operator said that nothing goes; that its breaker would try it by now is no news to anyone."""
    await store.note_breaker("erp", CLOSED, BROKEN, START)
    await store.pause("erp", START, is_paused=True)
    journal = Journal()
    gate = Gate(ERP, store, clock, journal)

    clock.advance(31)
    await gate.look((await store.lanes())["erp"])
    assert [("erp", "paused")] == journal.changes

    await store.pause("erp", clock.now(), is_paused=False)
    await gate.look((await store.lanes())["erp"])
    assert ("erp", "probing") == journal.changes[-1]
