"""For how long a repeat is the same event: the presets' windows, with time moved by hand."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from multidict import CIMultiDict

from relay import config
from relay.domain import Answer, InboundRequest, Receipt, Refusal, Source
from relay.headroom import Headroom
from relay.ingest import Ingest
from relay.lanes import Lanes
from relay.store.protocol import Store
from tests.conftest import ManualClock
from tests.integration.journal import Journal

TOKEN = "windows-token-0123456789"
MINUTE_S, DAY_S = 60, 24 * 3600
FILE = f"sources: {{invoices: {{preset: invoice-collector, token: {TOKEN}}}}}\n"
NOTICE = {
    "type": "notification_disconnected",
    "collector": {"id": "sliced_invoices"},
    "credential_id": "6776b5258821de266afbc3f6",
    "user_id": "687108e5dce5050bc8ca53c1",
    "remote_id": "R121439",
}
INVOICE = {
    "type": "invoice",
    "collector": {"id": "sliced_invoices"},
    "remote_id": "R121439",
    "invoice": {"id": "INV-3337", "timestamp": 1735689600000, "data": "JVBERi0xLjQK"},
}


@pytest.fixture
def source(tmp_path: Path) -> Source:
    path = tmp_path / "relay.yaml"
    path.write_text(FILE)
    return config.load(path, {}).sources["invoices"]


@pytest.fixture
def ingest(source: Source, store: Store, clock: ManualClock) -> Ingest:
    return Ingest([source], store, Lanes([]), Headroom(1000, 0), clock, Journal())


async def received(ingest: Ingest, source: Source, body: dict[str, Any]) -> Receipt:
    request = InboundRequest("POST", "", "/in/invoices", "", CIMultiDict(), orjson.dumps(body), token=TOKEN)
    result = await ingest.receive(request, source)
    assert not isinstance(result, Refusal | Answer)
    (receipt,) = result
    return receipt


async def test_a_disconnect_notice_an_hour_later_is_news(ingest: Ingest, source: Source, clock: ManualClock) -> None:
    """It has no id and no time: within its tries it is a repeat, an hour later the portal's login broke again."""
    first = await received(ingest, source, NOTICE)
    clock.advance(20)
    third_try = await received(ingest, source, NOTICE)
    clock.advance(60 * MINUTE_S)
    later = await received(ingest, source, NOTICE)

    assert (first.event_id, True) == (third_try.event_id, third_try.is_duplicate)
    assert not later.is_duplicate
    assert first.event_id != later.event_id


async def test_a_notice_that_is_repeated_does_not_prolong_its_window(
    ingest: Ingest, source: Source, clock: ManualClock
) -> None:
    """A portal that breaks every nine minutes is told of at least every ten."""
    await received(ingest, source, NOTICE)
    clock.advance(9 * MINUTE_S)
    within = await received(ingest, source, NOTICE)
    clock.advance(9 * MINUTE_S)
    beyond = await received(ingest, source, NOTICE)

    assert [True, False] == [within.is_duplicate, beyond.is_duplicate]


async def test_an_invoice_is_the_same_years_later(ingest: Ingest, source: Source, clock: ManualClock) -> None:
    """A failed callback makes all of them receive the invoice again, days later or more: it is paid once."""
    first = await received(ingest, source, INVOICE)
    clock.advance(3 * 365 * DAY_S)
    again = await received(ingest, source, INVOICE)

    assert (first.event_id, True) == (again.event_id, again.is_duplicate)
