"""The sender's address, for senders with a fixed one. It tells where a request comes from, not who made it."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import ClassVar

from relay.domain import InboundRequest, Proof, Refusal


@dataclass(frozen=True, slots=True)
class IpVerifier:
    """Believes who calls from one of the networks."""

    needs_body: ClassVar[bool] = False

    networks: tuple[IPv4Network | IPv6Network, ...]

    def verify(self, request: InboundRequest, now: datetime) -> Refusal | None:
        """Look for the sender's address, trusted proxies already seen through."""
        address = _address(request.remote)
        if address is None:
            return Refusal.MALFORMED if request.remote else Refusal.MISSING
        return None if any(address in network for network in self.networks) else Refusal.MISMATCH

    def sign(self, request: InboundRequest, now: datetime) -> Proof:
        """Add nothing: an address cannot be added."""
        return Proof()


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address; an IPv4 address in IPv6 notation is the IPv4 address that it means."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


SCHEME = IpVerifier
