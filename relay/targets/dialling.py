"""How a connection to a target is made: only to addresses that may be called, and never unnoticed."""

import asyncio
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial

from aiohttp import AddrInfoType, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

from relay.domain import HttpTarget
from relay.targets.addresses import admitted, look_up, named_networks

KEEPALIVE_S = 15.0
DNS_TTL_S = 10

_HEAD = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})[ \r].*?\r\n\r\n", re.DOTALL)

_dials: ContextVar[list[str]] = ContextVar("dials")


def watch_dials() -> list[str]:
    """Return a list that is told of every address dialled for the task at hand from now on.

    Still empty after a request: it went over a connection kept from before. aiohttp tells that only by tracing,
    which costs a quarter of the request.
    """
    dials: list[str] = []
    _dials.set(dials)
    return dials


class _Answers(ResponseHandler):
    """Reads the answers of one connection, and saves the status of one that is not good HTTP in all else.

    A 204 with a body and a body longer than declared are common mistakes, and the parser gives up the head with
    them: for days the target would be sent again what it has said it has.
    """

    def data_received(self, data: bytes) -> None:
        """Parse a piece; where that fails, leave the status that stands in it as the error's code, or 0."""
        super().data_received(data)
        if isinstance(error := self.exception(), HttpProcessingError):
            head = _HEAD.match(data)
            error.code = int(head[1]) if head else 0


class _Connector(TCPConnector):
    """A pool whose connections read answers our way."""

    def __init__(self, *, limit: int, guard: "Guard") -> None:
        super().__init__(
            limit=limit,
            keepalive_timeout=KEEPALIVE_S,
            ttl_dns_cache=DNS_TTL_S,
            resolver=guard,
            socket_factory=guard.open_socket,
        )
        protocol: type[ResponseHandler] = _Answers
        self._factory = partial(protocol, loop=asyncio.get_running_loop())  # aiohttp has no public place for it


class Guard(AbstractResolver):
    """Stands between a target's name and its sockets, at both places where an address appears.

    As the resolver it drops what must not be called, so that a name with one such record among good ones works. As
    the socket factory it is handed the very address that is dialled, and judges literals too, which no resolver sees.
    """

    def __init__(self, target: HttpTarget) -> None:
        self._allow_private = target.allow_private
        self._networks = named_networks(target)
        self._connections_max = target.concurrency
        # A thread of its own: the system's resolver blocks, and a target whose DNS hangs would fill the shared ones.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="relay-dns")

    def connector(self) -> TCPConnector:
        """Make a pool of connections, all of them guarded."""
        return _Connector(limit=self._connections_max, guard=self)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of `host` that may be called. Errors: OSError, AddressBlocked among them."""
        addresses = await asyncio.get_running_loop().run_in_executor(self._thread, look_up, host, port)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
            for address in self._admitted(addresses)
        ]

    def open_socket(self, addr_info: AddrInfoType) -> socket.socket:
        """Make the socket for an address about to be dialled. Errors: AddressBlocked."""
        family, kind, protocol, _, sockaddr = addr_info
        address = str(sockaddr[0])
        self._admitted([address])
        _dials.get([]).append(address)
        return socket.socket(family=family, type=kind, proto=protocol)

    async def close(self) -> None:
        """Let the thread go as soon as its last lookup comes back."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _admitted(self, addresses: list[str]) -> list[str]:
        return admitted(addresses, self._allow_private, self._networks)
