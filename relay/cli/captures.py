"""Requests that were captured: as they came over the wire, as JSON, or as a browser's or a proxy's archive (HAR)."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
from multidict import CIMultiDict

_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")

EXPECTED = "expected a raw HTTP request, or JSON such as {method, url, headers, body}"


@dataclass(frozen=True, slots=True)
class Capture:
    """A request as it was written down. received_at: None where that is not said."""

    method: str
    url: str  # absolute, or only its path and query
    headers: CIMultiDict[str]
    body: bytes
    received_at: datetime | None = None


def read_capture(content: bytes) -> Capture:
    """Read a captured request. Errors: ValueError, in words for a person."""
    if content.lstrip().startswith(b"{"):
        return _from_json(content)
    return _from_wire(content)


def _from_wire(content: bytes) -> Capture:
    """Read a request as it came: an editor may have made its line breaks plain ones, and added one."""
    line_break = b"\r\n" if b"\r\n" in content.partition(b"\n\n")[0] else b"\n"
    head, _, body = content.partition(line_break * 2)
    first, *rest = head.decode("utf-8", "surrogateescape").split(line_break.decode())
    match first.split(" "):
        case [method, target, version] if version.startswith("HTTP/"):
            pass
        case _:
            raise ValueError(f"its first line is none of a request; {EXPECTED}")
    headers: CIMultiDict[str] = CIMultiDict()
    for line in rest:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"a header has no colon; {EXPECTED}")
        headers.add(name.strip(), value.strip())
    is_chunked = headers.get("Transfer-Encoding", "").lower() == "chunked"
    return Capture(method, target, headers, _joined(body, line_break) if is_chunked else body)


def _joined(body: bytes, line_break: bytes) -> bytes:
    """Join the chunks that a body came in; one that is not in chunks was joined by what captured it. RFC 9112, 7.1."""
    whole, rest = b"", body
    while True:
        line, _, rest = rest.partition(line_break)
        size = line.partition(b";")[0].strip()
        if not _CHUNK_SIZE.fullmatch(size):
            return body
        if (count := int(size, 16)) == 0:
            return whole
        whole, rest = whole + rest[:count], rest[count:].removeprefix(line_break)


def _from_json(content: bytes) -> Capture:
    try:
        told = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"it begins as JSON, and is none; {EXPECTED}") from error
    if "log" in told:
        told = _first(told["log"].get("entries") if isinstance(told["log"], dict) else None)
    when = told.get("received_at") or told.get("startedDateTime")
    request = told.get("request", told)
    url = request.get("url") if isinstance(request, dict) else None
    if not url or url != str(url):
        raise ValueError(f"it has no `url`; {EXPECTED}")
    headers = CIMultiDict(_pairs(request.get("headers") or {}))
    return Capture(str(request.get("method", "POST")), url, headers, _body_of(request), _time(when))


def _first(entries: object) -> dict[str, Any]:
    if isinstance(entries, list) and entries and isinstance(entries[0], dict):
        return entries[0]
    raise ValueError(f"the archive holds no request; {EXPECTED}")


def _pairs(headers: object) -> Iterable[tuple[str, str]]:
    """Read headers as a mapping, as pairs, or as an archive's {name, value}."""
    match headers:
        case dict():
            return [(str(name), str(value)) for name, value in headers.items()]
        case list():
            return [_pair(item) for item in headers]
        case _:
            raise ValueError("its `headers` are neither a mapping nor a list")


def _pair(item: object) -> tuple[str, str]:
    match item:
        case [str() as name, str() as value] | {"name": str() as name, "value": str() as value}:
            return name, value
        case _:
            raise ValueError("a header is neither [name, value] nor {name, value}")


def _body_of(request: Mapping[str, Any]) -> bytes:
    """Return the body: as text, as base64, or as data, which then was not kept as it was sent."""
    archived = request.get("postData")
    body = request.get("body", archived.get("text", "") if isinstance(archived, dict) else "")
    if isinstance(request.get("body_base64"), str):
        try:
            return base64.b64decode(request["body_base64"], validate=True)
        except binascii.Error as error:
            raise ValueError("its `body_base64` is no base64") from error
    return str(body or "").encode("utf-8", "surrogatepass") if isinstance(body, str | None) else orjson.dumps(body)


def _time(text: object) -> datetime | None:
    try:
        read = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError as error:
        raise ValueError("the time it was received at is not ISO 8601") from error
    return read.astimezone() if read is not None else None


def origin_of(capture: Capture, public_url: str | None) -> str:
    """Return scheme and host as the sender saw them: as configured, else as captured."""
    seen = urlsplit(public_url or capture.url)
    return f"{seen.scheme or 'https'}://{seen.netloc or capture.headers.get('Host', 'localhost')}"
