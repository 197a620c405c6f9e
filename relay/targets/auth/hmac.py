"""A keyed digest of what is really sent, in any form that our own sources know."""

import asyncio
from typing import Any

from multidict import CIMultiDict

from relay.domain import InboundRequest
from relay.targets.auth import MASK, Caller, Outgoing, Proof, Unproven
from relay.verification.hmac import HmacVerifier

SIGNED_BYTES_AT_ONCE = 256 * 1024  # a longer body is hashed in a thread: it takes a millisecond for each MiB


class HmacProver:
    """Signs each request. The id that a signature may cover is the event's: the same at every attempt."""

    def __init__(self, caller: Caller, **settings: Any) -> None:
        self._clock = caller.clock
        self._scheme = HmacVerifier(**settings)

    @property
    def shown(self) -> Proof:
        """Return the headers that are set."""
        scheme = self._scheme
        names = (scheme.header, scheme.timestamp_header, scheme.id_header)
        return Proof(tuple((name, MASK) for name in names if name is not None))

    async def prove(self, request: Outgoing, deadline: float) -> Proof | Unproven:
        """Sign. Nothing is fetched for it."""
        if len(request.body) <= SIGNED_BYTES_AT_ONCE:
            return self._signed(request)
        return await asyncio.to_thread(self._signed, request)

    def renew(self, refused: Proof) -> bool:
        """Tell that another signature would be as good or bad."""
        return False

    async def close(self) -> None:
        """Have nothing to let go of."""

    def _signed(self, request: Outgoing) -> Proof:
        named = {self._scheme.id_header: request.id} if self._scheme.id_header else {}
        covered = InboundRequest(
            request.method, request.origin, request.path, request.query, CIMultiDict(named), request.body
        )
        return Proof(tuple(self._scheme.sign(covered, self._clock.machine_now()).headers.items()))


AUTH = HmacProver
