"""Which addresses may be called.

A target is a line in a file, and its name is answered by somebody's DNS. Either could turn this program against
the machine and the network it runs in (server-side request forgery), so numeric addresses are judged, not URLs.

The table is our own because the standard library's `is_global` and `is_private` follow the registries: they call
a NAT64 or 6to4 address global whatever IPv4 address it leads to, and know nothing of metadata services.
"""

import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from yarl import URL

from relay.domain import HttpTarget, NetworkTarget, Target
from relay.errors import AddressBlocked

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Access(Enum):
    """What it takes to call an address; the value says so to a reader."""

    OPEN = ""
    PRIVATE = "to call it, set `allow_private` on this target to true, or to a list that names its network"
    NAMED = "`allow_private: true` does not open it; a list in `allow_private` that names its network does"
    NEVER = "no setting opens it, `allow_private` included"


def _no_inner(_: int) -> tuple[int, ...]:
    """Return nothing: most addresses carry no other."""
    return ()


def _low(address: int) -> tuple[int, ...]:
    """Return the IPv4 address in the last 32 bits."""
    return (address & 0xFFFFFFFF,)


def _sixtofour(address: int) -> tuple[int, ...]:
    """Return the IPv4 address after the first 16 bits. Source: RFC 3056, 2."""
    return (address >> 80 & 0xFFFFFFFF,)


def _teredo(address: int) -> tuple[int, ...]:
    """Return the IPv4 addresses of server and client; the client's is inverted. Source: RFC 4380, 4."""
    return (address >> 64 & 0xFFFFFFFF, ~address & 0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Block:
    """A range of addresses with one meaning."""

    network: Network
    name: str
    source: str
    access: Access
    inner: Callable[[int], tuple[int, ...]] = _no_inner  # the IPv4 addresses that a call would really reach


def _block(
    network: str, name: str, source: str, access: Access, inner: Callable[[int], tuple[int, ...]] = _no_inner
) -> Block:
    return Block(ip_network(network), name, source, access, inner)


# The first row that holds an address decides, so a part stands before its whole. An IPv4 address in no row is open.
# Ranges and sources: the IANA special-purpose address registries for IPv4 and IPv6, and the providers' own pages.
BLOCKS = (
    # What a cloud gives to whoever can call it: credentials. Never, whatever a configuration says.
    _block("169.254.169.254/32", "cloud metadata", "AWS, Azure, Google, OpenStack and others", Access.NEVER),
    _block("169.254.170.2/32", "container credentials", "AWS ECS", Access.NEVER),
    _block("169.254.170.23/32", "pod credentials", "AWS EKS", Access.NEVER),
    _block("169.254.0.23/32", "cloud metadata", "Tencent Cloud", Access.NEVER),
    _block("169.254.42.42/32", "cloud metadata", "Scaleway", Access.NEVER),
    _block("100.100.100.200/32", "cloud metadata", "Alibaba Cloud", Access.NEVER),
    _block("168.63.129.16/32", "platform services", "Azure", Access.NEVER),
    _block("192.0.0.192/32", "cloud metadata", "Oracle Cloud Classic", Access.NEVER),
    _block("fd00:ec2::/32", "cloud metadata and credentials", "AWS", Access.NEVER),
    _block("fd20:ce::254/128", "cloud metadata", "Google Cloud", Access.NEVER),
    _block("fd00:c1::a9fe:a9fe/128", "cloud metadata", "Oracle Cloud", Access.NEVER),
    _block("fd00:a9fe:a9fe::1/128", "cloud metadata", "Akamai", Access.NEVER),
    _block("fd00:42::42/128", "cloud metadata", "Scaleway", Access.NEVER),
    _block("fd00:100::100:200/128", "cloud metadata", "Alibaba Cloud", Access.NEVER),
    _block("fe80::a9fe:a9fe/128", "cloud metadata", "OpenStack", Access.NEVER),
    # IPv4
    _block("0.0.0.0/8", "this network: Linux takes it for loopback", "RFC 791", Access.NEVER),
    _block("10.0.0.0/8", "private", "RFC 1918", Access.PRIVATE),
    _block("100.64.0.0/10", "shared by a provider's customers (CGNAT)", "RFC 6598", Access.PRIVATE),
    _block("127.0.0.0/8", "loopback", "RFC 1122", Access.PRIVATE),
    _block("169.254.0.0/16", "link-local", "RFC 3927", Access.NAMED),
    _block("172.16.0.0/12", "private", "RFC 1918", Access.PRIVATE),
    _block("192.0.0.0/24", "protocol assignments", "RFC 6890", Access.NAMED),
    _block("192.0.2.0/24", "documentation", "RFC 5737", Access.NAMED),
    _block("192.88.99.0/24", "6to4 relays", "RFC 7526", Access.NAMED),
    _block("192.168.0.0/16", "private", "RFC 1918", Access.PRIVATE),
    _block("198.18.0.0/15", "benchmarking", "RFC 2544", Access.NAMED),
    _block("198.51.100.0/24", "documentation", "RFC 5737", Access.NAMED),
    _block("203.0.113.0/24", "documentation", "RFC 5737", Access.NAMED),
    _block("224.0.0.0/4", "multicast", "RFC 5771", Access.NEVER),
    _block("255.255.255.255/32", "broadcast", "RFC 919", Access.NEVER),
    _block("240.0.0.0/4", "reserved", "RFC 1112", Access.NAMED),
    # IPv6
    _block("::/128", "unspecified: Linux takes it for loopback", "RFC 4291", Access.NEVER),
    _block("::1/128", "loopback", "RFC 4291", Access.PRIVATE),
    _block("::ffff:0:0/96", "IPv4-mapped", "RFC 4291", Access.OPEN, _low),
    _block("::ffff:0:0:0/96", "IPv4-translated", "RFC 2765", Access.OPEN, _low),
    _block("::/96", "IPv4-compatible", "RFC 4291", Access.OPEN, _low),
    _block("64:ff9b::/96", "NAT64", "RFC 6052", Access.OPEN, _low),
    _block("64:ff9b:1::/48", "local NAT64", "RFC 8215", Access.NAMED, _low),
    _block("100::/64", "discard", "RFC 6666", Access.NAMED),
    _block("2001::/32", "Teredo", "RFC 4380", Access.OPEN, _teredo),
    _block("2001:2::/48", "benchmarking", "RFC 5180", Access.NAMED),
    _block("2001::/23", "protocol assignments", "RFC 2928", Access.NAMED),
    _block("2001:db8::/32", "documentation", "RFC 3849", Access.NAMED),
    _block("2002::/16", "6to4", "RFC 3056", Access.OPEN, _sixtofour),
    _block("3fff::/20", "documentation", "RFC 9637", Access.NAMED),
    _block("2000::/3", "global unicast", "RFC 4291", Access.OPEN),
    _block("fc00::/7", "unique local", "RFC 4193", Access.PRIVATE),
    _block("fe80::/10", "link-local", "RFC 4291", Access.NAMED),
    _block("fec0::/10", "site-local", "RFC 3879", Access.NAMED),
    _block("ff00::/8", "multicast", "RFC 4291", Access.NEVER),
    _block("::/0", "not assigned", "RFC 4291", Access.NAMED),
)


def refusal(address: str, allow_private: bool, networks: Sequence[Network]) -> str | None:
    """Say why `address` must not be called, and what would allow it; or None where it may be.

    address: numeric, in the one notation that a resolver gives; anything else is refused.
    networks: what `allow_networks` names. An address that carries an IPv4 address is judged by both.
    """
    try:
        numeric = ip_address(address)
    except ValueError:
        return f"{address} is not a numeric address"
    if (block := _closed(numeric, allow_private, networks)) is None:
        return None
    return f"{address} leads into {block.network} ({block.name}; {block.source}): {block.access.value}"


def _closed(address: Address, allow_private: bool, networks: Sequence[Network]) -> Block | None:
    """Return the block that closes `address`, or any address inside it, to this target."""
    block = next((block for block in BLOCKS if address in block.network), None)
    if block is None:
        return None
    inner = (_closed(IPv4Address(number), allow_private, networks) for number in block.inner(int(address)))
    if (closed := next(filter(None, inner), None)) is not None:
        return closed
    return None if _may_call(address, block.access, allow_private, networks) else block


def _may_call(address: Address, access: Access, allow_private: bool, networks: Sequence[Network]) -> bool:
    """Tell whether a target's settings are enough for `access`."""
    if access is Access.OPEN or (access is Access.PRIVATE and allow_private):
        return True
    return access is not Access.NEVER and any(address in network for network in networks)


def admitted(addresses: Iterable[str], allow_private: bool, networks: Sequence[Network]) -> list[str]:
    """Keep the addresses that may be called. Errors: AddressBlocked where there are some, and none may be."""
    refusals = {address: refusal(address, allow_private, networks) for address in addresses}
    kept = [address for address, reason in refusals.items() if reason is None]
    if refusals and not kept:
        raise AddressBlocked(next(iter(refusals.values())))
    return kept


def named_networks(target: NetworkTarget) -> tuple[Network, ...]:
    """Return what the target's `allow_networks` names."""
    return tuple(ip_network(text, strict=False) for text in target.allow_networks)


def endpoint(url: str) -> URL:
    """Return the URL that is called: path and query as written, an IPv4 host in its one usual notation.

    `http://0x7f.1/` and `http://2130706433/` become `http://127.0.0.1/`: the system's resolver would read them so.
    Errors: ValueError, whose text never repeats the URL.
    """
    # Visible ASCII is taken as it stands: re-encoded, a signature in the query would no longer match.
    is_encoded = url.isascii() and url.isprintable() and " " not in url
    try:
        parsed = URL(url, encoded=is_encoded)
        dotted = _dotted_quad((parsed.raw_host or "").rstrip("."))
        called = parsed.with_host(dotted) if dotted else parsed
        is_whole = called.scheme in ("http", "https") and called.raw_host and called.port
    except ValueError:
        is_whole = False
    if not is_whole:
        raise ValueError("a URL that cannot be called")
    return called


def _dotted_quad(host: str) -> str | None:
    """Return the IPv4 address that the C library reads in `host`: decimal, octal, hex and short forms included."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


def look_up(host: str, port: int) -> list[str]:
    """Return the numeric addresses of `host`, in the system's order. Blocks. Errors: OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except UnicodeError as error:  # a label that is empty or too long
        raise OSError("not a host name") from error
    return [_with_scope(sockaddr) for *_, sockaddr in found]


def _with_scope(sockaddr: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]) -> str:
    """Return a socket address's host, with its scope where it has one: without it a link-local one leads nowhere."""
    host = str(sockaddr[0])
    return f"{host}%{sockaddr[3]}" if len(sockaddr) == 4 and sockaddr[3] else host


def would_block(target: Target) -> str | None:
    """Say why calling `target` would be refused; None where it would not, or where its name has no address now.

    For `relay check`: looks the name up and waits for it, so it is not for the event loop.
    """
    if not isinstance(target, NetworkTarget):
        return None
    host, port = _place_of(target)
    try:
        addresses = [host] if _is_numeric(host) else look_up(host, port)
        admitted(addresses, target.allow_private, named_networks(target))
    except AddressBlocked as blocked:
        return str(blocked)
    except OSError:
        return None
    return None


def _place_of(target: NetworkTarget) -> tuple[str, int]:
    """Return the host and port that are dialled."""
    url = endpoint(target.url) if isinstance(target, HttpTarget) else URL(target.url)
    host = url.raw_host or ""
    return _dotted_quad(host) or host, url.port or 0


def _is_numeric(host: str) -> bool:
    return ":" in host or _dotted_quad(host) is not None
