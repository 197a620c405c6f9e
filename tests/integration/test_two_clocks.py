"""A machine whose clock differs from the one that its replicas share: each is asked for what is its own."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from multidict import CIMultiDict

from relay.domain import Answer, Auth, Identification, InboundRequest, Outcome, Refusal, Route, Secret, Source, Target
from relay.headroom import Headroom
from relay.ingest import Ingest
from relay.lanes import Lanes
from relay.store.protocol import Store
from relay.verification.hmac import HmacVerifier
from tests.conftest import START, ManualClock
from tests.integration.journal import Journal
from tests.receiver import receiving, says
from tests.senders import a_delivery, an_http_sender, send_once

HOUR = timedelta(hours=1)
STAMPED = HmacVerifier("X-S", (Secret("k" * 16),), signed="{timestamp}.{body}", timestamp_header="X-T")
SHOP = Source(
    "shop",
    (STAMPED,),
    Identification(windows={"*": timedelta(days=7)}),
    routes=(Route("all", "shop", (Target("erp"),)),),
)


def stamped(at: datetime) -> InboundRequest:
    """Make a request that was signed at a time."""
    request = InboundRequest("POST", "", "/in/shop", "", CIMultiDict(), b"{}")
    return replace(request, headers=CIMultiDict(STAMPED.sign(request, at).headers))


class MachineAhead(ManualClock):
    """A shared clock, on a machine whose own is an hour ahead of it."""

    def machine_now(self) -> datetime:
        return self.now() + HOUR


@pytest.fixture
def clock() -> ManualClock:
    return MachineAhead()


async def test_what_a_sender_has_stamped_is_judged_by_the_machines_clock(store: Store, clock: ManualClock) -> None:
    """And kept by the shared one. A database whose clock is wrong must not have every webhook refused."""
    ingest = Ingest([SHOP], store, Lanes([]), Headroom(1000, 0), clock, Journal())

    by_machine = await ingest.receive(stamped(clock.machine_now()), SHOP)
    by_shared = await ingest.receive(stamped(clock.now()), SHOP)

    assert Refusal.STALE is by_shared
    assert not isinstance(by_machine, Refusal | Answer)
    record = await store.event(by_machine[0].event_id)
    assert record is not None
    assert START == record.event.received_at
    assert START == record.deliveries[0].due_at


async def test_what_a_target_will_judge_is_stamped_by_the_machines_clock(clock: ManualClock) -> None:
    """And its attempt is told by the shared one, as the times beside it are."""
    signed = {"header": "X-S", "signed": "{timestamp}.{body}", "timestamp_header": "X-T", "secrets": STAMPED.secrets}
    auth = Auth("hmac", signed)
    async with receiving(says("503 Service Unavailable", "Retry-After: Wed, 01 Jul 2026 13:02:00 GMT")) as receiver:
        attempt = await send_once(an_http_sender(clock, receiver.url, auth=auth), a_delivery())

    (request,) = receiver.requests
    told = str(int((START + HOUR).timestamp()))
    assert (told, told) == (request.value("webhook-timestamp"), request.value("X-T"))
    assert (Outcome.BUSY, START, 120.0) == (attempt.outcome, attempt.started_at, attempt.retry_after_s)
