"""Who really sent a request, and how they called us, seen through the proxies that are trusted and no others."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address

from aiohttp import web


class Proxies:
    """The networks whose `X-Forwarded-*` headers are believed."""

    def __init__(self, trusted: Sequence[IPv4Network | IPv6Network], public_url: str | None) -> None:
        self._trusted = trusted
        self._public_origin = public_url.rstrip("/") if public_url else None
        self.trusts = lru_cache(1024)(self._looks_trusted)  # an address, as a connection has it

    def sender(self, http: web.BaseRequest) -> str:
        """Return the sender's address: the last one that no trusted proxy of ours has.

        Each proxy appends the address it was called from, so the list is read from its end; what stands before
        the first stranger may be invented.
        """
        remote = http.remote or ""
        if not self._trusted or not self.trusts(remote):
            return remote
        hops = [hop.strip() for value in http.headers.getall("X-Forwarded-For", ()) for hop in value.split(",")]
        for hop in reversed(hops):
            remote = hop
            if not self.trusts(hop):
                break
        return remote

    def origin(self, http: web.BaseRequest) -> str:
        """Return scheme and host as the sender sees them."""
        if self._public_origin is not None:
            return self._public_origin
        scheme, host = "http", http.headers.get("Host", "")
        if self._trusted and self.trusts(http.remote or ""):
            scheme = http.headers.get("X-Forwarded-Proto", scheme)
            host = http.headers.get("X-Forwarded-Host", host)
        return f"{scheme}://{host}"

    def _looks_trusted(self, address: str) -> bool:
        try:
            ip = ip_address(address)
        except ValueError:
            return False
        plain = getattr(ip, "ipv4_mapped", None) or ip
        return any(plain in network for network in self._trusted)
