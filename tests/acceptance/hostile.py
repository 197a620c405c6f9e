"""Requests as nobody should send them, byte for byte, each with its right answer.

`closes`: whether the connection ends with the last answer. Nothing that a stranger sends may be answered by a 5xx.
"""

import gzip
import hmac
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SECRET = "a-secret-of-the-shop"
TOKEN = "a-token-in-the-url"
ADMIN_TOKEN = "a-token-of-the-admin"
BODY_BYTES_MAX = 1024  # of the source `small`

SOURCES: Mapping[str, object] = {
    "open": {"verify": "none"},
    "shop": {
        "verify": {"scheme": "hmac", "header": "X-Signature", "algorithm": "sha256", "encoding": "hex"},
        "secret": SECRET,
    },
    "json": {"verify": "none", "type": "kind", "key": "id"},
    "small": {"verify": "none", "max_body": f"{BODY_BYTES_MAX}B"},
    "collector": {"preset": "invoice-collector", "token": TOKEN},
    "timed": {"preset": "standard-webhooks", "secret": "whsec_a2tra2tra2tra2tra2tra2tra2tra2tr"},
    "basic": {"verify": "basic", "secret": "user:password"},
}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of conversation. sent: in pieces that come one by one; ends: whether it then says its last word."""

    name: str
    sent: tuple[bytes, ...]
    statuses: tuple[int, ...]
    closes: bool = False
    ends: bool = False


def kind(name: str, sent: bytes | tuple[bytes, ...], *statuses: int, closes: bool = False, ends: bool = False) -> Kind:
    return Kind(name, (sent,) if isinstance(sent, bytes) else sent, statuses, closes, ends)


def post(
    path: str = "/in/open",
    body: bytes = b"{}",
    headers: bytes = b"",
    *,
    method: bytes = b"POST",
    version: bytes = b"HTTP/1.1",
    host: bytes = b"Host: a\r\n",
) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"%s %s %s\r\n%s%s%s\r\n%s" % (method, path.encode(), version, host, headers, length, body)


def get(path: bytes, headers: bytes = b"", method: bytes = b"GET") -> bytes:
    return b"%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n" % (method, path, headers)


def framed(headers: bytes, rest: bytes = b"", path: str = "/in/open") -> bytes:
    """Write a POST that says by itself how long it is."""
    return b"POST %s HTTP/1.1\r\nHost: a\r\n%s\r\n%s" % (path.encode(), headers, rest)


def chunked(rest: bytes, path: str = "/in/open") -> bytes:
    return framed(b"Transfer-Encoding: chunked\r\n", rest, path)


def signed(value: bytes) -> bytes:
    return b"X-Signature: %s\r\n" % value


SIGNATURE = hmac.digest(SECRET.encode(), b"{}", "sha256").hex().encode()
PROBE = get(b"/healthz")
ONE_CHUNK = b"2\r\n{}\r\n0\r\n\r\n"
PACKED = gzip.compress(b'{"id":"packed"}')
BOMB = gzip.compress(b" " * 5_000_000)


def methods() -> Iterator[Kind]:
    """Who asks in another way than by POST."""
    yield kind("head of a probe", get(b"/healthz", method=b"HEAD"), 200)
    yield kind("head of a source", get(b"/in/open", method=b"HEAD"), 405)
    yield kind("get of a source", get(b"/in/open"), 405)
    yield kind("post to a probe", post("/healthz"), 405)
    for method in (b"OPTIONS", b"TRACE", b"PUT", b"PATCH", b"DELETE", b"PROPFIND", b"QUERY"):
        yield kind(f"{method.decode()} of a source", get(b"/in/open", method=method), 405)
    yield kind("options of everything", get(b"*", method=b"OPTIONS"), 404)
    yield kind("connect", b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 404)
    yield kind("unknown method", post(method=b"BREW"), 400, closes=True)
    yield kind("method in small letters", post(method=b"post"), 400, closes=True)
    yield kind("endless method", post(method=b"P" * 9000), 400, closes=True)
    yield kind("a method by a header", get(b"/in/open", b"X-HTTP-Method-Override: POST\r\n"), 405)


def targets() -> Iterator[Kind]:
    """Places that are none, or are written oddly."""
    yield kind("percent-encoded name", post("/in/%6Fpen"), 200)
    yield kind("absolute form", post("http://hooks.example.com/in/open"), 200)
    yield kind("fragment", post("/in/open#x"), 200)
    for path in ("/in/open%2Fx", "/in/../in/open", "/in/x/../open", "/./in/open", "/in/%2e%2e/open", "//in/open"):
        yield kind(f"path {path}", post(path), 404)
    for path in ("/in//open", "/in/open/", "/in/%zz", "/in/open%00", "/in/%ff", "/in/%5copen", "/IN/open", "/"):
        yield kind(f"path {path}", post(path), 404)
    yield kind("path of a file", get(b"/../../etc/passwd"), 404)
    yield kind("path of a file, encoded", get(b"/in/..%2f..%2fetc%2fpasswd"), 404)
    yield kind("the admin's API", get(b"/api/v1/events", f"Authorization: Bearer {ADMIN_TOKEN}\r\n".encode()), 404)
    yield kind("the admin's metrics", get(b"/metrics"), 404)
    yield kind("the admin's dashboard", get(b"/overview"), 404)
    yield kind("token of no text, in the path", post("/in/collector/%ff%fe"), 401)
    yield kind("token of no text, in the query", post("/in/collector?token=%ff%fe%00"), 401)
    yield kind("two tokens", post(f"/in/collector?token=wrong&token={TOKEN}"), 401)
    yield kind("bytes in the path", b"POST /in/\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n", 400, closes=True)
    yield kind("nul in the path", b"POST /in/op\x00en HTTP/1.1\r\nHost: a\r\n\r\n", 400, closes=True)
    yield kind("no target", b"POST  HTTP/1.1\r\nHost: a\r\n\r\n", 400, closes=True)
    for path in ("http://[::1/in/open", "a:80", "in/open", "?x=1"):
        yield kind(f"target {path}", post(path), 400, closes=True)
    yield kind("tabs between the words", b"POST\t/in/open\tHTTP/1.1\r\nHost: a\r\n\r\n", 400, closes=True)
    yield kind("long url", post("/in/open?" + "x" * 9000), 414, closes=True)
    yield kind("bytes in a probe's query", get(b"/readyz?source=%ff&target=%00"), 404)
    yield kind("a probe's endless query", get(b"/readyz?" + b"&".join(b"a%d=b" % n for n in range(1000))), 200)


def framing() -> Iterator[Kind]:
    """Where one request ends and the next begins: what two servers in a row might read in two ways."""
    two = b"Content-Length: 2\r\n"
    refused = {
        "two lengths alike": framed(two + two, b"{}"),
        "two lengths": framed(two + b"Content-Length: 3\r\n", b"{}x"),
        "lengths in a list": framed(b"Content-Length: 2, 2\r\n", b"{}"),
        "length, then chunks": framed(two + b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n" + PROBE),
        "chunks, then length": framed(b"Transfer-Encoding: chunked\r\n" + two, b"0\r\n\r\n" + PROBE),
        "two transfer codings": framed(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", ONE_CHUNK),
        "unknown coding": framed(b"Transfer-Encoding: xchunked\r\n", ONE_CHUNK),
        "coding identity": framed(b"Transfer-Encoding: identity\r\n" + two, b"{}"),
        "coding gzip, chunked": framed(b"Transfer-Encoding: gzip, chunked\r\n", ONE_CHUNK),
        "coding chunked, gzip": framed(b"Transfer-Encoding: chunked, gzip\r\n", ONE_CHUNK),
        "negative length": framed(b"Content-Length: -1\r\n"),
        "length with a plus": framed(b"Content-Length: +2\r\n", b"{}"),
        "length in hex": framed(b"Content-Length: 0x2\r\n", b"{}"),
        "length of no number": framed(b"Content-Length: two\r\n", b"{}"),
        "length over 64 bits": framed(b"Content-Length: 99999999999999999999999\r\n", b"{}"),
        "no length": framed(b"Content-Length: \r\n"),
        "space after length": framed(b"Content-Length : 2\r\n", b"{}"),
        "more than the length": framed(two, b"{}garbage\r\n\r\n"),
        "chunk of no number": chunked(b"zz\r\n"),
        "negative chunk": chunked(b"-2\r\n{}\r\n0\r\n\r\n"),
        "chunk over 64 bits": chunked(b"fffffffffffffffff\r\n{}\r\n"),
        "chunk without its end": chunked(b"2\r\n{}0\r\n\r\n"),
        "chunk with bare LF": chunked(b"2\n{}\n0\n\n"),
        "space after a chunk's size": chunked(b"2 \r\n{}\r\n0\r\n\r\n"),
        "HTTP/1.0 in chunks, of no form": chunked(b"{}").replace(b"HTTP/1.1", b"HTTP/1.0"),
    }
    yield from (kind(name, sent, 400, closes=True) for name, sent in refused.items())
    yield kind("no length at all", framed(b""), 200)
    yield kind("length of 2⁶³", framed(b"Content-Length: 9223372036854775808\r\n"), 413, closes=True)
    yield kind("length of 2⁶⁴-1", framed(b"Content-Length: 18446744073709551615\r\n"), 413, closes=True)
    yield kind("chunk by chunk", (chunked(b"1\r\n{\r\n"), b"1\r\n}\r\n", b"0\r\n\r\n"), 200)
    yield kind("chunk extensions", chunked(b"2;a=b;c\r\n{}\r\n0\r\n\r\n"), 200)
    yield kind("coding in capitals", framed(b"Transfer-Encoding: CHUNKED\r\n", ONE_CHUNK), 200)
    yield kind("a thousand tiny chunks", chunked(b"1\r\nx\r\n" * 1000 + b"0\r\n\r\n"), 200)
    yield kind("a signature in a trailer", chunked(ONE_CHUNK[:-2] + signed(SIGNATURE) + b"\r\n", "/in/shop"), 401)
    yield kind("trailers without end", chunked(ONE_CHUNK[:-2] + b"X-A: b\r\n" * 2000), 431, closes=True)
    yield kind("body in pieces", (framed(two, b"{"), b"}"), 200)
    yield kind("byte by byte", tuple(bytes([byte]) for byte in PROBE), 200)


def versions() -> Iterator[Kind]:
    """What is not HTTP/1.1."""
    yield kind("HTTP/1.0", post(version=b"HTTP/1.0"), 200, closes=True)
    yield kind("HTTP/1.0 without a host", post(version=b"HTTP/1.0", host=b""), 200, closes=True)
    yield kind("HTTP/1.0, kept alive", post(version=b"HTTP/1.0", headers=b"Connection: keep-alive\r\n"), 200)
    for version in (b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/1.1.1", b"http/1.1", b"HTTP/", b"ICY/1.1"):
        yield kind(version.decode(), post(version=version), 400, closes=True)
    yield kind("HTTP/0.9 without a version", b"GET /healthz\r\n\r\n", 400, closes=True)
    yield kind("HTTP/2 with prior knowledge", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, closes=True)
    yield kind("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)), 400, closes=True)
    yield kind("SSH", b"SSH-2.0-OpenSSH_9.6\r\n", 400, closes=True)
    yield kind("PROXY protocol", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + PROBE, 400, closes=True)
    yield kind("spaces", b" " * 100, 400, closes=True)
    yield kind("empty lines before it", b"\r\n\r\n\r\n" + PROBE, 200)


def headers() -> Iterator[Kind]:
    """Headers that are none, or too many, or lie."""
    refused = {
        "nul in a value": b"X-A: a\x00b\r\n",
        "nul in a name": b"X\x00A: b\r\n",
        "bare LF": b"X-A: b\nX-B: c\r\n",
        "bare CR": b"X-A: b\rX-B: c\r\n",
        "folded line": b"X-A: b\r\n c\r\n",
        "bytes in a name": b"X-\xe9: b\r\n",
        "no name": b": b\r\n",
        "no colon": b"Xabc\r\n",
        "space in a name": b"X A: b\r\n",
        "space before the colon": b"X-A : b\r\n",
        "two hosts": b"Host: b\r\n",
        "two content types": b"Content-Type: a/b\r\nContent-Type: c/d\r\n",
    }
    yield from (kind(name, post(headers=sent), 400, closes=True) for name, sent in refused.items())
    yield kind("LF alone", b"POST /in/open HTTP/1.1\nHost: a\nContent-Length: 2\n\n{}", 400, closes=True)
    yield kind("folded first line", b"POST /in/open HTTP/1.1\r\n Host: a\r\n\r\n", 400, closes=True)
    yield kind("no host", post(host=b""), 400, closes=True)
    for name, sent in {
        "long value": b"X-A: " + b"x" * 9000 + b"\r\n",
        "long name": b"X" * 9000 + b": a\r\n",
        "1,001 headers": b"".join(b"X-%d: a\r\n" % number for number in range(1001)),
    }.items():
        yield kind(name, post(headers=sent), 431, closes=True)
    for name, sent in {
        "a value at its bound": b"X-A: " + b"x" * 8100 + b"\r\n",
        "no value": b"X-A:\r\n",
        "bytes in a value": b"X-A: \xff\xfe\xe9\r\n",
        "a type of no form": b"Content-Type: " + b"a/" * 3000 + b"\r\n",
        "a forwarder of no form": b"X-Forwarded-For: \xff,,;;\r\nX-Forwarded-Proto: x\r\nX-Forwarded-Host: /\r\n",
        "a trace of no form": b"traceparent: \xff\r\nbaggage: " + b"," * 5000 + b"\r\n",
        "crumbs": b"Cookie: " + b"a=b; " * 1500 + b"\r\n",
    }.items():
        yield kind(name, post(headers=sent), 200)
    yield kind("a host of no form", post(host=b"Host: a b/c@d\r\n"), 200)


def connections() -> Iterator[Kind]:
    """What is asked of the connection itself, and what comes ahead on it."""
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhl\r\nSec-WebSocket-Version: 13\r\n"
    yield kind("websocket", get(b"/in/open", upgrade), 405)
    yield kind("websocket, by POST", post(headers=upgrade) + PROBE, 200, 200)
    yield kind("HTTP/2 by upgrade", post(headers=b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"), 200)
    yield kind("an old websocket", get(b"/in/open", b"Sec-WebSocket-Key1: x\r\n"), 400, closes=True)
    for value in (b"close", b"Content-Length, close", b"keep-alive, close", b"keep-alive\r\nConnection: close"):
        yield kind(f"Connection: {value.decode()}", post(headers=b"Connection: " + value + b"\r\n"), 200, closes=True)
    yield kind("three at once", post() + post("/in/nobody") + PROBE, 200, 404, 200)
    yield kind("garbage behind a request", PROBE + b"\x00\x00\r\n\r\n" + PROBE, 400, closes=True)
    yield kind("a request as a refused body", post("/in/shop", PROBE) + PROBE, 401, 200)
    yield kind("a request as nobody's body", post("/in/nobody", PROBE) + PROBE, 404, 200)
    yield kind("a body with a GET", post("/healthz", b"xyz", method=b"GET") + PROBE, 200, 200)
    yield kind("the last word said", post(), 200, closes=True, ends=True)
    yield kind("the last word of three", post() * 3, 200, 200, 200, closes=True, ends=True)
    yield kind("half a head", b"POST /in/open HTTP/1.1\r\nHo", closes=True, ends=True)
    yield kind("half a body", framed(b"Content-Length: 20\r\n", b"{}"), 400, closes=True, ends=True)
    yield kind("half of the chunks", chunked(b"2\r\n{}\r\n"), 400, closes=True, ends=True)
    yield kind("half a body for nobody", framed(b"Content-Length: 20\r\n", b"{}", "/in/x"), 404, closes=True, ends=True)


def proofs() -> Iterator[Kind]:
    """Signatures, passwords and times as forgers, and broken senders, write them."""
    yield kind("a good signature", post("/in/shop", headers=signed(SIGNATURE)), 200)
    for name, sent in {
        "none": b"",
        "twice": signed(SIGNATURE) * 2,
        "a good one, then another": signed(SIGNATURE) + signed(b"0" * 64),
        "in a list": signed(SIGNATURE + b"," + SIGNATURE),
        "empty": signed(b""),
        "spaces": signed(b"   "),
        "cut short": signed(SIGNATURE[:-1]),
        "with a prefix": signed(b"sha256=" + SIGNATURE),
        "bytes": signed(b"\xff\xfe" * 32),
        "letters of no ASCII": signed("é".encode() * 64),
        "full-width digits": signed("０".encode() * 64),
        "far too long": signed(b"0" * 8000),
    }.items():
        yield kind(f"signature: {name}", post("/in/shop", headers=sent), 401)
    for name, value in {"no base64": b"!!!", "bytes": b"\xff", "bytes in base64": b"//8=", "empty": b""}.items():
        yield kind(f"password: {name}", post("/in/basic", headers=b"Authorization: Basic " + value + b"\r\n"), 401)
    for name, value in {
        "a float": b"1e9",
        "negative": b"-1",
        "endless": b"9" * 5000,
        "of other digits": "١٢٣".encode(),
        "nothing": b"",
    }.items():
        stamp = b"webhook-id: a\r\nwebhook-signature: v1,AAAA\r\nwebhook-timestamp: " + value + b"\r\n"
        yield kind(f"time: {name}", post("/in/timed", headers=stamp), 401)
    many = b"webhook-id: a\r\nwebhook-timestamp: 1\r\nwebhook-signature: " + b"v1,AAAA " * 900 + b"\r\n"
    yield kind("nine hundred signatures", post("/in/timed", headers=many), 401)


def bodies() -> Iterator[Kind]:
    """Bodies that are no JSON, or worse, where some is needed."""
    for name, body in {
        "nothing": b"",
        "brackets": b"[" * 100_000,
        "closed brackets": b"[" * 100_000 + b"]" * 100_000,
        "a million digits": b'{"id":' + b"9" * 1_000_000 + b"}",
        "a number over 64 bits": b'{"id":18446744073709551616}',
        "an infinite number": b'{"id":1e999}',
        "NaN": b'{"id":NaN}',
        "half a surrogate": b'{"id":"\\ud800"}',
        "a byte order mark": b'\xef\xbb\xbf{"id":1}',
        "UTF-16": '{"id":1}'.encode("utf-16"),
        "Latin-1": b'{"id":"\xe9"}',
        "a list": b"[1]",
        "a text": b'"id"',
        "null": b"null",
        "more behind it": b'{"id":1} x',
        "half of it": b'{"id":',
    }.items():
        yield kind(f"JSON: {name}", post("/in/json", body), 400)
        yield kind(f"any body: {name}", post("/in/open", body), 200)
    for name, body in {
        "a key of an object": b'{"id":{"a":[]}}',
        "a long key": b'{"id":"' + b"x" * 500_000 + b'"}',
        "a long type": b'{"id":5,"kind":"' + b"x" * 500_000 + b'"}',
        "a type of control characters": b'{"id":9,"kind":"a\\nb\\u0000\\u001b[31m"}',
        "two keys alike": b'{"id":6,"id":7}',
    }.items():
        yield kind(f"JSON: {name}", post("/in/json", body), 200)
    lies = {"picture": b"image/png", "unknown charset": b"application/json; charset=utf-99", "no type": b"///"}
    for name, lie in lies.items():
        yield kind(f"called {name}", post("/in/json", b'{"id":1}', b"Content-Type: " + lie + b"\r\n"), 200)
    form = b"Content-Type: application/x-www-form-urlencoded\r\n"
    yield kind("a form of no form", post("/in/json", b"%ff=%zz&&&==&id", form), 400)
    yield kind("a form of 20,000 fields", post("/in/json", b"id=1&" * 20_000, form), 400)
    yield kind("parts of no form", post("/in/json", b"--x\r\n", b"Content-Type: multipart/form-data\r\n"), 400)


def codings() -> Iterator[Kind]:
    """One rule: kept as sent; unpacked, within bounds, only to be read."""

    def coded(path: str, body: bytes, *named: bytes) -> bytes:
        return post(path, body, b"".join(b"Content-Encoding: " + name + b"\r\n" for name in named))

    for name in (b"gzip", b"x-gzip", b"GZIP"):
        yield kind(f"packed by {name.decode()}", coded("/in/json", PACKED, name), 200)
    yield kind("deflated", coded("/in/json", zlib.compress(b'{"id":10}'), b"deflate"), 200)
    yield kind("cut short", coded("/in/open", PACKED[:-4], b"gzip"), 400)
    yield kind("not packed at all", coded("/in/open", b"{}", b"gzip"), 400)
    yield kind("more behind the archive", coded("/in/open", PACKED + b"xx", b"gzip"), 400)
    yield kind("nothing packed", coded("/in/open", b"", b"gzip"), 400)
    yield kind("a bomb", coded("/in/open", BOMB, b"gzip"), 413)
    yield kind("a bomb in a bomb", coded("/in/open", gzip.compress(BOMB), b"gzip, gzip"), 200)
    for name in (b"br", b"zstd", b"bananas", b"gzip, gzip", b"\xff"):
        yield kind(f"coding {name!r}, not read", coded("/in/open", b"{}", name), 200)
        yield kind(f"coding {name!r}, read", coded("/in/json", b'{"id":1}', name), 400)
    yield kind("coding identity, of a body", coded("/in/json", b'{"id":1}', b"identity"), 200)


def sizes() -> Iterator[Kind]:
    """Up to the bound of the source, and not a byte more."""
    yield kind("exactly the bound", post("/in/small", b"x" * BODY_BYTES_MAX), 200)
    yield kind("a byte more", post("/in/small", b"x" * (BODY_BYTES_MAX + 1)), 413, closes=True)
    yield kind("a gigabyte, it says", framed(b"Content-Length: 1000000000\r\n", b"x", "/in/small"), 413, closes=True)
    yield kind(
        "too much in a chunk", chunked(b"800\r\n" + b"x" * 2048 + b"\r\n0\r\n\r\n", "/in/small"), 413, closes=True
    )
    yield kind("too much in chunks", chunked((b"80\r\n" + b"x" * 128 + b"\r\n") * 9, "/in/small"), 413, closes=True)


def expectations() -> Iterator[Kind]:
    """Who asks before it sends its body."""
    asked = b"Expect: 100-continue\r\n"
    asking = asked + b"Content-Length: 2\r\n"
    too_much = asked + b"Content-Length: 2000\r\n"
    yield kind("asked", (framed(asking), b"{}"), 100, 200)
    yield kind("asked in capitals", post(headers=asked.upper()), 100, 200)
    yield kind("asked in HTTP/1.0", post(headers=asked, version=b"HTTP/1.0"), 200, closes=True)
    yield kind("asked with too large a body", framed(too_much, path="/in/small"), 413, closes=True)
    yield kind("asked nobody", framed(asking, path="/in/nobody"), 404, closes=True)
    yield kind("asked by PUT", framed(asking).replace(b"POST", b"PUT"), 405, closes=True)
    yield kind("asked with a wrong token", framed(asking, path="/in/collector/x"), 401, closes=True)
    yield kind("asked something else", post(headers=b"Expect: bananas\r\n"), 417)
    yield kind("asked two things", post(headers=asked + b"Expect: bananas\r\n"), 417)
    yield kind("asked a probe", get(b"/healthz", asked), 200)


GROUPS = (
    methods,
    targets,
    framing,
    versions,
    headers,
    connections,
    proofs,
    bodies,
    codings,
    sizes,
    expectations,
)
KINDS = tuple(kind for group in GROUPS for kind in group())
