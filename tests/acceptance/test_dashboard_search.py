"""The dashboard's search in a real browser, where a page looks at a part of the history only."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import expect

from relay.store.protocol import Store
from relay.store.walking import walk
from tests.acceptance.browser import Visit, browsing, visit
from tests.admin import TOKEN, Client, Office
from tests.builders import a_plan, an_event
from tests.conftest import START, ManualClock
from tests.integration.journal import Journal

pytestmark = pytest.mark.parametrize("storage", ["sqlite"], indirect=True)

MANY = 120


@pytest.fixture
async def admin(store: Store, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Client]:
    async with Office(store, clock, Journal(), tmp_path).open() as client:
        yield client


@pytest.fixture
async def window(admin: Client) -> AsyncIterator[Visit]:
    async with browsing() as browser:
        window = await visit(await browser.new_context())
        await window.sign_in(str(admin.make_url("")).rstrip("/"), TOKEN)
        yield window
        assert [] == window.complaints


async def test_an_event_that_is_far_back_is_found_without_a_click(
    admin: Client, store: Store, window: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page ends when it took long enough; who was woken should not have to ask for the next one forty times."""
    defaults = walk.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "seconds_max", 0.0)
    events = [an_event(at=START - timedelta(minutes=number)) for number in range(MANY)]
    oldest = an_event(at=START - timedelta(days=1), body=b'{"number": "INV-3337"}')
    for event in [oldest, *reversed(events)]:
        await store.accept(event, a_plan("erp"), {})

    await window.page.goto(str(admin.make_url("/events?q=INV-3337&limit=10")))
    await expect(window.page.locator("a.row")).to_have_attribute("href", f"/events/{oldest.id}")
    await window.page.goto(str(admin.make_url("/events?q=INV-4&limit=10")))
    await expect(window.page.get_by_text("Nothing fits")).to_be_visible()
