"""Who a request says it is from: the headers of proxies, and the addresses in them.

The first line is the address that called, the rest are headers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import cast

from aiohttp import web
from multidict import CIMultiDict

from relay.domain import InboundRequest, Refusal
from relay.verification.ip import IpVerifier
from relay.web.proxies import Proxies
from tests.contract.vendor import NOW
from tests.fuzz.harness import Harness

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
ALLOWED = IpVerifier((ip_network("198.51.100.0/24"), ip_network("2001:db8::/32")))
PROXY = "10.0.0.1"


@dataclass(frozen=True, slots=True)
class Call:
    """What of a request tells who sent it."""

    remote: str
    headers: CIMultiDict[str]


def http_with(remote: str, headers: CIMultiDict[str]) -> web.BaseRequest:
    return cast(web.BaseRequest, Call(remote, headers))


def check(data: bytes) -> None:
    remote, *lines = data.decode("utf-8", "surrogateescape").split("\n")
    headers = CIMultiDict[str]()
    for line in lines:
        name, _, value = line.partition(":")
        headers.add(name, value.strip(" \t\r"))
    proxies = Proxies(TRUSTED, None)
    check_stranger(proxies, remote, headers)
    check_behind(proxies, headers)


def check_stranger(proxies: Proxies, remote: str, headers: CIMultiDict[str]) -> None:
    """Who is not trusted is who it is, whatever it says of others."""
    http = http_with(remote, headers)
    if not proxies.trusts(http.remote or ""):
        assert proxies.sender(http) == (http.remote or "")
        assert proxies.origin(http) == f"http://{headers.get('Host', '')}"


def check_behind(proxies: Proxies, headers: CIMultiDict[str]) -> None:
    """A list is read from its end: what stands before the first stranger proves nothing."""
    sender = proxies.sender(http_with(PROXY, headers))
    hops = [hop.strip() for value in headers.getall("X-Forwarded-For", ()) for hop in value.split(",")]
    strangers = [hop for hop in hops if not proxies.trusts(hop)]
    assert sender == (strangers[-1] if strangers else (hops or [PROXY])[0])
    request = InboundRequest("POST", "https://a", "/in/it", "", headers, b"", sender)
    judged = ALLOWED.verify(request, NOW)
    assert judged is None or isinstance(judged, Refusal)
    if judged is None:
        address = ip_address(sender)
        plain = getattr(address, "ipv4_mapped", None) or address
        assert any(plain in network for network in ALLOWED.networks)


def seeds() -> Iterator[bytes]:
    for remote, said in (
        ("198.51.100.7", "X-Forwarded-For: 203.0.113.9, 10.0.0.2"),
        (PROXY, "X-Forwarded-For: 198.51.100.7\nX-Forwarded-For: 198.51.100.8, 10.1.1.1\nHost: a"),
        ("::ffff:10.0.0.1", "X-Forwarded-For: ::ffff:198.51.100.7, fd00::1\nX-Forwarded-Proto: https"),
        ("fe80::1%eth0", "X-Forwarded-For: 2001:db8::1%1, 0x7f.1, 198.51.100.7:443"),
        (PROXY, "X-Forwarded-For: [2001:db8::1]:80,, unknown\nX-Forwarded-Host: b\nForwarded: for=198.51.100.7"),
    ):
        yield f"{remote}\n{said}".encode()


HARNESS = Harness(check, seeds)
