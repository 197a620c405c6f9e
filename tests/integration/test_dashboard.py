"""The dashboard's door: who gets in, by which forms, and what browsers are told not to do."""

import re
from datetime import timedelta

import pytest

from relay.store.protocol import Store
from relay.web.admin.access import COOKIE
from tests.admin import KNOWN, TOKEN, Client, signed_in
from tests.builders import a_plan, an_event
from tests.conftest import ManualClock

PAGES = ("/", "/events", "/targets", "/rejected", "/sources", "/replays", "/configuration")


@pytest.mark.parametrize("path", PAGES)
async def test_who_is_not_signed_in_is_led_to_the_door_and_back(admin: Client, path: str) -> None:
    """No page without a session, and nothing of what it would have shown; a bearer token in the query is no session."""
    answer = await admin.get(f"{path}?token={TOKEN}", allow_redirects=False)

    assert 303 == answer.status
    assert answer.headers["Location"].startswith("/sign-in?next=")
    assert b"" == await answer.read()


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_runs_nothing_that_is_not_ours_and_is_kept_nowhere(admin: Client, path: str) -> None:
    """What `threats.md` asks of a browser, in the words of browsers."""
    await signed_in(admin)
    answer = await admin.get(path)

    assert (200, "text/html") == (answer.status, answer.content_type)
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert ("no-store", "nosniff") == (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"])
    assert "a-secret" not in await answer.text()
    assert "a-password" not in await answer.text()
    assert "a-tenant-key" not in await answer.text()


async def test_a_wrong_token_opens_nothing(admin: Client) -> None:
    """It is said on the page, without a cookie."""
    for token in ("", "wrong", f" {TOKEN}x"):
        answer = await admin.post("/sign-in", data={"token": token})

        assert 401 == answer.status
        assert "There is no such token" in await answer.text()
        assert COOKIE not in answer.cookies


async def test_guessing_is_slow(admin: Client) -> None:
    """Ten tries a minute, however many ask."""
    statuses = [(await admin.post("/sign-in", data={"token": "wrong"})).status for _ in range(12)]

    assert [401] * 10 + [429] * 2 == statuses


@pytest.mark.parametrize(
    "wanted", ["https://evil.example.com", "//evil.example.com", "/\\evil.example.com", "evil", "/\t/x"]
)
async def test_signing_in_leads_nowhere_else(admin: Client, wanted: str) -> None:
    """A link to our own sign-in page must not lead to a stranger's copy of it."""
    answer = await admin.post("/sign-in", data={"token": TOKEN, "next": wanted}, allow_redirects=False)

    assert (303, "/") == (answer.status, answer.headers["Location"])


@pytest.mark.parametrize(
    ("csrf", "headers"),
    [
        ("", {}),
        ("0" * 64, {}),
        ("é", {}),
        ("own", {"Origin": "https://evil.example.com"}),
        ("own", {"Origin": "null"}),
        ("own", {"Sec-Fetch-Site": "cross-site"}),
        ("own", {"Sec-Fetch-Site": "same-site"}),
    ],
)
async def test_a_form_of_another_page_changes_nothing(
    admin: Client, store: Store, csrf: str, headers: dict[str, str]
) -> None:
    """The cookie alone is sent along by any page that is same-site."""
    own = await signed_in(admin)
    answer = await admin.post(
        "/targets/erp/pause", data={"csrf": own if csrf == "own" else csrf}, headers=headers, allow_redirects=False
    )

    assert 403 == answer.status
    assert {} == await store.lanes()


async def test_a_form_of_our_own_page_does_what_it_says(admin: Client, store: Store) -> None:
    """And a page tells so."""
    csrf = await signed_in(admin)
    answer = await admin.post("/targets/erp/pause", data={"csrf": csrf})

    assert "/targets" == answer.url.path
    assert "Paused" in await answer.text()
    assert (await store.lanes())["erp"].is_paused


async def test_what_waits_for_a_target_that_is_no_more_is_moved_or_cancelled(admin: Client, store: Store) -> None:
    """Somebody renamed it: the page offers both, and says what was done."""
    csrf = await signed_in(admin)
    for target in ("old", "older"):
        await store.accept(an_event(), a_plan(target), {})
    offered = await (await admin.get("/targets")).text()

    moved = await admin.post("/targets/old/move", data={"csrf": csrf, "to": "erp"})
    cancelled = await admin.post("/targets/older/cancel", data={"csrf": csrf})
    wrong = await admin.post("/targets/erp/move", data={"csrf": csrf, "to": "nobody"})

    assert 'action="/targets/old/move"' in offered
    assert 'action="/targets/erp/move"' not in offered
    assert "they are sent to the other target" in await moved.text()
    assert "Cancelled." in await cancelled.text()
    assert 400 == wrong.status
    assert {"erp": 1, "old": 0, "older": 0} == {name: lane.unfinished for name, lane in (await store.lanes()).items()}


async def test_a_session_ends(admin: Client, clock: ManualClock) -> None:
    """By its time, whatever is asked then; a form is led to the beginning, for its page cannot be got by its name."""
    csrf = await signed_in(admin)
    clock.advance(timedelta(hours=12).total_seconds())

    page = await admin.get("/events?q=INV", allow_redirects=False)
    form = await admin.post("/targets/erp/pause", data={"csrf": csrf}, allow_redirects=False)

    assert "/sign-in?next=%2Fevents%3Fq%3DINV" == page.headers["Location"]
    assert "/sign-in?next=%2F" == form.headers["Location"]


async def test_signing_out_takes_the_cookie_away(admin: Client) -> None:
    """On a machine that others use, too."""
    csrf = await signed_in(admin)
    await admin.post("/sign-out", data={"csrf": csrf})

    assert 303 == (await admin.get("/", allow_redirects=False)).status


async def test_a_page_is_given_under_our_own_name_only(admin: Client) -> None:
    """A name that was made to point here (DNS rebinding) opens nothing; the page that says so may look like one."""
    paths = ("/", "/sign-in", "/static/relay.css", "/static/../metrics")
    answers = [await admin.get(path, headers={"Host": "evil.example.com"}) for path in paths]

    assert [421, 421, 200, 421] == [answer.status for answer in answers]


BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("path", "headers", "status", "words"),
    [
        ("/nothing", BROWSER, 404, "There is no page"),
        ("/events/x/y", BROWSER, 404, "There is no page"),
        ("/sign-out", BROWSER, 405, "expected POST"),
        ("/events", {**BROWSER, "Host": "evil.example.com"}, 421, "add that to <code>admin.hosts</code>"),
        ("/targets/erp/move", BROWSER, 405, "expected POST"),
    ],
)
async def test_what_goes_wrong_is_told_to_a_browser_on_a_page(
    admin: Client, path: str, headers: dict[str, str], status: int, words: str
) -> None:
    """With or without a session; a person is shown no JSON, and no page of a session to who has none."""
    outside = await admin.get(path, headers=headers, allow_redirects=False)
    await signed_in(admin)
    inside = await admin.get(path, headers=headers)

    for answer in (outside, inside):
        assert (status, "text/html") == (answer.status, answer.content_type)
        assert words in await answer.text()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Sign out" not in await outside.text()
    assert (status == 405) == ("Allow" in inside.headers)


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/targets", "/login"])
async def test_what_goes_wrong_in_the_api_is_told_to_programs(admin: Client, path: str) -> None:
    """Whatever they say they accept; and so is what is asked where there is nothing."""
    answers = [await admin.get(path, headers=BROWSER), await admin.get("/nothing")]

    assert ["application/problem+json"] * 2 == [answer.content_type for answer in answers]


async def test_our_own_fault_is_told_on_a_page_that_quotes_nothing(
    admin: Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent may stand in the fault's words."""

    async def fail(*_: object) -> None:
        raise RuntimeError("a-payload")

    await signed_in(admin)
    monkeypatch.setattr(type(store), "lanes", fail)
    page, api = await admin.get("/targets"), await admin.get("/api/v1/targets", headers=KNOWN)

    assert [(500, "text/html"), (500, "application/problem+json")] == [
        (answer.status, answer.content_type) for answer in (page, api)
    ]
    assert "The relay itself failed" in await page.text()
    assert "a-payload" not in await page.text() + await api.text()


async def test_what_cannot_be_asked_is_told_on_a_page(admin: Client) -> None:
    """Somebody changed the address by hand, or followed an old link."""
    await signed_in(admin)
    wrong = await admin.get("/events?since=yesterday")
    gone = await admin.get(f"/events/evt_{0:032x}")

    assert [400, 404] == [wrong.status, gone.status]
    assert "expected a time such as" in await wrong.text()
    assert "There is no such event" in await gone.text()


@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)  # PostgreSQL is just called again
async def test_a_database_that_does_not_answer_is_told_on_a_page(admin: Client, store: Store) -> None:
    """Whoever is woken by it sees what it is."""
    await signed_in(admin)
    await store.close()
    answer = await admin.get("/events")

    assert (503, "text/html") == (answer.status, answer.content_type)


async def test_pages_follow_on_each_other(admin: Client, store: Store) -> None:
    """The older ones are behind one link, and none is told twice."""
    await signed_in(admin)
    events = [an_event() for _ in range(5)]
    for event in events:
        await store.accept(event, a_plan("erp"), {})
    told: list[str] = []
    path = "/events?limit=2"
    for _ in range(3):
        text = await (await admin.get(path)).text()
        told += re.findall(r'href="/events/(evt_[0-9a-f]{32})"', text)
        older = re.search(r'rel="next" href="(\?[^"]+)"', text)
        path = f"/events{older[1].replace('&amp;', '&')}" if older else ""

    assert [event.id for event in reversed(events)] == told
    assert "" == path


async def test_files_of_a_page_may_be_kept_for_ever_by_their_own_name(admin: Client) -> None:
    """They change their address with their content; and nothing else is handed out there."""
    text = await (await admin.get("/sign-in")).text()
    style = re.search(r'href="(/static/relay.css\?[0-9a-f]{12})"', text)
    assert style is not None

    kept = await admin.get(style[1])
    assert (200, "text/css") == (kept.status, kept.content_type)
    assert "immutable" in kept.headers["Cache-Control"]
    assert "no-cache" == (await admin.get("/static/relay.css")).headers["Cache-Control"]
    assert {404} == {(await admin.get(f"/static/{name}")).status for name in ("door.py", "..%2fdoor.py")}
