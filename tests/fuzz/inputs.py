"""Inputs as text that a person can read, and that stays an input however it is changed.

stripe              the subject; an unknown name stands for one of them
POST a=1&b=2        method and query
X-Header: value     headers, up to an empty line
                    and the body, to the end
"""

import zlib
from collections.abc import Sequence

from multidict import CIMultiDict

from relay.domain import InboundRequest
from tests.contract.vendor import ORIGIN

REMOTE = "203.0.113.7"


def chosen(name: bytes, subjects: Sequence[str]) -> str:
    """Return the subject of that name, or any for a name that is none."""
    text = name.decode(errors="replace")
    return text if text in subjects else subjects[zlib.crc32(name) % len(subjects)]


def request_in(data: bytes) -> tuple[bytes, InboundRequest]:
    """Read a subject's name and a request, decoded as the server does it."""
    head, _, body = data.partition(b"\n\n")
    name, _, rest = head.partition(b"\n")
    line, *lines = rest.split(b"\n")
    method, _, query = _text(line).partition(" ")
    headers = CIMultiDict[str]()
    for each in lines:
        field, _, value = _text(each).partition(":")
        headers.add(field, value.strip(" \t"))
    return name, InboundRequest(method, ORIGIN, "/in/it", query, headers, body, REMOTE, headers.get("Token"))


def written(name: str, request: InboundRequest) -> bytes:
    """Write an input as `request_in` reads it."""
    token = {} if request.token is None else {"Token": request.token}
    headers = [f"{field}: {value}" for field, value in (*request.headers.items(), *token.items())]
    head = "\n".join([name, f"{request.method} {request.query_string}", *headers])
    return head.encode("utf-8", "surrogateescape") + b"\n\n" + request.body


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
