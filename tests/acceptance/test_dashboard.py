"""The dashboard in a real browser, on the real program: what somebody sees who was woken at night."""

import json
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.acceptance.browser import Visit, browsing, visit
from tests.acceptance.program import Program, configured, session, started
from tests.acceptance.sink import Sink, receiving
from tests.storage import Storage

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one browser for all: it belongs to the loop that started it
TOKEN = "a-token-for-the-dashboard-0123456789"
PAGES = ("/", "/events", "/targets", "/rejected", "/sources", "/replays", "/configuration")
LOOKS: dict[str, Any] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 860}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 860}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "has_touch": True},
}
LONG = "a-target-with-a-name-as-long-as-a-name-may-be-and-not-a-bit-mor"
INVOICE = {"kind": "invoice", "number": "INV-3337", "amount": 93.5}
HOSTILE = (
    "<script>document.title = 'taken'</script><img src=x onerror=\"alert(1)\">"
    "\x1b[2J\x1b]0;taken\x07 \u202eright to left\u202c \u200b</pre></textarea>{{ 7 * 7 }}"
)

RUNNING = ("\x1b", "\u202e", "<script>document", "<img src=x")


@pytest_asyncio.fixture(loop_scope="module")
async def sink() -> AsyncIterator[Sink]:
    async with receiving() as sink:
        yield sink


@pytest_asyncio.fixture(loop_scope="module")
async def relay(tmp_path: Path, storage: Storage, sink: Sink) -> AsyncIterator[Program]:
    parts = {
        "sources": {
            "shop": {"verify": "none", "type": "kind", "max_body": "10MiB"},
            "getaround": {"preset": "getaround", "secrets": ["getaround-secret-0123456789"]},
        },
        "targets": {
            "erp": {"url": sink.url, "allow_private": True, "retry": {"final": [404, 500]}},
            LONG: {"url": sink.url, "allow_private": True, "retry": {"final": [404, 500]}},
        },
        "routes": [
            {"name": "invoices", "from": "shop", "when": "kind == 'invoice'", "to": "erp", "body": "{number: number}"},
            {"name": "bookings", "from": "shop", "when": "kind == 'booking'", "to": "erp"},
            {"name": "long", "from": "shop", "when": "starts_with(kind, 'long')", "to": ["erp", LONG]},
        ],
    }
    program = configured(tmp_path, parts, storage=storage)
    document = json.loads(program.config.read_text())
    document["admin"]["tokens"] = [TOKEN]
    program.config.write_text(json.dumps(document))
    async with started(program):
        yield program


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def window(browser: Browser, relay: Program) -> AsyncIterator[Visit]:
    """A signed-in window that must not complain, nor ask anybody but the relay."""
    context = await browser.new_context(**LOOKS["light"])
    opened = await visit(context)
    await opened.sign_in(relay.admin_url, TOKEN)
    yield opened
    await context.close()
    assert ([], {f"127.0.0.1:{relay.admin_port}"}) == (opened.complaints, opened.hosts)


async def post(relay: Program, body: bytes, source: str = "shop") -> dict[str, str]:
    async with session() as http, http.post(f"{relay.url}/in/{source}", data=BytesIO(body)) as answer:
        told: dict[str, str] = await answer.json(content_type=None)
        return told


async def send(relay: Program, **fields: Any) -> str:
    return (await post(relay, json.dumps(fields).encode()))["id"]


async def test_the_woken_operator_finds_out_and_mends_it(relay: Program, sink: Sink, window: Visit) -> None:
    """Did invoice INV-3337 arrive, and if not, why? The URL is mended, the invoice sent again, and seen to arrive."""
    mended = relay.config.read_text()
    relay.config.write_text(mended.replace(sink.url, f"{sink.url}wrong"))
    page = window.page
    await page.goto(f"{relay.admin_url}/configuration")
    await expect(page.get_by_text("this changed.")).to_be_visible()
    event_id = await send(relay, **INVOICE)

    await page.goto(f"{relay.admin_url}/")
    await expect(page.get_by_text("erp did not get 1 delivery")).to_be_visible()
    await page.get_by_role("searchbox", name="Find events").fill("INV-3337")
    await page.keyboard.press("Enter")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.locator("a.row").click()
    await expect(page.get_by_role("heading", name="erp dead")).to_be_visible()
    await expect(page.get_by_text("HTTP 404")).to_be_visible()
    await expect(page.get_by_text("kind == 'booking'")).to_be_visible()
    assert set() == sink.ids

    relay.config.write_text(mended)
    await page.get_by_role("link", name="Configuration").click()
    await expect(page.get_by_text(f"target erp: url {sink.url}wrong → ")).to_be_visible()
    await page.goto(f"{relay.admin_url}/events/{event_id}")
    await page.get_by_role("button", name="Send again").click()
    await expect(page.get_by_text("It is being sent again.")).to_be_visible()
    await expect(page.get_by_role("heading", name="erp delivered")).to_be_visible()
    assert event_id == (await sink.has(event_id)).event_id


async def test_a_faulty_file_is_told_where_it_is_faulty(relay: Program, window: Visit) -> None:
    """What runs goes on, and the page says what to mend."""
    relay.config.write_text(relay.config.read_text().replace('"routes"', '"ruotes"'))
    page = window.page

    await page.goto(f"{relay.admin_url}/configuration")
    await page.get_by_role("button", name="Read the file again").click()
    await expect(page.get_by_text("It is faulty, and nothing has changed")).to_be_visible()
    await expect(page.get_by_text("did you mean")).to_be_visible()
    assert "accepted" == (await post(relay, b"{}"))["status"]


async def test_what_a_target_did_not_get_is_replayed_together(relay: Program, sink: Sink, window: Visit) -> None:
    """An outage leaves many behind; one button sends them again, and the job is seen to end."""
    sink.fails = lambda: True
    sent = {await send(relay, **{**INVOICE, "number": f"INV-{number}"}) for number in range(3)}
    await relay.is_settled()
    sink.fails = lambda: False
    page = window.page

    await page.goto(f"{relay.admin_url}/targets")
    await page.get_by_role("button", name="Replay the dead of erp").click()
    await expect(page.get_by_text("done", exact=True)).to_be_visible()

    await sink.counts(3)
    assert sent == sink.ids


async def test_a_target_is_paused_and_resumed(relay: Program, sink: Sink, window: Visit) -> None:
    """While the ERP is maintained nothing is sent to it, and nothing is lost."""
    page = window.page
    await page.goto(f"{relay.admin_url}/targets")
    await page.get_by_role("button", name="Pause erp").click()
    await expect(page.get_by_text("Paused: what comes for this target waits")).to_be_visible()
    await relay.has_said("target_changed")
    event_id = await send(relay, **INVOICE)
    await page.goto(f"{relay.admin_url}/events/{event_id}")
    await expect(page.get_by_text("It waits, for erp is paused")).to_be_visible()

    await page.goto(f"{relay.admin_url}/targets")
    await page.get_by_role("button", name="Resume erp").click()
    await sink.has(event_id)


async def test_a_refused_request_is_shown_with_its_reason(relay: Program, window: Visit) -> None:
    """A vendor says that it sent something: here it is, and why it was not taken. Nothing that proves is shown."""
    await post(relay, b'{"type": "rental.booked", "data": {}, "occurred_at": "2026-07-01T12:00:00Z"}', "getaround")
    page = window.page

    await page.goto(f"{relay.admin_url}/rejected")
    await expect(page.get_by_text("no signature or token")).to_be_visible()
    await page.get_by_role("button", name="Admit request").click()
    await expect(page.get_by_role("heading", name="Not as it stands")).to_be_visible()
    await expect(page.get_by_text("refused again: missing")).to_be_visible()
    assert 1 == len(window.complaints)  # of the browser, that the answer was a 409
    window.complaints.clear()


async def test_a_new_event_comes_into_the_list_by_itself(relay: Program, window: Visit) -> None:
    """Who waits for an event need not reload."""
    await window.page.goto(f"{relay.admin_url}/events")
    await expect(window.page.get_by_text("No event yet")).to_be_visible()
    await send(relay, **INVOICE)

    await expect(window.page.locator("tbody tr")).to_have_count(1)


@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)  # the bar is the same on both
async def test_no_name_of_a_page_is_cut_in_a_window_of_any_width(relay: Program, window: Visit) -> None:
    """On a phone they are drawn aside; on a screen nobody would know that there is more."""
    for width in (800, 1000, 1100, 1201):
        await window.page.set_viewport_size({"width": width, "height": 860})
        hidden = await window.page.locator("nav").evaluate("nav => nav.scrollWidth - nav.clientWidth")
        assert (width, True) == (width, hidden <= 0)


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_can_be_read_by_everybody(relay: Program, browser: Browser, sink: Sink, look: str) -> None:
    """Light, dark and on a phone: nothing serious for axe-core, nothing to scroll sideways for, no complaint."""
    sink.fails = lambda: True
    event_id = await send(relay, **INVOICE)
    long_id = await send(relay, kind="long" * 50, number="9" * 150)
    await post(relay, b"{}", "getaround")
    await relay.is_settled()
    context = await browser.new_context(**LOOKS[look])
    window = await visit(context)
    await window.sign_in(relay.admin_url, TOKEN)

    for path in (*PAGES, f"/events/{event_id}", f"/events/{long_id}"):
        await window.page.goto(f"{relay.admin_url}{path}")
        found = (path, await window.stumbling_blocks(), await window.is_wider_than_its_window())
        assert (path, [], False) == found

    await context.close()
    assert ([], {f"127.0.0.1:{relay.admin_port}"}) == (window.complaints, window.hosts)


async def test_what_strangers_wrote_does_nothing(relay: Program, window: Visit) -> None:
    """Markup is text, what hides or turns text around is shown by a sign, and a line of 5 MB is cut."""
    named = await send(relay, kind=HOSTILE, number=HOSTILE, blob="x" * 5_000_000)
    raw = (await post(relay, HOSTILE.encode() + b"\xff\x00"))["id"]
    page = window.page

    for path in ("/events", f"/events/{named}", f"/events/{raw}", "/", "/events?q=%3Cscript%3E"):
        answer = await page.goto(f"{relay.admin_url}{path}")
        assert answer is not None
        text = await answer.text()
        assert len(text) < 500_000
        assert [] == [mark for mark in RUNNING if mark in text]
        assert not await window.is_wider_than_its_window()
        assert "taken" != await page.title()
    await page.goto(f"{relay.admin_url}/events/{raw}")
    await expect(page.locator("pre.body")).to_contain_text("<script>document.title")
    await expect(page.locator("pre.body")).to_contain_text("␛[2J␛]0;taken")
    await expect(page.locator("pre.body")).to_contain_text("⟨RIGHT-TO-LEFT OVERRIDE⟩right to left")


async def test_without_javascript_everything_can_be_read_and_done(relay: Program, browser: Browser, sink: Sink) -> None:
    """A page is whole before any script runs; the forms are forms."""
    sink.fails = lambda: True
    event_id = await send(relay, **INVOICE)
    await relay.is_settled()
    sink.fails = lambda: False
    context = await browser.new_context(java_script_enabled=False, **LOOKS["light"])
    window = await visit(context)
    await window.sign_in(relay.admin_url, TOKEN, f"/events/{event_id}")

    assert f"{relay.admin_url}/events/{event_id}" == window.page.url
    await expect(window.page.get_by_text("UTC").first).to_be_visible()
    await expect(window.page.get_by_text("HTTP 500")).to_be_visible()
    await window.page.get_by_role("button", name="Send again").click()
    await sink.has(event_id)
    await context.close()
    assert [] == window.complaints
