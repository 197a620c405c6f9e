"""What strangers, and broken programs, send to the admin port: none is let in, and none is answered by a 5xx."""

import gzip
from collections.abc import Iterator

from tests.acceptance.hostile import ADMIN_TOKEN, PROBE, Kind, get, kind

TOKEN = f"Authorization: Bearer {ADMIN_TOKEN}\r\n".encode()
WRONG = b'{"token":"wrong-token"}'
JSON = b"Content-Type: application/json\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


def login(rest: bytes, headers: bytes = b"", *, path: bytes = b"/login", kind: bytes = JSON) -> bytes:
    return b"POST %s HTTP/1.1\r\nHost: a\r\n%s%s\r\n%s" % (path, kind, headers, rest)


def sized(body: bytes, headers: bytes = b"") -> bytes:
    return login(body, headers + b"Content-Length: %d\r\n" % len(body))


def unreadable() -> Iterator[Kind]:
    """What is bounded at the public port is bounded here."""
    yield kind("admin: long url", get(b"/" + b"x" * 9000), 414, closes=True)
    yield kind("admin: long header", get(b"/", b"X-A: " + b"x" * 9000 + b"\r\n"), 431, closes=True)
    yield kind("admin: 1,001 headers", get(b"/", b"X-A: a\r\n" * 1001), 431, closes=True)
    yield kind("admin: TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), 400, closes=True)
    yield kind("admin: two lengths", sized(WRONG, b"Content-Length: 3\r\n"), 400, closes=True)
    yield kind("admin: two hosts", get(b"/healthz", b"Host: b\r\n"), 400, closes=True)
    yield kind("admin: trace", get(b"/", method=b"TRACE"), 405)
    yield kind("admin: connect", b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 404)
    yield kind("admin: websocket", get(b"/", b"Upgrade: websocket\r\nConnection: Upgrade\r\n") + PROBE, 303, 200)
    yield kind("admin: expects something", sized(WRONG, b"Expect: bananas\r\n"), 417)


def files() -> Iterator[Kind]:
    """No file is opened by a path of a request."""
    for path in (b"/static/../../etc/passwd", b"/static/..%2f..%2fetc%2fpasswd", b"/static/%00", b"//etc/passwd"):
        yield kind(f"admin: {path.decode()}", get(path), 404)
    yield kind("admin: a file of its own", get(b"/static/uplot.css"), 200)


def bodies() -> Iterator[Kind]:
    """Bodies that never become whole, or are no JSON, before anybody is let in."""
    chunked = b"Transfer-Encoding: chunked\r\n"
    packed = b"Content-Encoding: gzip\r\n"
    yield kind("admin: wrong token", sized(WRONG), 401)
    yield kind("admin: chunk of no number", login(b"zz\r\n", chunked), 400, closes=True)
    yield kind("admin: chunk broken later", (login(b"2\r\n{}\r\n", chunked), b"zz\r\n"), 400, closes=True)
    yield kind("admin: half a body", login(b"{}", b"Content-Length: 20\r\n"), 400, closes=True, ends=True)
    yield kind("admin: half of the chunks", login(b"2\r\n{}\r\n", chunked), 400, closes=True, ends=True)
    half_a_form = login(b"token=", b"Content-Length: 20\r\n", path=b"/sign-in", kind=FORM)
    yield kind("admin: half a form", half_a_form, 400, closes=True, ends=True)
    yield kind("admin: not packed at all", sized(b"xxxx", packed), 400, closes=True)
    yield kind("admin: a bomb", sized(gzip.compress(b" " * 5_000_000), packed), 413)
    yield kind("admin: brackets", sized(b"[" * 100_000), 413)
    for name, body in {
        "a list": b"[]",
        "NaN": b'{"token":NaN}',
        "Latin-1": b'{"token":"\xe9"}',
        "nothing": b"",
    }.items():
        yield kind(f"admin: {name}", sized(body), 400)
    for name, body in {"nul": b'{"token":"a\\u0000b"}', "no ASCII": '{"token":"é"}'.encode()}.items():
        yield kind(f"admin: a token with {name}", sized(body), 401)
    yield kind("admin: a form for JSON", login(b"token=a", b"Content-Length: 7\r\n", kind=FORM), 415)


def proofs() -> Iterator[Kind]:
    """Tokens and cookies of no form let nobody in."""
    for name, sent in {
        "no token": b"",
        "an empty token": b"Authorization:\r\n",
        "bytes": b"Authorization: Bearer \xff\xe9\r\n",
        "no ASCII": "Authorization: Bearer é\r\n".encode(),
        "two tokens": b"Authorization: Bearer x\r\n" + TOKEN,
        "a cookie of bytes": b"Cookie: relay_session=\xff; =;;; a\r\n",
        "a cookie of no ASCII": "Cookie: relay_session=é.é.é\r\n".encode(),
    }.items():
        yield kind(f"admin: {name}", get(b"/api/v1/events", sent), 401)
    yield kind("admin: a host of no form", b"GET /metrics HTTP/1.1\r\nHost: [::1\r\n\r\n", 421)
    yield kind("admin: an origin of no form", sized(WRONG, b"Origin: http://[::1\r\n"), 403)


def questions() -> Iterator[Kind]:
    """What an operator's program may ask by mistake."""
    yield kind("admin: bytes in a query", get(b"/api/v1/events?limit=%ff&cursor=%ff", TOKEN), 400)
    yield kind("admin: nul in a query", get(b"/api/v1/events?q=%ff%00", TOKEN), 400)
    yield kind("admin: an id of bytes", get(b"/api/v1/events/%ff%00%ed%a0%80", TOKEN), 404)
    yield kind("admin: a long id", get(b"/api/v1/events/" + b"9" * 5000, TOKEN), 404)
    yield kind("admin: a number over 64 bits", get(b"/api/v1/rejections/99999999999999999999999", TOKEN), 404)


ADMIN_KINDS = tuple(kind for group in (unreadable, files, bodies, proofs, questions) for kind in group())
