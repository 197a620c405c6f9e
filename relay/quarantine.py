"""Refused requests, kept for a while: bounded in memory, on disk, and in how many a flood may leave."""

from multidict import CIMultiDict

from relay.clock import Clock
from relay.config import QuarantineBounds
from relay.domain import InboundRequest, Rate, Refusal, Source
from relay.pacing import TokenBucket
from relay.store.ports.rejections import Bounds, Rejection
from relay.store.protocol import Store

KEPT_RATE = Rate(10, 1.0)  # of a source: in a flood one is like the other
WAITING_MAX = 100  # in memory, until they are written
WAITING_BYTES_MAX = 16 * 1024 * 1024

# What may be mended, so that the same request is accepted then. What was too much, or too large, is not.
KEPT = frozenset(
    {Refusal.MISSING, Refusal.MALFORMED, Refusal.STALE, Refusal.MISMATCH, Refusal.UNREADABLE, Refusal.KEYLESS}
)


class Quarantine:
    """Takes what was refused, without a wait; writes it when it is told to."""

    def __init__(self, store: Store, bounds: QuarantineBounds, clock: Clock) -> None:
        self._store = store
        self._bounds = bounds
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}
        self._waiting: list[Rejection] = []
        self._waiting_bytes = 0

    def take(self, request: InboundRequest, source: Source, refusal: Refusal, *, is_whole: bool) -> None:
        """Keep a refused request, unless there is no room for it, or a flood of them."""
        if refusal not in KEPT or not self._has_room(len(request.body)):
            return
        bucket = self._buckets.setdefault(source.name, TokenBucket(KEPT_RATE))
        if bucket.take(self._clock.monotonic()) > 0:
            return
        self._waiting_bytes += len(request.body)
        self._waiting.append(
            Rejection(
                number=0,
                source=source.name,
                refusal=refusal,
                received_at=self._clock.now(),
                method=request.method,
                origin=request.origin,
                path=request.path,
                query=request.query_string,
                headers=tuple(request.headers.items()),
                remote=request.remote,
                token=request.token,
                body=request.body,
                is_whole=is_whole,
            )
        )

    async def write(self) -> None:
        """Write down what waits, and drop what is too old or too much."""
        rejections, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if not rejections:
            return
        await self._store.rejections.keep(rejections, self._bounds_now())

    def adopt(self, bounds: QuarantineBounds) -> None:
        """Keep no more than that from here on."""
        self._bounds = bounds

    async def drop_old(self) -> None:
        """Drop what is too old, also where nothing new comes."""
        await self._store.rejections.keep([], self._bounds_now())

    def _bounds_now(self) -> Bounds:
        return Bounds(self._clock.now() - self._bounds.keep, self._bounds.count, self._bounds.body_bytes)

    def _has_room(self, body_bytes: int) -> bool:
        return (
            self._bounds.count > 0
            and body_bytes <= self._bounds.body_bytes
            and len(self._waiting) < WAITING_MAX
            and self._waiting_bytes + body_bytes <= WAITING_BYTES_MAX
        )


def as_request(rejection: Rejection) -> InboundRequest:
    """Return the request that was refused, as it came."""
    return InboundRequest(
        rejection.method,
        rejection.origin,
        rejection.path,
        rejection.query,
        CIMultiDict(rejection.headers),
        rejection.body,
        rejection.remote,
        rejection.token,
    )
