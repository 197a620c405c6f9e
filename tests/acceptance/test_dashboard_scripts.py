"""What JavaScript adds to the dashboard's pages, in a real browser, on an admin port of the test's own."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import expect

from relay.store.protocol import Store
from relay.store.walking import walk
from tests.acceptance.browser import Visit, browsing, visit
from tests.admin import FILE, TOKEN, Client, Office
from tests.builders import a_plan, an_event
from tests.conftest import START, ManualClock
from tests.integration.journal import Journal

pytestmark = pytest.mark.parametrize("storage", ["sqlite"], indirect=True)

MANY = 120


@pytest.fixture
async def admin(store: Store, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Client]:
    office = Office(store, clock, Journal(), tmp_path)
    office.configure(FILE.replace("routes:", "  crm: {url: https://crm.example.com}\nroutes:"))
    async with office.open() as client:
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


async def test_what_somebody_has_chosen_is_not_chosen_otherwise_by_a_page_that_stays_fresh(
    admin: Client, store: Store, window: Visit
) -> None:
    """Deliveries would be moved to another target than the one that was read a second ago."""
    await store.accept(an_event(), a_plan("old"), {})
    page = window.page
    await page.goto(str(admin.make_url("/targets")))
    await page.get_by_label("Move them to").select_option("crm")
    await page.get_by_role("heading", name="Targets").click()
    await store.accept(an_event(), a_plan("erp"), {})
    await page.evaluate("refresh()")

    await page.get_by_role("button", name="Move what waits for old").click()
    await expect(page.get_by_text("they are sent to the other target")).to_be_visible()
    assert {"crm": 1, "erp": 1, "old": 0} == {name: lane.unfinished for name, lane in (await store.lanes()).items()}


async def test_no_button_is_put_in_the_place_of_one_that_somebody_points_at(
    admin: Client, store: Store, window: Visit
) -> None:
    """Cards change places as deliveries do; whoever is about to press `Cancel` means this one."""
    page = window.page
    await page.goto(str(admin.make_url("/targets")))
    button = page.get_by_role("button", name="Pause erp")
    pointed_at = await button.element_handle()
    assert pointed_at is not None
    await button.hover()
    await store.accept(an_event(), a_plan("erp"), {})
    await page.evaluate("refresh()")

    assert await pointed_at.evaluate("button => button.isConnected")
    await page.mouse.move(0, 0)
    await page.evaluate("refresh()")
    await expect(page.get_by_role("link", name="See what waits")).to_be_visible()
