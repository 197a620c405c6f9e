"""What the dashboard's pages say, to somebody who was woken: whether it arrived, and if not, why, and what to do."""

import html
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from relay.domain import Verdict
from relay.replays import new_replay
from relay.store.ports.minutes import Kind
from relay.store.ports.rejections import Bounds
from relay.store.ports.replays import ReplayStep
from relay.store.ports.search import EventFilter
from relay.store.protocol import Store
from tests.admin import FILE, Client, Office, signed_in
from tests.builders import a_lease, a_plan, a_rejection, an_event, dead, delivered
from tests.conftest import START, ManualClock

pytestmark = pytest.mark.parametrize("storage", ["sqlite"], indirect=True)  # what pages say depends on no engine

REFUSED = b'{"type": "invoice", "number": "INV-3337"}'


async def page(admin: Client, path: str) -> str:
    """Return the words of a page, without its markup."""
    answer = await admin.get(path)
    assert 200 == answer.status
    text = re.sub(r"<(script|style)\b.*?</\1>", "", await answer.text(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


async def test_an_event_says_at_its_head_who_does_not_have_it_and_why(admin: Client, store: Store) -> None:
    """Nobody should have to read a time line to know."""
    await signed_in(admin)
    event = an_event()
    receipt = await store.accept(event, a_plan("archive", "erp", "crm"), {0: a_lease(), 1: a_lease()})
    await store.settle(delivered(receipt.deliveries[0]))
    await store.settle(dead(receipt.deliveries[1]))

    words = await page(admin, f"/events/{event.id}")

    assert "order.paid from shop dead" in words
    assert "erp does not have it: rejected. Nothing more is tried by itself" in words
    assert "crm does not have it yet." in words
    assert words.index("erp dead") < words.index("crm pending") < words.index("archive delivered")


async def test_an_event_that_arrived_says_so(admin: Client, store: Store) -> None:
    """The answer to the question, in one sentence."""
    await signed_in(admin)
    event = an_event()
    receipt = await store.accept(event, a_plan("erp"), {0: a_lease()})
    await store.settle(delivered(receipt.deliveries[0]))

    assert "It arrived: erp has it." in await page(admin, f"/events/{event.id}")


async def test_a_notice_says_why_it_was_sent(admin: Client, store: Store) -> None:
    """Its route stands in no list of routes, and is in the configuration all the same."""
    await signed_in(admin)
    notice = replace(an_event(), source="relay")
    await store.accept(notice, replace(a_plan("chat"), verdicts=(("notify", Verdict.MATCHED),)), {})

    words = await page(admin, f"/events/{notice.id}")

    assert "It goes where notify says." in words
    assert "not in the configuration any more" not in words


async def test_one_that_waits_for_another_of_its_order_says_so(admin: Client, store: Store) -> None:
    """It is due when that one is final, and at no time that could be told."""
    await signed_in(admin)
    events = [an_event() for _ in range(2)]
    for event in events:
        await store.accept(event, a_plan("erp", order="R1"), {})

    first, second = [await page(admin, f"/events/{event.id}") for event in events]

    assert "next try 01 Jul 2026 12:00:00 UTC" in first
    assert "waits for its turn: an earlier one of the same order goes first" in second
    assert "9999" not in second


async def test_which_secret_proved_an_event_is_told(office: Office, admin: Client, store: Store) -> None:
    """By its position; and that nobody knows, where it was not kept."""
    office.configure(FILE.replace('secret: "SECRET"', 'secrets: ["a-new-secret-of-the-shop", "SECRET"]'))
    await signed_in(admin)
    known, unknown = an_event(), replace(an_event(), secret_number=None)
    for event in (known, unknown):
        await store.accept(event, a_plan("erp"), {})

    assert "by secret 2 of 2, as the source lists them" in await page(admin, f"/events/{known.id}")
    assert "by which secret is not known" in await page(admin, f"/events/{unknown.id}")


async def test_a_list_of_events_tells_the_number_in_a_key_and_each_target(admin: Client, store: Store) -> None:
    """Who looks for an invoice looks for its number, and for the target that lacks it."""
    await signed_in(admin)
    event = replace(an_event(), type="invoice", key=b'type:invoice\njson:["invoice","R5","INV-3337"]')
    receipt = await store.accept(event, a_plan("archive", "erp"), {0: a_lease()})
    await store.settle(delivered(receipt.deliveries[0]))

    words = await page(admin, "/events")

    assert "R5 · INV-3337" in words
    assert "✓ archive delivered … erp pending" in words


async def test_what_was_refused_is_found_where_no_event_has_the_text(admin: Client, store: Store) -> None:
    """An invoice that was refused did not arrive, and this is why. A page that keeps itself fresh looks only once."""
    await signed_in(admin)
    rejection = a_rejection(body=REFUSED)
    await store.rejections.keep([rejection], Bounds(START - timedelta(days=7), 100, 10**6))

    found = await page(admin, "/events?q=INV-3337")
    other = await page(admin, "/events?q=INV-4")
    again = await admin.get("/events?q=INV-3337", headers={"X-Relay-Fresh": "1"})

    assert "Refused requests with this text" in found
    assert "shop mismatch 192.0.2.1" in found
    assert "Refused requests with this text" not in other + await again.text()


async def test_a_refused_request_says_why_and_what_to_do(admin: Client, store: Store) -> None:
    """With its body as text: what strangers wrote runs nowhere."""
    await signed_in(admin)
    await store.rejections.keep([a_rejection(body=b"<script>x")], Bounds(START - timedelta(days=7), 100, 10**6))

    words = await page(admin, "/rejected/1")

    assert "Its signature or token is wrong: the vendor has another secret than the source." in words
    assert "relay rejections admit 1" in words
    assert "relay explain shop --rejection 1" in words
    assert "<script>x" in words
    assert "&lt;script&gt;x" in await (await admin.get("/rejected/1")).text()


async def test_how_far_a_replay_is_is_told(admin: Client, store: Store) -> None:
    """By what it has still to look at."""
    await signed_in(admin)
    events = [an_event() for _ in range(4)]
    for event in events:
        await store.accept(event, a_plan("erp"), {})
    job = new_replay(EventFilter(), START + timedelta(minutes=1), b"0123456789", only_dead=False)
    await store.replays.begin(job)
    begun = await page(admin, "/replays")
    step = ReplayStep([event.id for event in events[:3]], events[2].id, 3, START, is_last=False)
    await store.replays.advance(job, step, START)
    going = await page(admin, "/replays")
    (stood,) = await store.replays.all(1)
    await store.replays.advance(stood, ReplayStep([], stood.position, 1, START, is_last=True), START)

    assert "running 0 %" in begun
    assert "running 75 %" in going
    assert "done 100 %" in await page(admin, "/replays")


async def test_events_are_counted_before_they_are_replayed(admin: Client, store: Store) -> None:
    """Who sends a thousand events again should know that they are a thousand; nothing is begun by counting."""
    csrf = await signed_in(admin)
    for event in [an_event() for _ in range(3)]:
        await store.accept(event, a_plan("erp"), {})

    asked = {"csrf": csrf, "source": "shop", "type": "order.paid", "per_s": "7", "dry_run": "true"}
    counted = await admin.post("/replays", data=asked)
    text = await counted.text()
    wrong = await page(admin, "/replays?count=<script>")

    assert "<strong>3</strong> events fit what is asked below. Nothing has been sent." in text
    assert "<option selected>shop</option>" in text
    assert 'name="type" value="order.paid"' in text
    assert 'name="per_s" value="7"' in text
    assert "Nothing has been sent" not in wrong
    assert [] == list(await store.replays.all(1))


async def test_an_empty_page_says_what_to_do_next(admin: Client, store: Store) -> None:
    """Commands stand as code; and nothing of it is said once there is something."""
    await signed_in(admin)
    empty = await (await admin.get("/")).text()
    events = await (await admin.get("/events")).text()
    await store.minutes.add(START, {Kind("event", "shop", "accepted"): (1, 0.0)}, START)

    assert "Nothing has come yet" in empty
    assert "<code>relay urls</code>" in empty
    assert "<code>relay send SOURCE</code>" in events
    assert "Every target takes what it is sent." in await page(admin, "/")


async def test_what_strangers_wrote_between_backticks_is_text(office: Office, admin: Client) -> None:
    """It is escaped before any part of it is shown as code."""
    office.reload_when_asked()
    csrf = await signed_in(admin)
    office.write(FILE.replace("limit:", '"<b>`x`": 1\n    "`": 1\n    limit:'))
    await admin.post("/configuration/reload", data={"csrf": csrf})

    text = await (await admin.get("/configuration")).text()

    assert "It is faulty" in text
    assert "<b>" not in text


async def test_what_would_hide_or_turn_text_around_is_seen(admin: Client, store: Store) -> None:
    """A body is a stranger's, and so is the answer of a target."""
    await signed_in(admin)
    event = an_event(body='{"name": "\u202efdp.exe"}'.encode())
    receipt = await store.accept(event, a_plan("erp"), {0: a_lease()})
    settlement = dead(receipt.deliveries[0])
    await store.settle(replace(settlement, attempt=replace(settlement.attempt, excerpt=b"\x1b[2Jgone")))

    words = await page(admin, f"/events/{event.id}")

    assert "⟨RIGHT-TO-LEFT OVERRIDE⟩fdp.exe" in words
    assert "␛[2Jgone" in words


async def test_the_overview_tells_of_a_faulty_file(office: Office, admin: Client) -> None:
    """What runs is not what the file says: whoever changed it should know before they go home."""
    office.reload_when_asked()
    csrf = await signed_in(admin)
    office.write(FILE.replace("limit:", "limt:"))
    await admin.post("/configuration/reload", data={"csrf": csrf})

    words = await page(admin, "/")

    assert "The configuration file is faulty, and what is in use is the one before" in words
    assert "did you mean" in words


async def test_the_overview_tells_who_is_silent_and_who_is_no_more(
    office: Office, admin: Client, store: Store, clock: ManualClock
) -> None:
    """A silence by the source's own measure; and a target that was renamed is not called broken."""
    office.configure(FILE.replace("limit:", "expect_every: 90m\n    limit:"))
    await signed_in(admin)
    await store.accept(an_event(), a_plan("old"), {})

    words = await page(admin, "/")

    assert "The one source that says how often it sends keeps to it." in words
    assert "old is not configured any more, and 1 waits for it." in words
    assert "expected every 1h30m" in await page(admin, "/sources")


@pytest.mark.parametrize("path", ["/configuration", "/api/v1/config"])
async def test_durations_are_written_as_in_the_file(admin: Client, path: str) -> None:
    """Nobody counts seconds at night."""
    await signed_in(admin)
    answer = await admin.get(path)

    text = await answer.text()
    assert "30d" in text
    assert "2.592e+06s" not in text
