"""One target's connections."""

import asyncio
import ssl
from functools import partial

from aiohttp import ClientRequest, ClientTimeout, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from yarl import URL

from relay.targets.dialling import Guard
from relay.targets.exchange import Answers, answers_of

DNS_TTL_S = 10

_ENDLESS = ClientTimeout()  # aiohttp's own times are not used: there is one deadline for all of an attempt


class Pool:
    """Connections that are dialled behind a guard, kept while idle, and never more at a time than allowed.

    aiohttp's connector dials them and counts them. It could keep them, too, but taking and giving back would cost a
    fifth of a whole delivery; so for it they are in use until they are closed, or somebody waits for one.
    """

    def __init__(self, url: URL, guard: Guard, connections_max: int, tls: ssl.SSLContext | None = None) -> None:
        loop = asyncio.get_running_loop()
        self._connector = TCPConnector(
            limit=connections_max,
            ttl_dns_cache=DNS_TTL_S,
            resolver=guard,
            socket_factory=guard.open_socket,
            ssl=tls or True,
        )
        protocol: type[ResponseHandler] = Answers
        self._connector._factory = partial(protocol, loop=loop)  # noqa: SLF001 - aiohttp has no public place for it
        self._place = ClientRequest("POST", url, loop=loop)  # tells a connector where to, and is never sent
        self._idle: list[Connection] = []
        self._waiting = 0  # how many wait for the connector

    async def take(self, deadline: float) -> Connection:
        """Return a connection kept from before, the last one first, or dial one. It must be given back.

        deadline: by the loop's clock. Errors: ClientError, OSError, TimeoutError among them.
        """
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed:
                return connection
            connection.close()
        self._waiting += 1
        try:
            async with asyncio.timeout_at(deadline):
                return await self._connector.connect(self._place, [], _ENDLESS)
        finally:
            self._waiting -= 1

    def give_back(self, connection: Connection) -> None:
        """Keep a connection, hand it to who waits for one, or close it where it cannot be used again."""
        if self._waiting or answers_of(connection).should_close:
            connection.release()
        else:
            self._idle.append(connection)

    async def aclose(self) -> None:
        """Close every connection."""
        while self._idle:
            self._idle.pop().release()
        await self._connector.close()
