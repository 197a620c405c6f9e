"""Vendors' certificates: fetched where their requests say, kept for hours, and believed only with a chain to a root.

A stranger may name any address that a vendor's scheme finds fit. So every fetch is bounded in time and size, goes only
where the address guard allows, follows nothing, and there are few of them; what was not there is remembered, too.
"""

import asyncio
import ssl
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, StreamReader, TCPConnector

from relay.clock import Clock
from relay.domain import KeyWanted, NetworkTarget, Rate
from relay.errors import KeyUnavailable
from relay.pacing import TokenBucket
from relay.targets.dialling import Guard

FETCHES = Rate(10, 60.0)
FETCH_S_MAX = 10.0
BYTES_MAX = 64 * 1024
KEPT_S, ABSENT_S = 6 * 3600.0, 60.0
KEPT_MAX = 64


class Certificates:
    """Fetches the keys that are wanted. One for all sources of a process.

    tls: whom to believe; what the machine believes, unless given. target: what may be called; no private address.
    """

    def __init__(self, clock: Clock, tls: ssl.SSLContext | None = None, target: NetworkTarget | None = None) -> None:
        self._clock = clock
        self._tls = tls
        self._target = target or NetworkTarget("certificates")
        self._bucket = TokenBucket(FETCHES)
        self._one_at_a_time = asyncio.Lock()
        self._kept: dict[KeyWanted, tuple[bytes | None, float]] = {}  # with the time until which it may be used

    async def key(self, wanted: KeyWanted) -> bytes | None:
        """Return a public key (SPKI in DER), or None where there is no certificate that may be believed.

        Errors: KeyUnavailable (it may be there later).
        """
        if (kept := self._kept.get(wanted)) is not None and self._clock.monotonic() < kept[1]:
            return kept[0]
        async with self._one_at_a_time:
            if (kept := self._kept.get(wanted)) is not None and self._clock.monotonic() < kept[1]:
                return kept[0]
            if self._bucket.take(self._clock.monotonic()) > 0:
                raise KeyUnavailable("too many different certificates are asked for; known ones go on being used")
            found = await self._fetched(wanted)
            self._keep(wanted, found)
            return found

    def _keep(self, wanted: KeyWanted, found: bytes | None) -> None:
        self._kept.pop(wanted, None)
        if len(self._kept) >= KEPT_MAX:
            absent = (kept for kept, (key, _) in self._kept.items() if key is None)
            del self._kept[next(absent, next(iter(self._kept)))]
        self._kept[wanted] = found, self._clock.monotonic() + (KEPT_S if found else ABSENT_S)

    async def _fetched(self, wanted: KeyWanted) -> bytes | None:
        tls = self._tls or ssl.create_default_context()
        content = await self._content(wanted.url, tls)
        if content is None:
            return None
        from relay.verification._chains import believed_key  # noqa: PLC0415 - only those who need it pay for it

        return believed_key(content, wanted.owner, tls.get_ca_certs(binary_form=True), self._clock.machine_now())

    async def _content(self, url: str, tls: ssl.SSLContext) -> bytes | None:
        """Return what stands at an address, or None where its server says that there is nothing."""
        host = urlsplit(url).hostname
        guard = Guard(self._target)
        connector = TCPConnector(resolver=guard, socket_factory=guard.open_socket, ssl=tls)
        try:
            async with (
                ClientSession(connector=connector, timeout=ClientTimeout(FETCH_S_MAX)) as session,
                session.get(url, allow_redirects=False) as answer,
            ):
                if answer.status == 200:
                    return await _bounded(answer.content)
                if 400 <= answer.status < 500 and answer.status not in (408, 429):
                    return None
                raise KeyUnavailable(f"no certificate from {host}: answered {answer.status}")
        except (ClientError, OSError) as error:
            raise KeyUnavailable(f"no certificate from {host}: {error or 'no answer in time'}") from error
        finally:
            await guard.close()


async def _bounded(stream: StreamReader) -> bytes | None:
    """Read to the end, or return None where it is longer than certificates are."""
    whole = b""
    async for piece in stream.iter_any():
        whole += piece
        if len(whole) > BYTES_MAX:
            return None
    return whole
