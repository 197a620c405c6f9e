"""How a connection to a target is made: only to addresses that may be called."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

from relay.domain import NetworkTarget
from relay.targets.addresses import admitted, look_up, named_networks


async def dial(guard: "Guard", host: str, port: int) -> socket.socket:
    """Connect to the first of a host's addresses that may be called and answers, for a driver to speak over.

    Errors: OSError, AddressBlocked among them.
    """
    failure = OSError("no address")
    loop = asyncio.get_running_loop()
    for found in await guard.resolve(host, port):
        (info, *_) = await loop.getaddrinfo(found["host"], port, type=socket.SOCK_STREAM, flags=found["flags"])
        dialled = guard.open_socket(info)
        dialled.setblocking(False)
        try:
            await loop.sock_connect(dialled, info[4])
        except OSError as error:
            dialled.close()
            failure = error
        except asyncio.CancelledError:
            dialled.close()
            raise
        else:
            return dialled
    raise failure


class Guard(AbstractResolver):
    """Stands between a target's name and its sockets, at both places where an address appears.

    As the resolver it drops what must not be called, so that a name with one such record among good ones works. As
    the socket factory it is handed the very address that is dialled, and judges literals too, which no resolver sees.
    """

    def __init__(self, target: NetworkTarget) -> None:
        self._allow_private = target.allow_private
        self._networks = named_networks(target)
        # A thread of its own: the system's resolver blocks, and a target whose DNS hangs would fill the shared ones.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="relay-dns")

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
        self._admitted([str(sockaddr[0])])
        return socket.socket(family=family, type=kind, proto=protocol)

    async def close(self) -> None:
        """Let the thread go as soon as its last lookup comes back."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _admitted(self, addresses: list[str]) -> list[str]:
        return admitted(addresses, self._allow_private, self._networks)
