"""Who gets in at the admin port: programs by their token, browsers by a session, and nobody under a foreign name."""

import pytest

from relay.sessions import SESSION_S
from relay.web.admin.access import COOKIE, CSRF_HEADER, NAMES_LOGGED
from tests.admin import KNOWN, TOKEN, Client
from tests.conftest import ManualClock

TARGETS = "/api/v1/targets"
PAUSE = "/api/v1/targets/erp/pause"


async def logged_in(admin: Client) -> dict[str, str]:
    """Return the cookie of a session; the client itself keeps none."""
    answer = await admin.post("/login", json={"token": TOKEN})
    assert 200 == answer.status
    admin.session.cookie_jar.clear()
    return {"Cookie": f"{COOKIE}={answer.cookies[COOKIE].value}"}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8081", 200),
        ("[::1]:8081", 200),
        ("192.0.2.7", 200),
        ("localhost:8081", 200),
        ("relay", 200),
        ("relay.example.com", 200),
        ("RELAY.example.com:8081", 200),
        ("relay.example.com.", 200),
        ("evil.example.com", 421),
        ("relay.example.com.evil.com", 421),
        ("127.0.0.1.evil.com", 421),
        ("127.0.0.1@evil.com", 421),
        ("", 421),
        (":8081", 421),
    ],
)
@pytest.mark.parametrize("path", [TARGETS, "/metrics"])
async def test_only_a_name_of_its_own_is_answered(admin: Client, path: str, host: str, status: int) -> None:
    """A page elsewhere whose name was made to point here is refused, whatever it knows (DNS rebinding)."""
    assert status == (await admin.get(path, headers={**KNOWN, "Host": host})).status


async def test_who_scrapes_by_a_foreign_name_is_told_what_to_set(
    admin: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """Prometheus shows a status and no words, so the log names the name: once each, and not any number of them."""
    names = [f"relay-{number}.monitoring.svc" for number in range(NAMES_LOGGED + 5)]
    for name in names[:1] * 3 + names:
        answer = await admin.get("/metrics", headers={"Host": name})

    problem = await answer.json()
    assert f"by the name `{names[-1]}`. If it should, add that to `admin.hosts`" in problem["detail"]
    logged = [line for line in capsys.readouterr().out.splitlines() if "admin_asked_by_foreign_name" in line]
    assert NAMES_LOGGED == len(logged)
    assert names[0] in logged[0]


async def test_probes_are_answered_under_any_name(admin: Client) -> None:
    """Whoever asks how it is may come by a name of the cluster's."""
    assert 200 == (await admin.get("/healthz", headers={"Host": "relay.default.svc.cluster.local"})).status


async def test_a_session_opens_what_its_token_does(admin: Client) -> None:
    """A browser logs in once; what scripts of a page can see of it is nothing."""
    answer = await admin.post("/login", json={"token": TOKEN})

    cookie = answer.cookies[COOKIE]
    assert (True, "Strict", "/") == (cookie["httponly"], cookie["samesite"], cookie["path"])
    assert TOKEN not in cookie.value
    assert 200 == (await admin.get(TARGETS, headers=await logged_in(admin))).status


@pytest.mark.parametrize("token", ["", "wrong", "a-token-of-the-admi", "ä\ud800"])
async def test_a_wrong_token_opens_no_session(admin: Client, token: str) -> None:
    """Nor does an empty one, and no answer repeats it."""
    answer = await admin.post("/login", json={"token": token})

    assert answer.status in (400, 401)
    assert COOKIE not in answer.cookies
    assert "wrong" not in await answer.text()


async def test_tokens_cannot_be_tried_one_after_the_other(admin: Client, clock: ManualClock) -> None:
    """Ten at once, and then ten a minute."""
    assert [401] * 10 + [429] == [(await admin.post("/login", json={"token": "wrong"})).status for _ in range(11)]
    clock.advance(60)
    assert 200 == (await admin.post("/login", json={"token": TOKEN})).status


@pytest.mark.parametrize("forged", ["", "0.", "99999999999.", "99999999999." + "0" * 64, "x.y", "²." + "0" * 64])
async def test_a_forged_session_opens_nothing(admin: Client, forged: str) -> None:
    """It is sealed, with the time that it says."""
    assert 401 == (await admin.get(TARGETS, headers={"Cookie": f"{COOKIE}={forged}"})).status


async def test_a_session_ends(admin: Client, clock: ManualClock) -> None:
    """By itself after half a day; one whose end was moved is forged."""
    session = await logged_in(admin)
    expires, _, seal = session["Cookie"].partition("=")[2].partition(".")
    moved = {"Cookie": f"{COOKIE}={int(expires) + 1}.{seal}"}
    assert [200, 401] == [(await admin.get(TARGETS, headers=each)).status for each in (session, moved)]

    clock.advance(SESSION_S)

    assert 401 == (await admin.get(TARGETS, headers=session)).status


async def test_logging_out_takes_the_cookie_away(admin: Client) -> None:
    """The browser forgets it."""
    assert "" == (await admin.post("/logout")).cookies[COOKIE].value


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({CSRF_HEADER: "1"}, 200),
        ({CSRF_HEADER: "1", "Origin": "http://{host}", "Sec-Fetch-Site": "same-origin"}, 200),
        ({}, 403),
        ({"Origin": "http://{host}"}, 403),
        ({CSRF_HEADER: "1", "Origin": "https://evil.example.com"}, 403),
        ({CSRF_HEADER: "1", "Origin": "null"}, 403),
        ({CSRF_HEADER: "1", "Sec-Fetch-Site": "cross-site"}, 403),
        ({CSRF_HEADER: "1", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Authorization": "Bearer wrong", CSRF_HEADER: "1"}, 401),
    ],
)
async def test_a_session_changes_something_only_from_our_own_page(
    admin: Client, more: dict[str, str], status: int
) -> None:
    """A form on a stranger's page sends cookies where a browser is old; it cannot send the header."""
    host = f"{admin.host}:{admin.port}"
    headers = {name: value.replace("{host}", host) for name, value in more.items()}

    assert status == (await admin.post(PAUSE, headers={**await logged_in(admin), **headers})).status


async def test_a_program_needs_no_such_header(admin: Client) -> None:
    """Whoever sends the token itself is nobody's browser."""
    assert 200 == (await admin.post(PAUSE, headers=KNOWN)).status


async def test_nobody_is_logged_in_from_elsewhere(admin: Client) -> None:
    """Not even with a good token: the page would learn which one is."""
    elsewhere = {"Origin": "https://evil.example.com"}
    assert 403 == (await admin.post("/login", json={"token": TOKEN}, headers=elsewhere)).status
