"""The inbound journey: a request is proven, read, named, routed and stored with everything it must become."""

import asyncio
import os
from collections.abc import Callable, Iterable

from relay.clock import Clock
from relay.domain import UNREAD, Document, Event, InboundRequest, Plan, Receipt, Refusal, Source, Verdict, new_event_id
from relay.errors import StoreError, StoreUnavailable
from relay.headroom import Headroom
from relay.identity import identify, read
from relay.lanes import Lanes
from relay.observer import Observer
from relay.pacing import TokenBucket
from relay.routing import plan
from relay.store.protocol import Store
from relay.verification import refuse_early, verify

LARGE_BODY_BYTES = 256 * 1024  # hashed and parsed beside the event loop, so that others are not held up


class Ingest:
    """Turns requests into events. One for all sources of this process."""

    def __init__(
        self,
        sources: Iterable[Source],
        store: Store,
        lanes: Lanes,
        headroom: Headroom,
        clock: Clock,
        observer: Observer,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._store = store
        self._lanes = lanes
        self._headroom = headroom
        self._clock = clock
        self._observer = observer
        self._entropy = entropy
        self._limits = {source.name: TokenBucket(source.limit) for source in sources if source.limit}

    async def receive(self, request: InboundRequest, source: Source) -> Receipt | Refusal:
        """Turn one HTTP request into at most one stored event, and tell the observer.

        Nothing is written for a refusal. The receipt exists only after commit, so a 2xx is a promise.
        Errors: StoreError (the caller answers 503 and the sender tries again).
        """
        began_s = self._clock.monotonic()
        try:
            result = await self._receive(request, source)
        except StoreError as error:
            self._observer.unavailable(source.name, str(error))
            raise
        if isinstance(result, Refusal):
            self._observer.refused(source.name, result)
        else:
            self._observer.accepted(
                source.name,
                result.event_id,
                is_duplicate=result.is_duplicate,
                duration_s=self._clock.monotonic() - began_s,
            )
        return result

    def refuse(self, source: Source, refusal: Refusal) -> None:
        """Tell the observer of a request that was refused before it came here."""
        self._observer.refused(source.name, refusal)

    def refuse_early(self, request: InboundRequest, source: Source) -> Refusal | None:
        """Refuse, before its body is read, a request that can be told to be forged without it."""
        refusal = refuse_early(request, source, self._clock.now())
        if refusal is not None:
            self.refuse(source, refusal)
        return refusal

    async def _receive(self, request: InboundRequest, source: Source) -> Receipt | Refusal:
        if len(request.body) <= LARGE_BODY_BYTES and "Content-Encoding" not in request.headers:
            judged = self._judge(request, source)
        else:  # beside the event loop, where the body is large or may unpack to be
            judged = await asyncio.to_thread(self._judge, request, source)
        if isinstance(judged, Refusal):
            return judged
        event, planned = judged
        receipt = await self._store_and_hand_over(event, planned)
        if not receipt.is_duplicate:
            self._tell_failed_routes(event, planned)
        return receipt

    def _judge(self, request: InboundRequest, source: Source) -> tuple[Event, Plan] | Refusal:
        """Prove, read, name and route one request. Nothing is read before it is proven."""
        now = self._clock.now()
        if (refusal := verify(request, source, now)) is not None:
            return refusal
        if self._is_over_limit(source):
            return Refusal.LIMITED
        document = _read(request, source)
        if isinstance(document, Refusal):
            return document
        event = identify(request, source, document, now, new_event_id(now, self._entropy(10)))
        if isinstance(event, Refusal):
            return event
        return event, plan(event, document, source, now)

    def retry_after_s(self, source: Source) -> float:
        """Return the seconds until the source's limit has room again."""
        return source.limit.per_s / source.limit.count if source.limit else 1.0

    def _is_over_limit(self, source: Source) -> bool:
        """Only what is proven counts: a stranger cannot use up a sender's rate."""
        bucket = self._limits.get(source.name)
        return bucket is not None and bucket.take(self._clock.monotonic()) > 0

    async def _store_and_hand_over(self, event: Event, planned: Plan) -> Receipt:
        """Store the event; its deliveries go from the commit straight to the workers, where these have room."""
        if (shortage := self._headroom.shortage) is not None:
            raise StoreUnavailable(shortage)
        places = self._lanes.reserve(event, planned, event.received_at)
        try:
            receipt = await self._store.accept(event, planned, places.leases)
        except BaseException:
            self._lanes.free(places)
            raise
        self._lanes.fill(places, planned, receipt)
        return receipt

    def _tell_failed_routes(self, event: Event, planned: Plan) -> None:
        for route, verdict in planned.verdicts:
            if verdict is Verdict.FAILED:
                self._observer.route_failed(event.source, event.id, route)


def _read(request: InboundRequest, source: Source) -> Document | Refusal:
    """Parse the body if some rule needs it; look into a packed one in any case, so that a broken one is refused."""
    encoding = request.headers.get("Content-Encoding")
    if not source.reads_body and encoding is None:
        return UNREAD
    return read(request.body, encoding, source.body_bytes_max)
